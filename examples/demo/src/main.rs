//! A login that starts on one server and finishes on another.
//!
//! ```text
//! cargo run --release -p demo                       # prints an address to open in a browser
//! cargo run --release -p demo -- --once             # the same without a browser: prints each step, exits 0 if all held
//! cargo run --release -p demo -- --once --rotate    # signs in for 30 s while the keys rotate
//! cargo run --release -p demo --features guards -- --guard redis://127.0.0.1:6379
//! ```
//!
//! Two application servers run as two operating-system processes that share a key ring and nothing else. A front sends
//! alternate requests to alternate servers, and serves the controls that stop servers and change keys. A stand-in for an
//! OAuth 2.0 provider runs next to them. Everything listens on loopback.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]
#![allow(
    unreachable_pub,
    clippy::missing_errors_doc,
    clippy::must_use_candidate,
    reason = "a program has no public items: `pub` says what the other files use"
)]

mod address;
mod attacks;
mod child;
mod contents;
mod desk;
mod exchanged;
mod fleet;
mod front;
mod guard;
mod http_client;
mod identity;
mod keys;
mod meaning;
mod once;
#[cfg(feature = "openid")]
mod openid;
mod pages;
mod provider;
mod rotation;
mod server;
mod settings;
mod visitor;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tracing_subscriber::filter::LevelFilter;

/// Errors of a program that has one way to treat them: say what happened and stop.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

const HELP: &str = "\
A login that starts on one server and finishes on another.

Usage: demo [--once] [--rotate] [--for SECONDS] [--guard URL] [--port PORT] [--lifetime SECONDS] [--plain-http]
            [--until end-of-input]
       demo server --listen ADDRESS --public URL --issuer URL --client-id ID [--name NAME] [--lifetime SECONDS]
                   [--response-mode MODE] [--openid] [--plain-http] [--cookie-name NAME] [--frames own|ORIGIN]
                   [--host-header NAME] [--showcase]

Without a command it starts two application servers, a stand-in for a provider and a front, and prints an address. The
pages there show each state decoded, try every attack, stop and start the servers, and rotate and revoke keys.

  --once               no browser: sign in, try each attack, print each step; exit 0 if all held
  --rotate             rotate the keys several times per lifetime, a line for each; with --once: sign in meanwhile, then revoke a key
  --for SECONDS        how long --once --rotate signs in (default 30)
  --guard URL          a replay guard that the servers share: redis://HOST:PORT or postgres://USER@HOST:PORT/DATABASE
                       (default: each server's own memory; needs a build with `--features guards`)
  --port PORT          the front's port on 127.0.0.1 (default: any free port)
  --lifetime SECONDS   how long a login may take (default 60; with --once 4)
  --plain-http         cookies without Secure: WebKit browsers (Safari) keep no Secure cookie on http://localhost
  --until end-of-input stop when standard input ends, as well as on Ctrl-C
  -h, --help           this text

`server` runs one application server, for use behind a load balancer of your own:

  --listen ADDRESS     where to listen, such as 127.0.0.1:0; the address is printed
  --public URL         what browsers call the service, such as http://localhost:8080
  --issuer URL         the provider's issuer identifier; its endpoints lie below it, at authorize, token and user
  --client-id ID       the client id registered there; CLIENT_SECRET holds the secret
  --name NAME          what the pages call this server (default A)
  --openid             OpenID Connect: endpoints from discovery, and an ID token with this login's nonce (needs a build with
                       `--features openid`)
  --response-mode MODE query (default), form_post, or form_post_reposted: form_post without a SameSite=None cookie
  --plain-http         cookies without Secure, for WebKit browsers on http://localhost; refused for other public URLs
  --cookie-name NAME   the name of the login's cookie, for a proxy in front that passes no other (default __Host-…)
  --frames own|ORIGIN  let logins start in frames: of this service's own pages, or of pages of an origin (default: none)
  --host-header NAME   the header in which the proxy in front sends the host that the browser used (default Host)
  --showcase           pages with decoded states, and with the controls that the front of the demonstration serves
  --until end-of-input stop when standard input ends

  OAUTH_STATE_KEYS     the key ring that all servers share: a root key or a ring document
  OAUTH_STATE_KEYS_FILE  or a file that holds it, which is read every second: a rotation needs no restart
  REPLAY_GUARD         the guard's URL, as for --guard; in the environment, because it may hold a password
";

fn main() -> ExitCode {
    // `RUST_LOG=trace`, for example. It takes a level and no more; without it only errors are logged.
    let level = std::env::var("RUST_LOG").ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::ERROR);
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    match runtime.block_on(run(&arguments)) {
        Ok(code) => code,
        Err(error) => failed(&*error),
    }
}

fn failed(error: &(dyn std::error::Error + 'static)) -> ExitCode {
    eprintln!("demo: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
    ExitCode::FAILURE
}

async fn run(arguments: &[String]) -> Result<ExitCode, Failure> {
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    if let Some((command, rest)) = arguments.split_first()
        && command == "server"
    {
        let known = [
            "listen",
            "public",
            "issuer",
            "client-id",
            "name",
            "lifetime",
            "response-mode",
            "cookie-name",
            "frames",
            "host-header",
            "until",
        ];
        let is_given = |flag: &str| rest.iter().any(|argument| argument == flag);
        let [openid, plain_http, showcase] = SERVER_FLAGS.map(is_given);
        let options = Options::read(&without(rest, &SERVER_FLAGS), &known)?;
        server::run(settings::Settings::from_options(&options, openid, plain_http, showcase)?).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let is_given = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let [once, rotate, plain_http] = FLAGS.map(is_given);
    let options = Options::read(&without(arguments, &FLAGS), &["for", "guard", "port", "lifetime", "until"])?;
    let signs_in_for = Duration::from_secs(options.number("for", 1..=86_400)?.unwrap_or(30));
    let port = options.number("port", 0..=65_535)?.unwrap_or_default();
    let port = u16::try_from(port).unwrap_or_default();
    let lifetime = options.lifetime(if once { 4 } else { 60 })?;
    let guard = options.get("guard");
    if guard == Some("") {
        return Err("--guard needs an address, such as redis://127.0.0.1:6379".into());
    }
    if guard.is_some() && !cfg!(feature = "guards") {
        return Err(guard::NEEDS_FEATURE.into());
    }
    let wanted = Demonstration { once, rotate, plain_http, signs_in_for, port, lifetime, guard };
    demonstrate(wanted, options.until_end_of_input()?).await
}

/// The options of the demonstration that take no value.
const FLAGS: [&str; 3] = ["--once", "--rotate", "--plain-http"];
/// The options of `demo server` that take no value.
const SERVER_FLAGS: [&str; 3] = ["--openid", "--plain-http", "--showcase"];

fn without(arguments: &[String], flags: &[&str]) -> Vec<String> {
    arguments.iter().filter(|argument| !flags.contains(&argument.as_str())).cloned().collect()
}

/// The demonstration that the command line asks for.
struct Demonstration<'a> {
    once: bool,
    rotate: bool,
    plain_http: bool,
    signs_in_for: Duration,
    port: u16,
    lifetime: Duration,
    guard: Option<&'a str>,
}

/// Starts everything, and either walks through it or waits for a browser.
async fn demonstrate(wanted: Demonstration<'_>, until_end_of_input: bool) -> Result<ExitCode, Failure> {
    let Demonstration { once, rotate, plain_http, signs_in_for, port, lifetime, guard } = wanted;
    let front = TcpListener::bind(("127.0.0.1", port)).await?;
    let public = format!("http://localhost:{}", front.local_addr()?.port());
    let provider = TcpListener::bind("127.0.0.1:0").await?;
    let issuer = format!("http://localhost:{}", provider.local_addr()?.port());

    let client = provider::Client::new(&format!("{public}/callback"))?;
    let rotation = rotation::Rotation::begin(lifetime).await?;
    tokio::spawn(provider::serve(provider, provider::Provider::new(&issuer, client.clone())));
    let ring = rotation.path().to_owned();
    let launch = child::Launch {
        public: public.clone(),
        issuer,
        client,
        ring,
        guard: guard.map(str::to_owned),
        lifetime,
        plain_http,
        showcase: !once,
    };
    let fleet = fleet::Fleet::start(launch).await?;
    let desk = Arc::new(desk::Desk::new(&public, lifetime, fleet, rotation));
    tokio::spawn(front::serve(front, Arc::clone(&desk), !once));

    if once && rotate {
        return desk.rotation.lock().await.sign_in_meanwhile(&public, signs_in_for).await;
    }
    if once {
        return once::walk_through(&public, &desk.fleet, lifetime, guard.is_some()).await;
    }
    println!("Two application servers, a provider and a front are running:\n");
    for (name, process_id) in desk.fleet.list().await {
        println!("  server {name}   process {}", process_id.unwrap_or_default());
    }
    println!("\nOpen {public} in a browser. Ctrl-C stops everything.");
    if !plain_http {
        println!("Safari keeps no Secure cookie on http://localhost: for it, add --plain-http.");
    }
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        () = server::end_of_input(until_end_of_input) => {}
        failed = rotation::Rotation::run(&desk.rotation), if rotate => failed?,
    }
    Ok(ExitCode::SUCCESS)
}

/// `--name value` pairs.
pub struct Options(Vec<(String, String)>);

impl Options {
    fn read(arguments: &[String], known: &[&str]) -> Result<Self, Failure> {
        let mut options = Vec::new();
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let plain = name.strip_prefix("--").filter(|plain| known.contains(plain));
            let plain = plain.ok_or_else(|| format!("unknown option {name:?}; --help lists them"))?;
            let value = rest.next().ok_or_else(|| format!("{name} needs a value"))?;
            options.push((plain.to_owned(), value.clone()));
        }
        Ok(Self(options))
    }

    /// The value of an option.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of an option that is a number within bounds.
    fn number(&self, name: &str, bounds: std::ops::RangeInclusive<u64>) -> Result<Option<u64>, Failure> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match text.parse() {
            Ok(number) if bounds.contains(&number) => Ok(Some(number)),
            _ => {
                Err(format!("--{name} takes a number from {} to {}, not {text:?}", bounds.start(), bounds.end()).into())
            }
        }
    }

    /// How long a login may take.
    pub fn lifetime(&self, default: u64) -> Result<Duration, Failure> {
        Ok(Duration::from_secs(self.number("lifetime", 1..=3600)?.unwrap_or(default)))
    }

    /// Whether `--until end-of-input` was given.
    pub fn until_end_of_input(&self) -> Result<bool, Failure> {
        match self.get("until") {
            None => Ok(false),
            Some("end-of-input") => Ok(true),
            Some(_) => Err("--until takes end-of-input".into()),
        }
    }

    /// The value of an option that must be there.
    pub fn require(&self, name: &str) -> Result<&str, Failure> {
        self.get(name).ok_or_else(|| format!("--{name} is missing; --help explains it").into())
    }
}
