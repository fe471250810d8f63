//! The tasks that purge marks and delete rows now and then. They end with their runtime, and the next call starts them
//! again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use super::purge::{self, Purged};
use super::settings::Settings;
use oauth_state::guard::GuardError;
use oauth_state::observe::{Event, Observer as _};
use oauth_state_guard_kit::{with_cause, with_jitter};

/// Which tasks are running, and which are needed.
#[derive(Default)]
pub(super) struct Tasks {
    purging: Arc<AtomicBool>,
    deleting: Arc<AtomicBool>,
    /// A payload store uses the guard.
    has_rows: AtomicBool,
}

#[derive(Clone, Copy)]
enum Task {
    PurgeMarks,
    DeleteRows,
}

impl Tasks {
    /// Starts those that are needed and not running.
    pub(super) fn start(&self, settings: &Arc<Settings>) {
        start(Task::PurgeMarks, &self.purging, settings);
        if self.has_rows.load(Ordering::Relaxed) {
            start(Task::DeleteRows, &self.deleting, settings);
        }
    }

    /// Deletes rows as well, from now on.
    pub(super) fn start_with_rows(&self, settings: &Arc<Settings>) {
        self.has_rows.store(true, Ordering::Relaxed);
        self.start(settings);
    }
}

fn start(task: Task, is_running: &Arc<AtomicBool>, settings: &Arc<Settings>) {
    // Read first, because every call passes here.
    let is_needed = settings.purge_every.is_some() && !is_running.load(Ordering::Relaxed);
    if is_needed && !is_running.swap(true, Ordering::Relaxed) {
        // Created here and not in the task: a task that is dropped before it ran still drops its arguments.
        tokio::spawn(now_and_then(task, Running(Arc::clone(is_running)), Arc::downgrade(settings)));
    }
}

/// Runs a task at intervals, as long as the guard lives.
async fn now_and_then(task: Task, _running: Running, settings: Weak<Settings>) {
    while let Some(every) = settings.upgrade().and_then(|settings| settings.purge_every) {
        tokio::time::sleep(with_jitter(every)).await;
        let Some(settings) = settings.upgrade() else { return };
        if let Err(error) = task.run(&settings).await {
            let cause = with_cause(&error);
            match task {
                Task::PurgeMarks => {
                    settings.observers.event(&Event::PurgeFailed { guard: "postgres" });
                    tracing::warn!(cause, "cannot purge; expired marks stay in the table until purging works");
                }
                Task::DeleteRows => {
                    tracing::warn!(cause, "cannot clean up; expired rows stay in the table until cleaning works");
                }
            }
        }
    }
}

impl Task {
    async fn run(self, settings: &Settings) -> Result<(), GuardError> {
        match self {
            Self::PurgeMarks => {
                let Purged { partitions, marks } = purge::purge(settings).await?;
                if partitions > 0 {
                    tracing::debug!(partitions, marks, "purged expired marks");
                }
            }
            Self::DeleteRows => {
                let rows = purge::delete_rows(settings).await?;
                if rows > 0 {
                    tracing::debug!(rows, "deleted expired rows");
                }
            }
        }
        Ok(())
    }
}

/// Says that the task no longer runs, also if it is dropped with its runtime.
struct Running(Arc<AtomicBool>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
