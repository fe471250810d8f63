//! The server processes, and the load balancer in front of them.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::Duration;

use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, Command};

use crate::Failure;
use crate::server::Settings;
use crate::usage::{self, Usage};

pub struct Fleet {
    settings: Settings,
    places: Mutex<Vec<Place>>,
    processes: tokio::sync::Mutex<Vec<Process>>,
    /// The processor time of servers that have ended, in milliseconds.
    gone: Mutex<f64>,
    killed: Mutex<HashSet<u32>>,
    targets: Option<PathBuf>,
}

/// The address at which the load balancer expects a server, running or not.
#[derive(Clone, Copy)]
struct Place {
    port: u16,
    process: u32,
}

struct Process {
    child: Child,
    _input: ChildStdin,
}

/// A server that takes longer is stuck.
const LONGEST: Duration = Duration::from_secs(60);

/// The result of a request.
pub enum Sent {
    Answered(Answer),
    /// The connection broke after the request was sent.
    Broken,
    /// No response for a minute.
    TimedOut,
}

pub struct Answer {
    pub status: StatusCode,
    pub location: Option<String>,
    pub cookie: Option<String>,
    pub body: Bytes,
}

impl Fleet {
    pub async fn start(settings: Settings, servers: usize, targets: Option<PathBuf>) -> Result<Self, Failure> {
        let fleet = Self {
            settings,
            places: Mutex::default(),
            processes: tokio::sync::Mutex::default(),
            gone: Mutex::default(),
            killed: Mutex::default(),
            targets,
        };
        for _ in 0..servers {
            let (process, place) = fleet.start_one().await?;
            fleet.processes.lock().await.push(process);
            fleet.places.lock().unwrap().push(place);
        }
        fleet.write_targets()?;
        Ok(fleet)
    }

    /// Writes the scrape addresses of the servers, for Prometheus' file_sd.
    fn write_targets(&self) -> Result<(), Failure> {
        let Some(file) = &self.targets else { return Ok(()) };
        let ports: Vec<_> =
            self.places.lock().unwrap().iter().map(|place| format!("127.0.0.1:{}", place.port)).collect();
        // Replaced atomically, because Prometheus reads it on every change.
        let written = file.with_extension("new");
        std::fs::write(&written, serde_json::json!([{ "targets": ports }]).to_string())?;
        Ok(std::fs::rename(written, file)?)
    }

    async fn start_one(&self) -> Result<(Process, Place), Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("server").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (mut input, output) = (input.ok_or("no input")?, output.ok_or("no output")?);
        input.write_all(format!("{}\n", serde_json::to_string(&self.settings)?).as_bytes()).await?;
        let line = BufReader::new(output).lines().next_line().await?.ok_or("a server ended before it listened")?;
        let port = line.strip_prefix("listening on ").ok_or_else(|| format!("a server says: {line}"))?.parse()?;
        let process = child.id().ok_or("a server ended at once")?;
        Ok((Process { child, _input: input }, Place { port, process }))
    }

    /// `kill -9` of one process, by its id, and a replacement a little later.
    pub async fn replace(&self, place: usize) -> Result<(), Failure> {
        let killed = self.places.lock().unwrap()[place].process;
        self.killed.lock().unwrap().insert(killed);
        *self.gone.lock().unwrap() += usage::of(killed).unwrap_or_default().processor;
        self.processes.lock().await[place].child.kill().await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let (process, new) = self.start_one().await?;
        self.processes.lock().await[place] = process;
        self.places.lock().unwrap()[place] = new;
        self.write_targets()
    }

    /// Maps any number to a place.
    fn place(&self, number: usize) -> Place {
        let places = self.places.lock().unwrap();
        places[number % places.len()]
    }

    pub fn len(&self) -> usize {
        self.places.lock().unwrap().len()
    }

    /// Whether a process that started a login was killed, so that its memory is lost.
    pub fn was_killed(&self, process: u32) -> bool {
        self.killed.lock().unwrap().contains(&process)
    }

    /// The current usage of each server, and the processor time of all of them so far, in milliseconds.
    pub fn usage(&self) -> (Vec<Usage>, f64) {
        let processes: Vec<u32> = self.places.lock().unwrap().iter().map(|place| place.process).collect();
        let each: Vec<Usage> = processes.into_iter().map(|process| usage::of(process).unwrap_or_default()).collect();
        let all = each.iter().map(|usage| usage.processor).sum::<f64>() + *self.gone.lock().unwrap();
        (each, all)
    }

    /// Sends a request to any server, or to the next one if it does not listen; returns the process that accepted it.
    ///
    /// # Errors
    ///
    /// If no server listens for ten seconds.
    pub async fn send(&self, first: usize, request: &str, cookie: Option<&str>) -> Result<(u32, Sent), Failure> {
        for _ in 0..2_000 {
            for turn in 0..self.len() {
                let place = self.place(first + turn);
                if let Ok(stream) = TcpStream::connect(("127.0.0.1", place.port)).await {
                    let sent = exchange(stream, request, cookie).await;
                    return Ok((place.process, sent));
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err("no server listens".into())
    }
}

/// One request on a new connection, so that a broken connection affects only this request.
pub async fn exchange(stream: TcpStream, request: &str, cookie: Option<&str>) -> Sent {
    match tokio::time::timeout(LONGEST, exchange_without_limit(stream, request, cookie)).await {
        Ok(Some(answer)) => Sent::Answered(answer),
        Ok(None) => Sent::Broken,
        Err(_) => Sent::TimedOut,
    }
}

async fn exchange_without_limit(stream: TcpStream, request: &str, cookie: Option<&str>) -> Option<Answer> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    let connection = tokio::spawn(connection);
    let mut builder = Request::get(request).header(header::HOST, "localhost");
    if let Some(cookie) = cookie {
        builder = builder.header(header::COOKIE, cookie);
    }
    let response = sender.send_request(builder.body(Empty::<Bytes>::new()).ok()?).await.ok()?;
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let cookie = text(header::SET_COOKIE).and_then(|cookie| cookie.split(';').next().map(str::to_owned));
    let (status, location) = (response.status(), text(header::LOCATION));
    let body = response.into_body().collect().await.ok()?.to_bytes();
    connection.abort();
    Some(Answer { status, location, cookie, body })
}
