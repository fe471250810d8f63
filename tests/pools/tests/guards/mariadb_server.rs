//! One server of MariaDB.

use std::path::Path;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::{ConnectOptions, Executor};
use support::servers::{Failure, Process, free_port, is_root, until};
use tempfile::TempDir;

pub(crate) struct MariaDbServer {
    process: Process,
    port: u16,
    folder: TempDir,
}

impl MariaDbServer {
    /// Starts a server with an empty database `shop`.
    pub(crate) async fn start() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("oauth-state-mariadb-").tempdir()?;
        std::fs::create_dir(folder.path().join("data"))?;
        std::fs::create_dir(folder.path().join("data/shop"))?;
        let port = free_port()?;
        let server = Self { process: Self::run(folder.path(), port)?, port, folder };
        server.wait_until_it_answers().await?;
        Ok(server)
    }

    /// Without tables of rights, which would take seconds to create: anyone may connect over loopback.
    fn run(folder: &Path, port: u16) -> Result<Process, Failure> {
        let path = |name: &str| folder.join(name).display().to_string();
        let mut options = vec![
            "--no-defaults".to_owned(),
            "--skip-grant-tables".to_owned(),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--port={port}"),
            format!("--datadir={}", path("data")),
            format!("--socket={}", path("socket")),
            format!("--pid-file={}", path("pid")),
        ];
        if is_root() {
            options.push("--user=root".to_owned());
        }
        Process::start(Path::new("/usr/sbin/mariadbd"), &options, None, &folder.join("log"))
    }

    pub(crate) fn options(&self) -> MySqlConnectOptions {
        MySqlConnectOptions::new()
            .host("127.0.0.1")
            .port(self.port)
            .username("root")
            .database("shop")
            .ssl_mode(MySqlSslMode::Disabled)
    }

    pub(crate) async fn connection(&self) -> Result<MySqlConnection, Failure> {
        Ok(self.options().connect().await?)
    }

    pub(crate) async fn execute(&self, statement: &'static str) -> Result<u64, Failure> {
        Ok(self.connection().await?.execute(statement).await?.rows_affected())
    }

    pub(crate) fn kill(&mut self) -> Result<(), Failure> {
        self.process.kill()
    }

    /// Stops it as an operator would, and starts it again. A server that is killed before it ever stopped has not yet written the files
    /// that a database has once it is set up.
    pub(crate) async fn settle(&mut self) -> Result<(), Failure> {
        let stopped = self.process.signal("TERM");
        let process = std::sync::Mutex::new(&mut self.process);
        until("a server that stops", || async { Ok(process.lock().is_ok_and(|mut process| process.has_ended())) })
            .await?;
        stopped?;
        self.restart().await
    }

    pub(crate) fn signal(&self, signal: &str) -> Result<(), Failure> {
        self.process.signal(signal)
    }

    pub(crate) async fn restart(&mut self) -> Result<(), Failure> {
        self.process = Self::run(self.folder.path(), self.port)?;
        self.wait_until_it_answers().await
    }

    async fn wait_until_it_answers(&self) -> Result<(), Failure> {
        until("a MariaDB server that answers", || async {
            let folder: String =
                sqlx::query_scalar("SELECT @@datadir").fetch_one(&mut self.connection().await?).await?;
            if Path::new(&folder) != self.folder.path().join("data") {
                return Err("another server answers on this port".into());
            }
            Ok(true)
        })
        .await
        .map_err(|error| {
            format!("{error}\n{}", std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()).into()
        })
    }
}
