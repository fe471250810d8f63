use super::*;

use std::io::Write;
use std::sync::Arc;

use tokio::time::sleep;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn read(&self) -> Vec<String> {
        let text = self.0.lock().unwrap();
        String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn collected() -> (Lines, tracing::subscriber::DefaultGuard) {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(lines.clone()).finish();
    (lines, tracing::subscriber::set_default(subscriber))
}

/// During an outage of an hour, the log must not hold a line for each refused callback, nor only one about its start.
#[tokio::test(start_paused = true)]
async fn a_cause_is_logged_once_and_then_every_minute_with_its_age() {
    let (lines, _subscriber) = collected();
    let refusals = Refusals::new("told", "callbacks are refused");
    for _ in 0..180 {
        refusals.note(&GuardError::because(GuardErrorKind::Full, "OOM command not allowed"));
        sleep(Duration::from_secs(1)).await;
    }
    let lines = lines.read();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(lines[0].contains("OOM command not allowed"), "{}", lines[0]);
    assert!(lines[2].contains("seconds=120") && lines[2].contains("refused=60"), "{}", lines[2]);
}

/// A store that first cannot be reached and then has lost its table: the log names both, however they alternate.
#[tokio::test(start_paused = true)]
async fn a_new_cause_is_logged_at_once() {
    let (lines, _subscriber) = collected();
    let refusals = Refusals::new("told", "callbacks are refused");
    for cause in ["connection refused", "no such table", "connection refused", "no such table"] {
        refusals.note(&GuardError::unavailable(cause));
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(lines.read().len(), 2);
    // It was over for more than a minute.
    sleep(Duration::from_secs(61)).await;
    refusals.note(&GuardError::unavailable("no such table"));
    assert_eq!(lines.read().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn texts_that_differ_each_time_fill_neither_the_log_nor_the_memory() {
    let (lines, _subscriber) = collected();
    let refusals = Refusals::new("told", "callbacks are refused");
    for number in 0..1_000 {
        refusals.note(&GuardError::unavailable(format!("error {number}")));
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(lines.read().len(), MOST_CAUSES);
    assert_eq!(refusals.causes.lock().unwrap().len(), MOST_CAUSES);
}

/// A flood of refusals is counted, but not looked at one by one: that would cost more than to refuse them.
#[tokio::test(start_paused = true)]
async fn a_flood_is_counted_and_not_looked_at_one_by_one() {
    let (lines, _subscriber) = collected();
    let refusals = Refusals::new("told", "callbacks are refused");
    for _ in 0..61 {
        for _ in 0..1_000 {
            refusals.note(&GuardError::overloaded("busy"));
        }
        sleep(Duration::from_secs(1)).await;
    }
    let lines = lines.read();
    assert!(lines.len() == 2 && lines[1].contains("refused=60000"), "{lines:#?}");
}

#[test]
fn a_chain_is_one_line_and_repeats_nothing() {
    let error = GuardError::unavailable(std::io::Error::other(GuardError::unavailable("line\nbreak")));
    assert_eq!(chain(&error), "the replay guard's store cannot be reached: line break");
}
