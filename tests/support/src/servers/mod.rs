//! Real servers for tests and benchmarks: each on a free loopback port, in its own folder, and ended by its own process
//! id. Each one is asked whether it is the one that was started.

pub mod pgbouncer;
pub mod postgres;
pub mod proxy;
pub mod redis;
pub mod redis_fleet;
pub mod twemproxy;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A recently free port.
pub fn free_port() -> Result<u16, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A file that `scripts/engines` put into the target folder of the library's workspace, whichever package runs this.
fn fetched(file: &str) -> Result<PathBuf, Failure> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().find(|folder| folder.join("Cargo.lock").exists());
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from).or(workspace.map(|folder| folder.join("target")));
    let path = target.unwrap_or_default().join("engines").join(file);
    if path.exists() {
        Ok(std::path::absolute(path)?)
    } else {
        Err(format!("{} is missing: scripts/engines fetches it", path.display()).into())
    }
}

/// Waits for a condition, for at most twenty seconds.
pub async fn until<F: Future<Output = Result<bool, Failure>>>(
    what: &str,
    holds: impl Fn() -> F,
) -> Result<(), Failure> {
    let mut last = String::new();
    for _ in 0..400 {
        match holds().await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) => last = error.to_string(),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(format!("waited in vain: {what} {last}").into())
}

/// A process that this one started, and that ends with it.
pub struct Process(Child);

impl Process {
    /// Starts a program; its output goes to a file.
    pub fn start(program: &Path, arguments: &[String], user: Option<&str>, log: &Path) -> Result<Self, Failure> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
        // If this process is killed, the kernel also ends the server. The process id stays across the exec.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        if let Some(user) = user {
            command.arg(format!("--reuid={user}")).arg(format!("--regid={user}")).arg("--clear-groups");
        }
        command.arg("--").arg(program).args(arguments);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        Ok(Self(child))
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    pub fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }

    /// Sends a signal, such as `STOP`, to this process alone.
    pub fn signal(&self, signal: &str) -> Result<(), Failure> {
        send_signal(self.id(), signal)
    }

    /// `kill -9`, and waits for the end.
    pub fn kill(&mut self) -> Result<(), Failure> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Sends a signal to a process that one of our servers started.
pub fn send_signal(process: u32, signal: &str) -> Result<(), Failure> {
    let sent = Command::new("kill").arg(format!("-{signal}")).arg(process.to_string()).status()?;
    if sent.success() { Ok(()) } else { Err(format!("kill -{signal} {process} failed").into()) }
}

/// Whether this process is the superuser, for whom Postgres refuses to run.
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
