//! The log that the walk-through reads: the `code` of each event, and its `error`.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Unread log entries.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Entry>>);

/// The entries, as an operator reads them.
#[derive(Default)]
pub struct Entry {
    /// The codes in order, for example `expired, not_begun`.
    pub code: String,
    /// The error of an event, if it has one.
    pub error: String,
}

impl Log {
    /// The log entries since the last call.
    pub fn take(&self) -> Entry {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<S: Subscriber> Layer<S> for Log {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Visit for Entry {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "code" if self.code.is_empty() => self.code = value.to_owned(),
            "code" => self.code = format!("{}, {value}", self.code),
            "error" => self.error = value.to_owned(),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "error" {
            self.error = format!("{value:?}");
        }
    }
}
