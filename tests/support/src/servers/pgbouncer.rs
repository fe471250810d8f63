//! `PgBouncer` in front of a server of Postgres.

use std::path::Path;

use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use super::postgres::{PostgresServer, own_folder, user};
use super::{Failure, Process, free_port, until};

pub struct PgBouncer {
    process: Process,
    port: u16,
    folder: TempDir,
}

impl PgBouncer {
    /// Starts a pooler of this mode (`transaction`, `statement` or `session`) with so many connections to the server.
    pub async fn start(server: &PostgresServer, mode: &str, connections: usize) -> Result<Self, Failure> {
        let (folder, port) = (own_folder()?, free_port()?);
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = any\npool_mode = {mode}\ndefault_pool_size = {connections}\nmax_client_conn = 500\n",
            server.port
        );
        std::fs::write(folder.path().join("pgbouncer.ini"), settings)?;
        let process = Self::run(&folder)?;
        let pooler = Self { process, port, folder };
        pooler.wait_until_it_answers().await?;
        Ok(pooler)
    }

    fn run(folder: &TempDir) -> Result<Process, Failure> {
        let settings = folder.path().join("pgbouncer.ini").display().to_string();
        Process::start(Path::new("/usr/sbin/pgbouncer"), &[settings], user(), &folder.path().join("log"))
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// A connection of another application, which shares the pooler's connections to the server.
    pub async fn connection(&self) -> Result<Client, Failure> {
        let (client, connection) = tokio_postgres::connect(&self.url(), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    pub fn kill(&mut self) -> Result<(), Failure> {
        self.process.kill()
    }

    pub async fn restart(&mut self) -> Result<(), Failure> {
        self.process = Self::run(&self.folder)?;
        self.wait_until_it_answers().await
    }

    async fn wait_until_it_answers(&self) -> Result<(), Failure> {
        let asked = until("a pooler that answers", || async {
            Ok(self.connection().await?.simple_query("SELECT 1").await.is_ok())
        });
        asked.await.map_err(|error| {
            format!("{error}\n{}", std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()).into()
        })
    }
}
