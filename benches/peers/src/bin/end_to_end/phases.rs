//! A running server, and a phase of requests to it: connections that stay open, each of which sends its next request
//! after the response to the last one.

use std::path::Path;
use std::time::{Duration, Instant};

use support::bench::rounds::quantile;
use support::servers::redis::RedisServer;
use support::servers::{Failure, Process, free_port, until};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::client::{Connection, Response};
use crate::contenders::Contender;
use crate::cores::Cores;
use crate::server::PROCESSOR;

pub const CONNECTIONS: usize = 16;
/// A phase takes a fraction of a second.
const LONGEST_PHASE: Duration = Duration::from_secs(60);

/// The measurements of one phase.
#[derive(Clone, Copy, Debug)]
pub struct Phase {
    pub per_second: f64,
    /// Microseconds from the request to the end of its response.
    pub p50: f64,
    pub p99: f64,
    /// Microseconds of processor time that the server and Redis used for one request.
    pub processor: f64,
    pub redis: f64,
    /// The share of time in which the server used its processor.
    pub busy: f64,
}

pub struct Running {
    pub contender: Contender,
    /// For the requests that are not measured.
    pub control: Connection,
    connections: Vec<Connection>,
    cores: Cores,
    redis: redis::aio::MultiplexedConnection,
    process: Process,
    folder: TempDir,
}

impl Running {
    /// Starts the contender's server, a process of this same program, and waits until it answers.
    pub async fn start(contender: Contender, cores: Cores, redis: &RedisServer) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("oauth-state-end-to-end-").tempdir()?;
        let log = folder.path().join("log");
        let port = free_port()?;
        let mut command = cores.server_prefix();
        command.push(std::env::current_exe()?.display().to_string());
        command.extend(["serve".to_owned(), contender.name().to_owned(), port.to_string(), redis.url()]);
        let process = Process::start(Path::new(&command[0]), &command[1..], None, &log)?;
        let id = process.id();
        let answers = until("a server that answers", || async move {
            let mut connection = Connection::open(port).await?;
            Ok(processor_time(&mut connection).await?.0 == id)
        });
        if let Err(error) = answers.await {
            let told = std::fs::read_to_string(&log).unwrap_or_default();
            return Err(format!("{}: {error}\n{told}", contender.name()).into());
        }
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(Connection::open(port).await?);
        }
        let control = Connection::open(port).await?;
        Ok(Self { contender, control, connections, cores, redis: redis.connection().await?, process, folder })
    }

    /// Sends all requests, and returns the results of `read` on the responses, in no particular order. The first
    /// response that `read` refuses ends the benchmark, and so does a failed connection.
    pub async fn phase<R: Send + 'static>(
        &mut self,
        requests: Vec<String>,
        read: impl Fn(&Response<'_>) -> Result<R, Failure> + Copy + Send + 'static,
    ) -> Result<(Phase, Vec<R>), Failure> {
        let count = requests.len();
        let mut shares: Vec<Vec<String>> = vec![Vec::new(); CONNECTIONS];
        requests.into_iter().enumerate().for_each(|(number, request)| shares[number % CONNECTIONS].push(request));
        let before = (self.processor_time().await?, self.redis_time().await?);
        let start = Instant::now();
        let mut visitors = JoinSet::new();
        for (connection, share) in std::mem::take(&mut self.connections).into_iter().zip(shares) {
            visitors.spawn(visit(connection, share, read));
        }
        let finished = tokio::time::timeout(LONGEST_PHASE, self.cores.awake(visitors.join_all())).await;
        let wall = start.elapsed();
        let (processor, redis) = (self.processor_time().await? - before.0, self.redis_time().await? - before.1);
        let (mut times, mut results) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for visitor in finished.map_err(|_| "the server did not answer all requests within a minute")? {
            let (connection, visits) = visitor.map_err(|error| self.with_log(&error))?;
            self.connections.push(connection);
            for (time, result) in visits {
                times.push(time.as_secs_f64() * 1e6);
                results.push(result);
            }
        }
        let each = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
        let phase = Phase {
            per_second: count as f64 / wall.as_secs_f64(),
            p50: quantile(&times, 0.5),
            p99: quantile(&times, 0.99),
            processor: each(processor),
            redis: each(redis),
            busy: processor.as_secs_f64() / wall.as_secs_f64(),
        };
        Ok((phase, results))
    }

    async fn processor_time(&mut self) -> Result<Duration, Failure> {
        Ok(processor_time(&mut self.control).await?.1)
    }

    /// Processor time of Redis, whose only load is this server.
    async fn redis_time(&mut self) -> Result<Duration, Failure> {
        let information = redis::cmd("INFO").arg("cpu").query_async(&mut self.redis).await;
        let information: String = information.map_err(|error| format!("failed to ask Redis for its time: {error}"))?;
        let used = |name: &str| {
            let value = information.lines().find_map(|line| line.strip_prefix(name));
            value.and_then(|value| value.trim().parse::<f64>().ok()).ok_or_else(|| format!("Redis does not say {name}"))
        };
        Ok(Duration::from_secs_f64(used("used_cpu_sys:")? + used("used_cpu_user:")?))
    }

    /// An error, and the server's output.
    fn with_log(&self, error: &Failure) -> Failure {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        // Only the end of the log: it may have a line for every request.
        let lines: Vec<&str> = log.lines().collect();
        format!("{error}\n{}", lines[lines.len().saturating_sub(5)..].join("\n")).into()
    }
}

/// The id of the server's process, and its processor time.
async fn processor_time(connection: &mut Connection) -> Result<(u32, Duration), Failure> {
    let response = connection.send(&format!("GET {PROCESSOR} HTTP/1.1\r\nhost: shop.example\r\n\r\n")).await?;
    let (id, nanoseconds) = response.body.split_once(' ').ok_or("another server answers on this port")?;
    Ok((id.parse()?, Duration::from_nanos(nanoseconds.parse()?)))
}

type Visits<R> = (Connection, Vec<(Duration, R)>);

/// Sends the requests of one connection one after the other.
async fn visit<R>(
    mut connection: Connection,
    requests: Vec<String>,
    read: impl Fn(&Response<'_>) -> Result<R, Failure>,
) -> Result<Visits<R>, Failure> {
    let mut visits = Vec::with_capacity(requests.len());
    for request in &requests {
        let start = Instant::now();
        let response = connection.send(request).await?;
        let time = start.elapsed();
        visits.push((time, read(&response)?));
    }
    Ok((connection, visits))
}
