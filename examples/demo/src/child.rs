//! An application server as a process of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::Failure;
use crate::provider::Client;

/// Everything that the servers are started with.
pub struct Launch {
    pub public: String,
    pub issuer: String,
    pub client: Client,
    /// The file that holds the key ring.
    pub ring: PathBuf,
    pub guard: Option<String>,
    pub lifetime: Duration,
    pub plain_http: bool,
    /// Pages with decoded states and the controls of the demonstration.
    pub showcase: bool,
}

/// A running server; it ends when this is dropped, or when this process ends in any other way.
pub struct Server {
    pub address: SocketAddr,
    pub process_id: u32,
    process: Child,
}

impl Launch {
    /// Starts a server and waits until it listens. It reads the keys from a file, and gets the client's secret and the
    /// guard's address through its environment, never as arguments.
    pub async fn start(&self, name: &str) -> Result<Server, Failure> {
        let flags = [("--plain-http", self.plain_http), ("--showcase", self.showcase)];
        let mut process = Command::new(std::env::current_exe()?)
            .args(["server", "--listen", "127.0.0.1:0", "--name", name])
            .args(["--public", &self.public, "--issuer", &self.issuer])
            .args(["--client-id", &self.client.id, "--lifetime", &self.lifetime.as_secs().to_string()])
            .args(["--until", "end-of-input"])
            .args(flags.iter().filter(|(_, wanted)| *wanted).map(|(flag, _)| flag))
            .env(crate::keys::FILE_VARIABLE, &self.ring)
            .env("CLIENT_SECRET", &self.client.secret)
            .env(crate::guard::VARIABLE, self.guard.as_deref().unwrap_or_default())
            // Its standard input ends when this process does, even if this process is killed; then it stops.
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
        Ok(Server { address, process_id: process.id().unwrap_or_default(), process })
    }
}

impl Server {
    /// Whether the process still runs; anyone may have killed it.
    pub fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// Kills the process as a crash would, and waits until it is gone.
    pub async fn kill(mut self) -> Result<(), Failure> {
        Ok(self.process.kill().await?)
    }
}
