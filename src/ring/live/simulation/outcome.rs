//! The outcome of the schedules.

use std::fmt;

/// The outcome of one schedule or of several.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) accepted: u64,
    pub(super) refused_as_revoked: u64,
    pub(super) rotations: u64,
    pub(super) revocations: u64,
    pub(super) restarts: u64,
    pub(super) documents_refused: u64,
    pub(super) skews_changed: u64,
    pub(super) replays_refused: u64,
    pub(super) broken_schedules: u64,
    pub(super) broken: Option<String>,
    pub(super) lines: Vec<String>,
}

impl Outcome {
    pub(super) fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.refused_as_revoked += other.refused_as_revoked;
        self.rotations += other.rotations;
        self.revocations += other.revocations;
        self.restarts += other.restarts;
        self.documents_refused += other.documents_refused;
        self.skews_changed += other.skews_changed;
        self.replays_refused += other.replays_refused;
        self.broken_schedules += other.broken_schedules + u64::from(other.broken.is_some());
    }

    pub(super) fn timeline(&self) -> String {
        let end = self.broken.as_deref().unwrap_or("every promise was kept");
        format!("{}\n{end}", self.lines.join("\n"))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} logins accepted, {} refused under a revoked key, {} replays refused; {} rotations, {} revocations, {} changes of \
             the skew, {} restarts, {} documents refused; {} schedules broke a promise",
            self.accepted,
            self.refused_as_revoked,
            self.replays_refused,
            self.rotations,
            self.revocations,
            self.skews_changed,
            self.restarts,
            self.documents_refused,
            self.broken_schedules
        )
    }
}
