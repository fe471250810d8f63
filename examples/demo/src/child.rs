//! An application server as a process of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::Failure;
use crate::provider::Client;

/// A running server; it ends when this is dropped, or when this process ends in any other way.
pub struct Server {
    pub name: &'static str,
    pub address: SocketAddr,
    pub process_id: u32,
    _process: Child,
}

impl Server {
    /// Starts a server that reads the keys from a file, and gets the client's secret and the guard's address through its
    /// environment, never as arguments; waits until it says where it listens.
    pub async fn start(
        name: &'static str,
        public: &str,
        issuer: &str,
        client: &Client,
        ring: &Path,
        guard: Option<&str>,
        lifetime: Duration,
    ) -> Result<Self, Failure> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["server", "--listen", "127.0.0.1:0", "--name", name, "--public", public, "--issuer", issuer])
            .args(["--client-id", &client.id, "--lifetime", &lifetime.as_secs().to_string()])
            .args(["--until", "end-of-input"])
            .env(crate::keys::FILE_VARIABLE, ring)
            .env("CLIENT_SECRET", &client.secret)
            .env(crate::guard::VARIABLE, guard.unwrap_or_default())
            // Its standard input ends when this process does, however that comes about; then it stops.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = process.stdout.take().ok_or("the server has no output")?;
        let line = BufReader::new(output)
            .lines()
            .next_line()
            .await?
            .ok_or("a server ended before it listened: the lines above say why")?;
        let address = line.strip_prefix("listening on ").ok_or("the server did not say where it listens")?.parse()?;
        Ok(Self { name, address, process_id: process.id().unwrap_or_default(), _process: process })
    }
}
