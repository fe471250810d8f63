//! One server of Redis or Valkey.

use std::path::PathBuf;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use tempfile::TempDir;

use super::{Failure, Process, free_port, until};

/// A server program, and its reported identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Redis70,
    Redis8,
    Valkey9,
    Valkey8,
    Redis62,
}

impl Engine {
    pub fn name(self) -> &'static str {
        match self {
            Self::Redis70 => "redis 7.0",
            Self::Redis8 => "redis 8",
            Self::Valkey9 => "valkey 9",
            Self::Valkey8 => "valkey 8",
            Self::Redis62 => "redis 6.2",
        }
    }

    fn version(self) -> &'static str {
        match self {
            Self::Redis70 => "redis_version:7.",
            Self::Redis8 => "redis_version:8.",
            Self::Valkey9 => "valkey_version:9.",
            Self::Valkey8 => "valkey_version:8.",
            Self::Redis62 => "redis_version:6.2",
        }
    }

    /// Debian's, or one that `scripts/engines` put into the target folder.
    fn program(self) -> Result<PathBuf, Failure> {
        let file = match self {
            Self::Redis70 => return Ok(PathBuf::from("redis-server")),
            Self::Redis8 => "redis-server-8",
            Self::Valkey9 => "valkey-server-9",
            Self::Valkey8 => "valkey-server-8",
            Self::Redis62 => "redis-server-6.2",
        };
        super::fetched(file)
    }
}

pub struct RedisServer {
    process: Process,
    pub engine: Engine,
    pub port: u16,
    folder: TempDir,
    arguments: Vec<String>,
}

impl RedisServer {
    /// Starts a server without persistence, unless the arguments say otherwise.
    pub async fn start(engine: Engine, arguments: &[&str]) -> Result<Self, Failure> {
        Self::start_with(engine, free_port()?, arguments, None).await
    }

    /// Starts a server, with its plain port or only a TLS port.
    pub async fn start_with(engine: Engine, port: u16, arguments: &[&str], tls: Option<&Tls>) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("oauth-state-redis-").tempdir()?;
        let mut all: Vec<String> =
            ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"].map(str::to_owned).into();
        all.extend(["--dir".to_owned(), folder.path().display().to_string()]);
        match tls {
            None => all.extend(["--port".to_owned(), port.to_string()]),
            Some(tls) => {
                let path = |name: &str| tls.folder.path().join(name).display().to_string();
                all.extend(["--port".to_owned(), "0".to_owned(), "--tls-port".to_owned(), port.to_string()]);
                all.extend([
                    "--tls-cert-file".to_owned(),
                    path("server.pem"),
                    "--tls-key-file".to_owned(),
                    path("server.key"),
                ]);
                all.extend([
                    "--tls-ca-cert-file".to_owned(),
                    path("ca.pem"),
                    "--tls-auth-clients".to_owned(),
                    "no".to_owned(),
                ]);
            }
        }
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        let process = Process::start(&engine.program()?, &all, None, &folder.path().join("log"))?;
        let server = Self { process, engine, port, folder, arguments: all };
        // The test waits by itself for one that it cannot ask.
        let can_be_asked = !arguments.iter().any(|argument| ["--rename-command", "--port"].contains(argument));
        if tls.is_none() && can_be_asked {
            server.wait_until_it_answers().await?;
        }
        Ok(server)
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// A connection for the test.
    pub async fn connection(&self) -> Result<MultiplexedConnection, Failure> {
        Ok(redis::Client::open(self.url())?.get_multiplexed_async_connection().await?)
    }

    /// Runs a command, given as words.
    pub async fn run<T: redis::FromRedisValue>(&self, command: &str) -> Result<T, Failure> {
        let mut words = command.split(' ');
        let mut asked = redis::cmd(words.next().unwrap_or_default());
        for word in words {
            asked.arg(word);
        }
        Ok(asked.query_async(&mut self.connection().await?).await?)
    }

    pub fn kill(&mut self) -> Result<(), Failure> {
        self.process.kill()
    }

    /// Restarts it, on the same port and over the same folder.
    pub async fn restart(&mut self) -> Result<(), Failure> {
        self.restart_as(self.engine).await
    }

    /// The same, with another program.
    pub async fn restart_as(&mut self, engine: Engine) -> Result<(), Failure> {
        self.engine = engine;
        self.process = Process::start(&engine.program()?, &self.arguments, None, &self.folder.path().join("log"))?;
        self.wait_until_it_answers().await
    }

    pub fn signal(&self, signal: &str) -> Result<(), Failure> {
        self.process.signal(signal)
    }

    /// Waits for the server, and makes sure that it is this one: another server might have taken the port.
    async fn wait_until_it_answers(&self) -> Result<(), Failure> {
        until("a Redis server that answers", || async {
            let information: String = tokio::time::timeout(Duration::from_secs(1), self.run("INFO")).await??;
            let ours = format!("process_id:{}\r\n", self.process.id());
            if !information.contains(&ours) {
                return Err("another server answers on this port".into());
            }
            if !information.contains(self.engine.version()) {
                return Err(format!("the server is no {}", self.engine.name()).into());
            }
            Ok(information.contains("loading:0"))
        })
        .await
        .map_err(|error| {
            format!("{error}\n{}", std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()).into()
        })
    }
}

/// Certificates made for one test: an authority, a server's for `127.0.0.1`, and a client's.
pub struct Tls {
    pub folder: TempDir,
    pub root: String,
    /// A client's certificate and its key.
    pub client: (String, String),
}

/// What is wrong with a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    Nothing,
    Expired,
    /// It is for another host.
    Name,
}

impl Tls {
    pub fn make() -> Result<Self, Failure> {
        Self::with(Wrong::Nothing)
    }

    pub fn with(wrong: Wrong) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("oauth-state-tls-").tempdir()?;
        let mut authority = rcgen::CertificateParams::new(Vec::new())?;
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        // Another name than the certificates it issues have by default: OpenSSL takes those for their own issuers.
        authority.distinguished_name.push(rcgen::DnType::CommonName, "a private authority");
        let authority_key = rcgen::KeyPair::generate()?;
        let root = authority.self_signed(&authority_key)?.pem();
        let issuer = rcgen::Issuer::new(authority, authority_key);
        let host = if wrong == Wrong::Name { "another.test" } else { "127.0.0.1" };
        let mut server = rcgen::CertificateParams::new(vec![host.to_owned()])?;
        if wrong == Wrong::Expired {
            server.not_after = rcgen::date_time_ymd(2020, 1, 1);
        }
        let (key, client_key) = (rcgen::KeyPair::generate()?, rcgen::KeyPair::generate()?);
        let server = server.signed_by(&key, &issuer)?;
        let client = rcgen::CertificateParams::new(vec!["oauth-state".to_owned()])?.signed_by(&client_key, &issuer)?;
        std::fs::write(folder.path().join("ca.pem"), &root)?;
        std::fs::write(folder.path().join("server.pem"), server.pem())?;
        std::fs::write(folder.path().join("server.key"), key.serialize_pem())?;
        Ok(Self { folder, root, client: (client.pem(), client_key.serialize_pem()) })
    }
}
