//! Collects everything that is logged, for inspection.

use std::io::{self, Write};
use std::sync::Mutex;

use support::ensure;
use support::harness::Outcome;
use tracing_subscriber::fmt::MakeWriter;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// The password that all tests use.
pub const PASSWORD: &str = "correct-horse-battery";

#[derive(Clone)]
struct Collect;

impl Write for Collect {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Collect {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Collects this crate's logs at every level.
pub fn collect() {
    let filter = tracing_subscriber::EnvFilter::new("oauth_state=trace");
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(Collect).init();
}

/// The current end of the log.
pub fn mark() -> usize {
    LINES.lock().unwrap().len()
}

/// The log entries since a mark.
pub fn since(mark: usize) -> String {
    String::from_utf8_lossy(&LINES.lock().unwrap()[mark..]).into_owned()
}

pub async fn hold_no_secret() -> Outcome {
    let all = since(0);
    for secret in [PASSWORD, "redis://", "postgres://", "oauth-state:"] {
        ensure!(!all.contains(secret), "the log holds {secret:?}");
    }
    ensure!(!all.is_empty(), "nothing was logged: run it with the other cases");
    Ok(format!("{} lines", all.lines().count()))
}
