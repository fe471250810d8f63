//! The parts of an example besides its login: reading the command line, starting servers on loopback, ending.

use std::future::Future;
use std::process::ExitCode;

use axum::Router;
use oauth_state::KeyRing;
use oauth_state::ring::RootKey;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::Failure;
use super::log::Log;
use super::report::Report;

/// Runs an example: `serve` for real, or `once` against a stand-in.
pub fn run<S, O>(help: &str, serve: impl FnOnce() -> S, once: impl FnOnce(Log) -> O) -> ExitCode
where
    S: Future<Output = Result<(), Failure>>,
    O: Future<Output = Result<Report, Failure>>,
{
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => {
            show_log("info");
            match runtime.block_on(serve()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    let code = failed(&*error);
                    eprintln!("\n{help}");
                    code
                }
            }
        }
        ["--once"] => {
            let log = Log::default();
            show_log_and_keep("off", log.clone());
            match runtime.block_on(once(log)) {
                Ok(report) => report.end(),
                Err(error) => failed(&*error),
            }
        }
        ["--help" | "-h"] => {
            println!("{help}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{help}");
            ExitCode::from(2)
        }
    }
}

fn filter(default: &str) -> EnvFilter {
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default))
}

fn show_log(default: &str) {
    tracing_subscriber::fmt().with_env_filter(filter(default)).with_writer(std::io::stderr).init();
}

/// The walk-through reads the codes in the log, as an operator would.
fn show_log_and_keep(default: &str, log: Log) {
    use tracing_subscriber::Layer;
    let shown = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(filter(default));
    tracing_subscriber::registry().with(shown).with(log).init();
}

fn failed(error: &(dyn std::error::Error + 'static)) -> ExitCode {
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
    ExitCode::FAILURE
}

/// A free port of this machine, with its address under a local host name.
///
/// The service uses `localhost` and the provider `127.0.0.1`, so that they are different sites.
pub async fn listen(host: &str) -> Result<(TcpListener, String), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{host}:{}", listener.local_addr()?.port());
    Ok((listener, address))
}

/// Serves until the process ends.
pub fn spawn(listener: TcpListener, app: Router) {
    tokio::spawn(async move { axum::serve(listener, app).await });
}

/// Starts a provider; returns its address.
pub async fn start(app: impl FnOnce(&str) -> Result<Router, Failure>) -> Result<String, Failure> {
    let (listener, address) = listen("127.0.0.1").await?;
    spawn(listener, app(&address)?);
    Ok(address)
}

/// A ring with a fresh key, for this run only.
pub fn fresh_ring() -> Result<KeyRing, Failure> {
    Ok(RootKey::generate()?.to_secret_text().expose().parse::<KeyRing>()?)
}
