//! One server of Postgres.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use super::{Failure, Process, free_port, is_root, until};

/// Where a server's programs come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The newest version that Debian's packages installed.
    Debian,
    /// The newest version to be had, which `scripts/engines` put into the target folder. It has no `pg_basebackup`.
    Postgres18,
}

tokio::task_local! {
    static ENGINE: Engine;
}

/// Runs a case on an engine: servers that it starts are of this one.
pub async fn on<F: Future>(engine: Engine, case: F) -> F::Output {
    ENGINE.scope(engine, case).await
}

impl Engine {
    pub fn name(self) -> &'static str {
        match self {
            Self::Debian => "postgres",
            Self::Postgres18 => "postgres 18",
        }
    }

    fn programs(self) -> Result<PathBuf, Failure> {
        match self {
            Self::Debian => {
                let versions =
                    std::fs::read_dir("/usr/lib/postgresql").map_err(|_| "install the package postgresql")?;
                let newest = versions.filter_map(|entry| Some(entry.ok()?.path())).max();
                Ok(newest.ok_or("install the package postgresql")?.join("bin"))
            }
            Self::Postgres18 => super::fetched("postgres-18/bin"),
        }
    }
}

pub struct PostgresServer {
    process: Process,
    engine: Engine,
    pub port: u16,
    folder: TempDir,
    options: Vec<String>,
}

/// Postgres refuses to run as root.
pub(super) fn user() -> Option<&'static str> {
    is_root().then_some("postgres")
}

fn run(engine: Engine, program: &str, arguments: &[&str]) -> Result<(), Failure> {
    let path = engine.programs()?.join(program);
    let mut command = match user() {
        Some(user) => {
            let mut command = Command::new("runuser");
            command.args(["-u", user, "--"]).arg(path);
            command
        }
        None => Command::new(path),
    };
    let done = command.args(arguments).current_dir("/").stdin(Stdio::null()).output()?;
    if done.status.success() {
        Ok(())
    } else {
        Err(format!("{program}: {}", String::from_utf8_lossy(&done.stderr)).into())
    }
}

pub(super) fn own_folder() -> Result<TempDir, Failure> {
    let folder = tempfile::Builder::new().prefix("oauth-state-postgres-").tempdir()?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    if let Some(user) = user() {
        Command::new("chown").arg(user).arg(folder.path()).status()?;
    }
    Ok(folder)
}

impl PostgresServer {
    /// Starts a server with an empty database, and these settings in addition to the defaults.
    pub async fn start(settings: &[&str]) -> Result<Self, Failure> {
        let folder = own_folder()?;
        let data = folder.path().join("data").display().to_string();
        let engine = ENGINE.try_with(|engine| *engine).unwrap_or(Engine::Debian);
        let options = ["-D", &data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C"];
        run(engine, "initdb", &options)?;
        Self::over(engine, folder, settings).await
    }

    /// A streaming replica of this server.
    pub async fn replica(&self) -> Result<Self, Failure> {
        let folder = own_folder()?;
        let data = folder.path().join("data").display().to_string();
        let port = self.port.to_string();
        run(
            self.engine,
            "pg_basebackup",
            &["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-D", &data, "-R", "-c", "fast", "--no-sync"],
        )?;
        Self::over(self.engine, folder, &[]).await
    }

    async fn over(engine: Engine, folder: TempDir, settings: &[&str]) -> Result<Self, Failure> {
        let port = free_port()?;
        let path = |name: &str| folder.path().join(name).display().to_string();
        let mut options = vec!["-D".to_owned(), path("data"), "-p".to_owned(), port.to_string()];
        let sockets = format!("unix_socket_directories={}", folder.path().display());
        for setting in ["listen_addresses=127.0.0.1", &sockets].iter().chain(settings) {
            options.extend(["-c".to_owned(), (*setting).to_owned()]);
        }
        let process = Self::run_server(engine, &folder, &options)?;
        let server = Self { process, engine, port, folder, options };
        server.wait_until_it_answers().await?;
        Ok(server)
    }

    fn run_server(engine: Engine, folder: &TempDir, options: &[String]) -> Result<Process, Failure> {
        Process::start(&engine.programs()?.join("postgres"), options, user(), &folder.path().join("log"))
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// A connection for the test.
    pub async fn connection(&self) -> Result<Client, Failure> {
        let (client, connection) = tokio_postgres::connect(&self.url(), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// The single number that a query returns.
    pub async fn number(&self, query: &str) -> Result<i64, Failure> {
        Ok(self.connection().await?.query_one(query, &[]).await?.try_get(0)?)
    }

    pub async fn execute(&self, statements: &str) -> Result<(), Failure> {
        let done = self.connection().await?.batch_execute(statements).await;
        done.map_err(|error| error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string).into())
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// `kill -9` of the server; its own processes end when they notice.
    pub fn kill(&mut self) -> Result<(), Failure> {
        self.process.kill()
    }

    /// Restarts it over the same folder. Its last processes may have to end first.
    pub async fn restart(&mut self) -> Result<(), Failure> {
        for _ in 0..100 {
            self.process = Self::run_server(self.engine, &self.folder, &self.options)?;
            for _ in 0..40 {
                if self.process.has_ended() {
                    break;
                }
                if self.is_it().await.is_ok_and(|ready| ready) {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            if !self.process.has_ended() {
                return self.wait_until_it_answers().await;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err("the server does not start again".into())
    }

    /// Stops it as an operator would.
    pub async fn stop(&mut self) -> Result<(), Failure> {
        self.process.signal("INT")?;
        for _ in 0..200 {
            if self.process.has_ended() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err("the server does not stop".into())
    }

    /// Makes the next start one of a read-only standby.
    pub fn become_standby(&self) -> Result<(), Failure> {
        let signal = self.data().join("standby.signal");
        std::fs::write(&signal, "")?;
        if let Some(user) = user() {
            Command::new("chown").arg(user).arg(&signal).status()?;
        }
        Ok(())
    }

    /// Enables TLS.
    pub async fn encrypt(&mut self, tls: &super::redis::Tls) -> Result<(), Failure> {
        for (from, to) in [("server.pem", "server.crt"), ("server.key", "server.key"), ("ca.pem", "ca.crt")] {
            let to = self.data().join(to);
            std::fs::copy(tls.folder.path().join(from), &to)?;
            std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600))?;
            if let Some(user) = user() {
                Command::new("chown").arg(user).arg(&to).status()?;
            }
        }
        self.execute("ALTER SYSTEM SET ssl_ca_file = 'ca.crt'").await?;
        self.execute("ALTER SYSTEM SET ssl = on").await?;
        self.execute("SELECT pg_reload_conf()").await
    }

    /// Puts a line before the others of `pg_hba.conf`, which say how clients must authenticate.
    pub async fn authenticate(&self, line: &str) -> Result<(), Failure> {
        let path = self.data().join("pg_hba.conf");
        let lines = std::fs::read_to_string(&path)?;
        std::fs::write(&path, format!("{line}\n{lines}"))?;
        self.execute("SELECT pg_reload_conf()").await
    }

    /// The folder of its Unix socket.
    pub fn socket_folder(&self) -> &Path {
        self.folder.path()
    }

    /// The processes that serve connections of this application name.
    pub async fn backends(&self, application: &str) -> Result<Vec<u32>, Failure> {
        let query = "SELECT pid FROM pg_stat_activity WHERE application_name = $1";
        let rows = self.connection().await?.query(query, &[&application]).await?;
        rows.iter().map(|row| Ok(u32::try_from(row.try_get::<_, i32>(0)?)?)).collect()
    }

    pub fn signal(&self, signal: &str) -> Result<(), Failure> {
        self.process.signal(signal)
    }

    async fn is_it(&self) -> Result<bool, Failure> {
        let client = self.connection().await?;
        let folder: String = client.query_one("SHOW data_directory", &[]).await?.try_get(0)?;
        if Path::new(&folder) != self.data() {
            return Err("another server answers on this port".into());
        }
        Ok(true)
    }

    async fn wait_until_it_answers(&self) -> Result<(), Failure> {
        until("a Postgres server that answers", || self.is_it()).await.map_err(|error| {
            format!("{error}\n{}", std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()).into()
        })
    }
}
