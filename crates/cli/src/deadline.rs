//! The time limit of a command: a FIFO, a dead mount or a hanging helper must not hang a pipeline.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::{Exit, Failure};
use crate::output::Report;
use crate::text::span_of;

/// After the limit: what waits by itself reports first, and knows more.
const GRACE: Duration = Duration::from_millis(500);
/// How often a paused clock is looked at.
const PAUSE: Duration = Duration::from_millis(200);

struct Clock {
    limit: Duration,
    /// `None` while a user types.
    end: Option<Instant>,
    /// The awaited source, for the error.
    waits_for: String,
}

static CLOCK: Mutex<Clock> = Mutex::new(Clock { limit: Duration::MAX, end: None, waits_for: String::new() });

fn clock() -> MutexGuard<'static, Clock> {
    CLOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the command on a thread, and gives up on it after the limit; the process then ends without it.
pub fn run(
    limit: Duration,
    command: impl FnOnce() -> Result<Report, Failure> + Send + 'static,
) -> Result<Report, Failure> {
    {
        let mut clock = clock();
        (clock.limit, clock.end) = (limit, Instant::now().checked_add(limit));
    }
    let (result, ended) = mpsc::channel();
    let started = thread::Builder::new().name("command".to_owned()).spawn(move || result.send(command()));
    if let Err(cause) = started {
        return Err(Failure::new(Exit::Source, "unavailable", format!("no thread was started: {cause}"), "try again"));
    }
    loop {
        let end = clock().end;
        let wait = end.map_or(PAUSE, |end| end.saturating_duration_since(Instant::now()).saturating_add(GRACE));
        match ended.recv_timeout(wait) {
            Ok(outcome) => return outcome,
            Err(RecvTimeoutError::Timeout) if end.is_none() || clock().end != end => {}
            Err(RecvTimeoutError::Timeout) => return Err(late()),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::new(Exit::Source, "internal", "the command ended early", "report this as a bug"));
            }
        }
    }
}

/// The rest of the time.
pub fn left() -> Duration {
    clock().end.map_or(Duration::from_secs(3_600), |end| end.saturating_duration_since(Instant::now()))
}

/// Names what the command waits for next.
pub fn waits_for(what: impl Into<String>) {
    clock().waits_for = what.into();
}

/// Stops the clock while a user types.
pub fn without<T>(wait: impl FnOnce() -> T) -> T {
    clock().end = None;
    let done = wait();
    let mut clock = clock();
    clock.end = Instant::now().checked_add(clock.limit);
    done
}

fn late() -> Failure {
    let clock = clock();
    let what = if clock.waits_for.is_empty() { "the command" } else { &clock.waits_for };
    Failure::new(
        Exit::Source,
        "time_limit",
        format!("{what}: not done within {}", span_of(clock.limit)),
        "check the mount, the pipe or the server behind it, or give more time: --time-limit 60s",
    )
}
