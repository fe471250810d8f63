//! Twemproxy in front of a server of Redis: a proxy that closes a connection on which a command arrives that it does not
//! know, such as INFO.

use std::path::Path;

use tempfile::TempDir;

use super::redis::RedisServer;
use super::{Failure, Process, free_port, until};

pub struct Twemproxy {
    port: u16,
    _process: Process,
    _folder: TempDir,
}

impl Twemproxy {
    pub async fn start(server: &RedisServer) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("oauth-state-twemproxy-").tempdir()?;
        let (port, statistics) = (free_port()?, free_port()?);
        let settings = folder.path().join("nutcracker.yml");
        std::fs::write(
            &settings,
            format!(
                "marks:\n  listen: 127.0.0.1:{port}\n  redis: true\n  hash: fnv1a_64\n  servers:\n   - {}:1\n",
                server.address()
            ),
        )?;
        let arguments = ["-c", &settings.display().to_string(), "-s", &statistics.to_string(), "-a", "127.0.0.1"];
        let process =
            Process::start(Path::new("nutcracker"), &arguments.map(str::to_owned), None, &folder.path().join("log"))?;
        until("a proxy that listens", || async {
            Ok(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok())
        })
        .await?;
        Ok(Self { port, _process: process, _folder: folder })
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}
