//! A stub in front of a server: it forwards connections, hangs up, or responds with a fault.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::arithmetic_side_effects,
    reason = "for tests alone: a server that does not do what a test needs ends the test"
)]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The fault that the stub causes instead of forwarding a connection.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Ends every connection without an answer.
    HangUp,
    /// Accepts every connection, and sends nothing for a minute.
    Silence,
    /// Answers every request with a status and a body of JSON.
    Answer(u16, String),
}

impl Fault {
    /// The response of AWS to too many requests.
    pub fn throttling() -> Self {
        Self::Answer(400, r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#.to_owned())
    }
}

#[derive(Default)]
struct State {
    fault: Mutex<Option<Fault>>,
    open: Mutex<Vec<TcpStream>>,
    connections: AtomicUsize,
}

pub(super) struct Front {
    address: SocketAddr,
    state: Arc<State>,
}

impl Front {
    pub(super) fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        // It ends with the test's process.
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(connection, server, &shared));
            }
        });
        Self { address, state }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// Ends the connections that a client keeps, so that the next request sees the change.
    pub(super) fn set(&self, fault: Option<Fault>) {
        *self.state.fault.lock().unwrap() = fault;
        for connection in self.state.open.lock().unwrap().drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

fn serve(connection: TcpStream, server: SocketAddr, state: &State) {
    state.connections.fetch_add(1, Ordering::Relaxed);
    let fault = state.fault.lock().unwrap().clone();
    let _ = match fault {
        None => pass_on(connection, server, state),
        Some(Fault::HangUp) => Ok(()),
        Some(Fault::Silence) => {
            thread::sleep(Duration::from_secs(60));
            Ok(())
        }
        Some(Fault::Answer(status, body)) => answer(connection, status, &body),
    };
}

fn pass_on(mut client: TcpStream, server: SocketAddr, state: &State) -> std::io::Result<()> {
    let mut server = TcpStream::connect(server)?;
    state.open.lock().unwrap().push(client.try_clone()?);
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let upwards = thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let _ = std::io::copy(&mut server, &mut client);
    let _ = client.shutdown(Shutdown::Both);
    let _ = upwards.join();
    Ok(())
}

fn answer(mut connection: TcpStream, status: u16, body: &str) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    while !is_whole(&request) {
        let read = connection.read(&mut part)?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&part[..read]);
    }
    write!(
        connection,
        "HTTP/1.1 {status} Fault\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Whether the headers are complete, and the body has its announced length.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let announced = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, length)| length.trim().parse().ok())
        .unwrap_or(0);
    body.len() >= announced
}
