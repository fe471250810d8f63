//! The application servers, which the demonstration starts and stops.

use std::net::SocketAddr;

use tokio::sync::Mutex;

use crate::Failure;
use crate::child::{Launch, Server};

/// The servers' names, in the order of their turns.
pub const NAMES: [&str; 2] = ["A", "B"];

/// Both servers. A stopped one has `None` for its process.
pub struct Fleet {
    launch: Launch,
    servers: Mutex<Vec<(&'static str, Option<Server>)>>,
}

impl Fleet {
    /// Starts both servers.
    pub async fn start(launch: Launch) -> Result<Self, Failure> {
        let mut servers = Vec::new();
        for name in NAMES {
            servers.push((name, Some(launch.start(name).await?)));
        }
        Ok(Self { launch, servers: Mutex::new(servers) })
    }

    /// Each server with its process id, if it runs.
    pub async fn list(&self) -> Vec<(&'static str, Option<u32>)> {
        let mut servers = self.servers.lock().await;
        servers.iter_mut().map(|(name, server)| (*name, running(server).map(|server| server.process_id))).collect()
    }

    /// The servers that run.
    pub async fn running(&self) -> Vec<(&'static str, SocketAddr)> {
        let mut servers = self.servers.lock().await;
        servers.iter_mut().filter_map(|(name, server)| Some((*name, running(server)?.address))).collect()
    }

    /// Stops a server in the way a crash does.
    pub async fn stop(&self, name: &str) -> Result<(), Failure> {
        let mut servers = self.servers.lock().await;
        let (_, server) = servers.iter_mut().find(|(known, _)| *known == name).ok_or("no server has this name")?;
        match server.take() {
            Some(server) => server.kill().await,
            None => Ok(()),
        }
    }

    /// Starts a server that does not run.
    pub async fn start_again(&self, name: &str) -> Result<(), Failure> {
        let mut servers = self.servers.lock().await;
        let (name, server) = servers.iter_mut().find(|(known, _)| *known == name).ok_or("no server has this name")?;
        if !server.as_mut().is_some_and(Server::is_running) {
            *server = Some(self.launch.start(name).await?);
        }
        Ok(())
    }
}

/// The server, if its process runs.
fn running(server: &mut Option<Server>) -> Option<&Server> {
    let server = server.as_mut()?;
    server.is_running().then_some(&*server)
}
