//! Sources in separate programs: the command line uses them for stores whose client it does not contain.
//!
//! A helper is a program `oauth-state-source-<scheme>` on the `PATH`, called with one argument, the location. It reads one request as JSON
//! from standard input and writes one reply as JSON to standard output; keys are never arguments. The packages for AWS, Vault, Google and
//! Azure have one each; a helper for any other store is one call of [`serve`].
//!
//! ```json
//! {"request": "fetch"}
//! {"request": "store", "document": "…", "expected_version": "7"}
//!
//! {"name": "the secret …", "document": "…", "version": "7", "server_time": 1796126400}
//! {"name": "the secret …", "version": "8"}
//! {"name": "the secret …", "error": {"kind": "denied", "answer": "403", "to_do": "…"}}
//! {"name": "the secret …", "error": {"kind": "document", "answer": "not UTF-8", "to_do": "…", "revoked": ["…"]}}
//! ```

use std::io::{Read, Write};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::document::{LARGEST, MOST_SCANNED, RingError};
use super::{Fetched, KeySource, SourceError, SourceErrorKind, WritableSource, bytes};
use crate::clock::{from_unix_seconds, unix_seconds};
use crate::future::BoxFuture;
use crate::secret::SecretString;

/// The prefix of a helper's name.
const PROGRAM: &str = "oauth-state-source-";
/// A request is an escaped document and a few words.
const LONGEST_REQUEST: u64 = 4 * LARGEST as u64;
/// So is a reply, but its document may be too long, and its revocations still count.
const LONGEST_REPLY: usize = 4 * MOST_SCANNED;
/// How long a helper may take by default.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// How often it is looked whether a helper that has replied has ended.
const PAUSE: Duration = Duration::from_millis(5);
/// The most revocations in a reply's error.
const MOST_REVOKED: usize = 1_024;

#[derive(Deserialize, Serialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
enum Request<T> {
    Fetch,
    Store { document: T, expected_version: Option<String> },
}

#[derive(Default, Deserialize, Serialize)]
struct Reply<T> {
    #[serde(default)]
    name: String,
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    document: Option<T>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// The store's clock when it answered, in Unix seconds, if it sent the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    server_time: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

#[derive(Deserialize, Serialize)]
struct Failure {
    kind: String,
    answer: String,
    to_do: String,
    /// The ids that a refused document revokes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    revoked: Vec<String>,
}

/// Answers one request from standard input for `source`. This is a helper's entire work.
///
/// Without a valid request on standard input it prints a usage line to standard error and returns exit code 2.
///
/// # Examples
///
/// ```
/// use oauth_state::ring::source::{FileSource, helper};
/// use std::process::ExitCode;
///
/// // Call this from `main` of `oauth-state-source-<scheme>`.
/// async fn run() -> ExitCode {
///     let location = std::env::args().nth(1).unwrap_or_default();
///     let source = FileSource::new(location); // replace it with your own `WritableSource`
///     helper::serve(&source).await
/// }
/// ```
pub async fn serve(source: &impl WritableSource) -> ExitCode {
    let mut request = zeroize::Zeroizing::new(String::with_capacity(4 * LARGEST));
    let read = std::io::stdin().lock().take(LONGEST_REQUEST).read_to_string(&mut request);
    let request = match read.map(|_| serde_json::from_str::<Request<SecretString>>(&request)) {
        Ok(Ok(request)) => request,
        // Not the error's own text, which would repeat the input.
        _ => {
            let usage =
                "this program is called by the command line oauth-state, with a request as JSON on standard input";
            let _ = writeln!(std::io::stderr().lock(), "{usage}");
            return ExitCode::from(2);
        }
    };
    let mut reply = Reply { name: source.name().to_owned(), ..Reply::default() };
    let mut text = None;
    match answer(source, request).await {
        Ok(Answered::Fetched(Fetched::Document { text: document, version, server_time })) => {
            (text, reply.version, reply.server_time) = (Some(document), version, server_time.map(unix_seconds));
        }
        Ok(Answered::Fetched(Fetched::Unchanged)) => {}
        Ok(Answered::Stored(version)) => reply.version = version,
        Err(error) => reply.error = Some(Failure::from(error)),
    }
    reply.document = text.as_ref().map(SecretString::expose);
    match write_json(&reply, std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

async fn answer(source: &impl WritableSource, request: Request<SecretString>) -> Result<Answered, SourceError> {
    match request {
        Request::Fetch => source.fetch(None).await.map(Answered::Fetched),
        Request::Store { document, expected_version } => {
            source.store(&document, expected_version.as_deref()).await.map(Answered::Stored)
        }
    }
}

enum Answered {
    Fetched(Fetched),
    Stored(Option<String>),
}

/// In one piece and zeroized, so that no buffer of ours keeps a key. (The memory of `serde_json` itself is freed without clearing.)
fn write_json(value: &impl Serialize, mut to: impl Write) -> std::io::Result<()> {
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(4 * LARGEST));
    serde_json::to_writer(&mut *bytes, value)?;
    bytes.push(b'\n');
    to.write_all(&bytes)?;
    to.flush()
}

/// A source that is reached through a helper program, for the command line: it blocks its thread while the helper runs.
///
/// # Examples
///
/// ```
/// use oauth_state::ring::source::{KeySource, SourceErrorKind, helper::HelperSource};
/// use oauth_state::testing::block_on;
///
/// // Runs `oauth-state-source-nosuch`, which is not installed.
/// let error = block_on(HelperSource::new("nosuch", "prod/oauth-state").fetch(None)).unwrap_err();
/// assert_eq!(error.kind(), SourceErrorKind::Misconfigured);
/// assert!(error.to_string().contains("oauth-state-source-nosuch"));
/// ```
#[derive(Clone, Debug)]
pub struct HelperSource {
    program: String,
    location: String,
    name: String,
    time_limit: Duration,
}

impl HelperSource {
    /// The source of this scheme at this location, such as `aws` and `prod/oauth-state`; its name is then
    /// `aws:prod/oauth-state`.
    #[must_use]
    pub fn new(scheme: &str, location: &str) -> Self {
        Self {
            program: format!("{PROGRAM}{scheme}"),
            location: location.to_owned(),
            name: format!("{scheme}:{location}"),
            time_limit: TIME_LIMIT,
        }
    }

    /// Sets how long the helper may take for one request; ten seconds by default. A helper that takes longer is killed.
    #[must_use]
    pub fn time_limit(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit;
        self
    }

    fn error(&self, kind: SourceErrorKind, answer: impl std::fmt::Display) -> SourceError {
        SourceError::new(&self.name, kind, answer)
    }

    fn ask(&self, request: &Request<&str>) -> Result<Reply<SecretString>, SourceError> {
        let plain = self.program.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !plain {
            return Err(self.error(SourceErrorKind::Misconfigured, "a scheme has letters, digits, - and _"));
        }
        let started =
            Command::new(&self.program).arg(&self.location).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut helper = started.map_err(|cause| {
            let to_do = format!("install {} and put it on the PATH", self.program);
            let answer = format!("{} did not start: {cause}", self.program);
            self.error(SourceErrorKind::Misconfigured, answer).with_remedy(to_do)
        })?;
        let deadline = now().checked_add(self.time_limit);
        let left = || deadline.map_or(self.time_limit, |at| at.saturating_duration_since(now()));
        let read = self.talk(&mut helper, request, left());
        let ended = match read {
            Ok(_) => wait_until(&mut helper, deadline),
            Err(_) => None,
        };
        let (Ok(reply), Some(ended)) = (read, ended) else {
            // It is not waited for if it cannot be killed.
            let _ = helper.kill().and_then(|()| helper.wait());
            let seconds = self.time_limit.as_secs().saturating_add((self.time_limit.subsec_nanos() > 0).into());
            let answer = format!("{} did not reply within {seconds} s, and was stopped", self.program);
            return Err(self.error(SourceErrorKind::Unavailable, answer));
        };
        let Some(reply) = reply.and_then(|reply| parsed(&reply, &self.name)) else {
            let answer = match ended {
                Ok(status) => format!("{} gave no reply and ended with {status}", self.program),
                Err(cause) => cause.to_string(),
            };
            return Err(self.error(SourceErrorKind::Unavailable, answer).with_remedy("read what it says above"));
        };
        let reply = reply?;
        match reply.error {
            Some(failure) => {
                let name = if reply.name.is_empty() { &self.name } else { &reply.name };
                Err(failure.of_source(name))
            }
            None => Ok(reply),
        }
    }

    /// Writes the request and reads the reply, on a thread: a helper that reads nothing, or says nothing, must not hang the caller. `None`
    /// is a reply that could not be read.
    fn talk(
        &self,
        helper: &mut Child,
        request: &Request<&str>,
        time_limit: Duration,
    ) -> Result<Option<Bytes>, RecvTimeoutError> {
        let mut text = zeroize::Zeroizing::new(Vec::with_capacity(4 * LARGEST));
        let written = write_json(request, &mut *text).is_ok();
        let (input, output) = (helper.stdin.take(), helper.stdout.take());
        let (reply, read) = mpsc::channel();
        // The thread ends with the helper, which is killed if it is late.
        let thread = thread::Builder::new().name(self.program.clone()).spawn(move || {
            if let Some(mut input) = input.filter(|_| written) {
                // If a helper ends early, its missing reply is reported instead.
                let _ = input.write_all(&text).and_then(|()| input.flush());
            }
            let _ = reply.send(output.and_then(|output| bytes::read(output, LONGEST_REPLY).ok()));
        });
        if thread.is_err() {
            return Ok(None);
        }
        read.recv_timeout(time_limit)
    }
}

#[expect(clippy::disallowed_methods, reason = "a platform that runs programs has a clock")]
fn now() -> Instant {
    Instant::now()
}

type Bytes = zeroize::Zeroizing<Vec<u8>>;

/// The end of the helper; `None` if it is still running at that time.
fn wait_until(helper: &mut Child, deadline: Option<Instant>) -> Option<std::io::Result<std::process::ExitStatus>> {
    loop {
        match helper.try_wait() {
            Ok(Some(status)) => return Some(Ok(status)),
            Err(error) => return Some(Err(error)),
            Ok(None) if deadline.is_some_and(|at| now() >= at) => return None,
            Ok(None) => thread::sleep(PAUSE),
        }
    }
}

/// A helper's reply, or nothing if it is not one. A reply that is not UTF-8 contains a document that is refused for it.
fn parsed(reply: &[u8], source_name: &str) -> Option<Result<Reply<SecretString>, SourceError>> {
    if let Ok(text) = std::str::from_utf8(reply) {
        return serde_json::from_str(text).ok().map(Ok);
    }
    let text = zeroize::Zeroizing::new(String::from_utf8_lossy(reply).into_owned());
    let document = serde_json::from_str::<Reply<SecretString>>(&text).ok()?.document?;
    let refused = SourceError::document(source_name, RingError::NotUtf8);
    Some(Err(refused.revoking(document.expose().as_bytes())))
}

impl KeySource for HelperSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn fetch<'a>(&'a self, known_version: Option<&'a str>) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        Box::pin(async move {
            let reply = self.ask(&Request::Fetch)?;
            if reply.version.is_some() && reply.version.as_deref() == known_version {
                return Ok(Fetched::Unchanged);
            }
            let missing = || self.error(SourceErrorKind::Unavailable, "the helper's reply holds no document");
            let fetched = Fetched::document(reply.document.ok_or_else(missing)?, reply.version);
            Ok(match reply.server_time {
                Some(seconds) => fetched.with_server_time(from_unix_seconds(seconds)),
                None => fetched,
            })
        })
    }
}

impl WritableSource for HelperSource {
    fn store<'a>(
        &'a self,
        document: &'a SecretString,
        expected_version: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<String>, SourceError>> {
        Box::pin(async move {
            let expected_version = expected_version.map(ToOwned::to_owned);
            Ok(self.ask(&Request::Store { document: document.expose(), expected_version })?.version)
        })
    }
}

impl Failure {
    fn of_source(self, source_name: &str) -> SourceError {
        let kind = SourceErrorKind::from_code(&self.kind).unwrap_or(SourceErrorKind::Unavailable);
        let revoked = self.revoked.iter().filter_map(|id| id.parse().ok()).take(MOST_REVOKED).collect();
        SourceError::new(source_name, kind, self.answer).with_remedy(self.to_do).with_revoked(revoked)
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        let [answer, to_do] = [error.answer(), error.remedy()].map(ToOwned::to_owned);
        let revoked = error.revoked().iter().map(ToString::to_string).collect();
        Self { kind: error.kind().code().to_owned(), answer, to_do, revoked }
    }
}

#[cfg(test)]
mod tests;
