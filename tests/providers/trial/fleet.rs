//! Three server processes, the result of a request to one of them, and the winners of each login.

use std::collections::{HashMap, HashSet};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use support::servers::Failure;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinHandle;

use super::server::Settings;
use crate::garbage::random_bytes;

pub const PLACES: usize = 3;

/// A random number below `end`.
pub fn random_below(end: u64) -> u64 {
    u64::from_be_bytes(random_bytes(8).try_into().unwrap()) % end
}

pub struct Fleet {
    settings: Settings,
    places: Mutex<Vec<Place>>,
    processes: tokio::sync::Mutex<Vec<Process>>,
    ended: Mutex<HashSet<u64>>,
    /// How often each login was won, as the servers report it.
    wins: Arc<Mutex<HashMap<u64, u64>>>,
    readers: Mutex<Vec<JoinHandle<()>>>,
    started: AtomicU64,
}

/// The address at which the load balancer expects a server, running or not.
#[derive(Clone, Copy)]
pub struct Place {
    pub port: u16,
    pub process: u64,
}

struct Process {
    child: Child,
    _input: ChildStdin,
}

/// The result of a request.
pub enum Sent {
    Answered(StatusCode, Option<String>, Bytes),
    /// No server listened: nothing was sent.
    Refused,
    /// The connection broke after the request was sent.
    Broken,
}

impl Fleet {
    pub async fn start(settings: Settings) -> Result<Self, Failure> {
        let fleet = Self {
            settings,
            places: Mutex::default(),
            processes: tokio::sync::Mutex::default(),
            ended: Mutex::default(),
            wins: Arc::default(),
            readers: Mutex::default(),
            started: AtomicU64::new(0),
        };
        for _ in 0..PLACES {
            let (process, place) = fleet.start_one().await?;
            fleet.processes.lock().await.push(process);
            fleet.places.lock().unwrap().push(place);
        }
        Ok(fleet)
    }

    async fn start_one(&self) -> Result<(Process, Place), Failure> {
        let number = self.started.fetch_add(1, Ordering::SeqCst);
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("server").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (mut input, output) = (input.ok_or("no input")?, output.ok_or("no output")?);
        let settings = Settings { process: number, ..self.settings.clone() };
        input.write_all(format!("{}\n", serde_json::to_string(&settings)?).as_bytes()).await?;
        let mut lines = BufReader::new(output).lines();
        let line = lines.next_line().await?.ok_or("the server ended before it listened")?;
        let port = line.strip_prefix("listening on ").ok_or_else(|| format!("the server says: {line}"))?.parse()?;
        let wins = Arc::clone(&self.wins);
        let reader = tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(Ok(won)) = line.strip_prefix("won ").map(str::parse) {
                    *wins.lock().unwrap().entry(won).or_default() += 1;
                }
            }
        });
        self.readers.lock().unwrap().push(reader);
        Ok((Process { child, _input: input }, Place { port, process: number }))
    }

    /// `kill -9` of one process, by its id, and a replacement a little later.
    pub async fn replace(&self, place: usize) -> Result<(), Failure> {
        let killed = self.places.lock().unwrap()[place].process;
        self.ended.lock().unwrap().insert(killed);
        self.processes.lock().await[place].child.kill().await?;
        tokio::time::sleep(Duration::from_millis(10 + random_below(40))).await;
        let (process, new) = self.start_one().await?;
        self.processes.lock().await[place] = process;
        self.places.lock().unwrap()[place] = new;
        Ok(())
    }

    pub fn place(&self, place: usize) -> Place {
        self.places.lock().unwrap()[place]
    }

    pub fn has_ended(&self, process: u64) -> bool {
        self.ended.lock().unwrap().contains(&process)
    }

    /// Ends all of them, and returns how often each login was won.
    pub async fn end(self) -> Result<HashMap<u64, u64>, Failure> {
        for process in self.processes.lock().await.iter_mut() {
            process.child.kill().await?;
        }
        let readers = std::mem::take(&mut *self.readers.lock().unwrap());
        for reader in readers {
            reader.await?;
        }
        Ok(self.wins.lock().unwrap().clone())
    }

    /// One request on a new connection.
    pub async fn send(&self, place: usize, request: &str, cookie: Option<&str>, post: Option<&str>) -> Sent {
        let Ok(stream) = TcpStream::connect(("127.0.0.1", self.place(place).port)).await else { return Sent::Refused };
        let exchange = async {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
            let connection = tokio::spawn(connection);
            let mut builder = Request::builder().uri(request).header(header::HOST, "localhost");
            if let Some(cookie) = cookie {
                builder = builder.header(header::COOKIE, cookie);
            }
            let method = if post.is_some() { http::Method::POST } else { http::Method::GET };
            let body = Full::new(Bytes::from(post.unwrap_or_default().to_owned()));
            let response = sender.send_request(builder.method(method).body(body).ok()?).await.ok()?;
            let cookie = response.headers().get(header::SET_COOKIE).and_then(|value| value.to_str().ok());
            let cookie = cookie.and_then(|cookie| cookie.split(';').next()).map(str::to_owned);
            let status = response.status();
            let body = response.into_body().collect().await.ok()?.to_bytes();
            connection.abort();
            Some(Sent::Answered(status, cookie, body))
        };
        match tokio::time::timeout(Duration::from_secs(30), exchange).await {
            Ok(Some(sent)) => sent,
            Ok(None) => Sent::Broken,
            Err(_) => panic!("a server does not answer"),
        }
    }
}
