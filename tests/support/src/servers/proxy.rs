//! A small proxy between a guard and its server, which behaves like a bad network.

use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::Failure;

/// The treatment of the traffic.
#[derive(Clone, Copy, Debug)]
pub enum Plan {
    Pass,
    /// A request with these bytes reaches the server; the reply is dropped, and the connection closes. Once.
    LoseReply(&'static str),
    /// When a request has these bytes, the connection is reset before the request reaches the server.
    Reset(&'static str),
    /// A request with these bytes waits until it is released.
    Hold(&'static str),
    /// Replies are delayed by this time.
    Slow(Duration),
}

#[derive(Clone)]
pub struct Proxy(Arc<Inner>);

struct Inner {
    port: u16,
    /// The server's port.
    target: AtomicU16,
    plan: Mutex<Plan>,
    accepted: AtomicUsize,
    /// How often the plan struck.
    struck: AtomicUsize,
    release: Notify,
}

impl Proxy {
    pub async fn start(target: u16) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let inner = Inner {
            port: listener.local_addr()?.port(),
            target: AtomicU16::new(target),
            plan: Mutex::new(Plan::Pass),
            accepted: AtomicUsize::new(0),
            struck: AtomicUsize::new(0),
            release: Notify::new(),
        };
        let proxy = Self(Arc::new(inner));
        let serving = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                serving.0.accepted.fetch_add(1, Ordering::SeqCst);
                let one = serving.clone();
                tokio::spawn(async move { one.serve(client).await });
            }
        });
        Ok(proxy)
    }

    pub fn port(&self) -> u16 {
        self.0.port
    }

    pub fn plan(&self, plan: Plan) {
        *self.0.plan.lock().unwrap() = plan;
    }

    pub fn lead_to(&self, port: u16) {
        self.0.target.store(port, Ordering::SeqCst);
    }

    pub fn accepted(&self) -> usize {
        self.0.accepted.load(Ordering::SeqCst)
    }

    pub fn struck(&self) -> usize {
        self.0.struck.load(Ordering::SeqCst)
    }

    /// Releases the requests that [`Plan::Hold`] holds.
    pub fn release(&self) {
        self.0.release.notify_waiters();
    }

    async fn serve(&self, client: TcpStream) {
        let port = self.0.target.load(Ordering::SeqCst);
        let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let lost = Arc::new(AtomicUsize::new(0));
        let loses = Arc::clone(&lost);
        let requests = async {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(read) = from_client.read(&mut buffer).await {
                let request = &buffer[..read];
                let plan = *self.0.plan.lock().unwrap();
                match plan {
                    _ if read == 0 => break,
                    Plan::LoseReply(needle) if holds(request, needle) => {
                        self.0.struck.fetch_add(1, Ordering::SeqCst);
                        *self.0.plan.lock().unwrap() = Plan::Pass;
                        loses.store(1, Ordering::SeqCst);
                    }
                    Plan::Reset(needle) if holds(request, needle) => {
                        self.0.struck.fetch_add(1, Ordering::SeqCst);
                        // Closed abruptly: RST, not FIN.
                        let _ = from_client.as_ref().set_zero_linger();
                        break;
                    }
                    Plan::Hold(needle) if holds(request, needle) => {
                        self.0.struck.fetch_add(1, Ordering::SeqCst);
                        self.0.release.notified().await;
                    }
                    _ => {}
                }
                if to_server.write_all(request).await.is_err() {
                    break;
                }
            }
        };
        let replies = async {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(read) = from_server.read(&mut buffer).await {
                if read == 0 || lost.load(Ordering::SeqCst) == 1 {
                    break;
                }
                let plan = *self.0.plan.lock().unwrap();
                if let Plan::Slow(pause) = plan {
                    self.0.struck.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(pause).await;
                }
                if to_client.write_all(&buffer[..read]).await.is_err() {
                    break;
                }
            }
        };
        tokio::select! { () = requests => {}, () = replies => {} }
    }
}

fn holds(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}
