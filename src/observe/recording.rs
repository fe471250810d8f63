//! The metrics of [`super::table`], recorded.

use std::time::Instant;

use metrics::{Counter, Histogram, counter, gauge, histogram};

#[cfg(feature = "refresh")]
use super::Refreshed;
use super::table::*;
use crate::refusal::FinishErrorKind;

/// The label of a provider that no check has shown to be one of ours.
const UNKNOWN: &str = "unknown";

/// When something began that is waited for.
#[derive(Clone, Copy)]
pub(crate) struct Timer(Instant);

impl Timer {
    #[expect(clippy::disallowed_methods, reason = "how long a guard took, for the metrics")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }
}

/// The handles of one flow, looked up once.
pub(crate) struct FlowMetrics {
    /// The last one is of no provider.
    providers: Vec<ProviderMetrics>,
    first: Histogram,
    already_used: Histogram,
    error: Histogram,
    /// By kind.
    errors: [(&'static str, Counter); 5],
}

struct ProviderMetrics {
    id: String,
    issued: Counter,
    /// By code.
    begins_refused: Vec<(&'static str, Counter)>,
    ok: Counter,
    provider_refused: Counter,
    /// In the order of [`FinishErrorKind::ALL`].
    refused: Vec<Counter>,
    duration: Histogram,
    iss_ignored: Counter,
}

impl ProviderMetrics {
    fn new(id: &str, begin_codes: &[&'static str]) -> Self {
        let callbacks = |code: &'static str| counter!(CALLBACKS, "provider" => id.to_owned(), "code" => code);
        Self {
            id: id.to_owned(),
            issued: counter!(STATES_ISSUED, "provider" => id.to_owned()),
            begins_refused: begin_codes
                .iter()
                .map(|&code| (code, counter!(BEGINS_REFUSED, "provider" => id.to_owned(), "code" => code)))
                .collect(),
            ok: callbacks("ok"),
            provider_refused: callbacks("provider_refused"),
            refused: FinishErrorKind::ALL.map(|kind| callbacks(kind.code())).into(),
            duration: histogram!(FLOW_DURATION, "provider" => id.to_owned()),
            iss_ignored: counter!(ISS_IGNORED, "provider" => id.to_owned()),
        }
    }
}

impl FlowMetrics {
    /// `begin_codes` are those of the refusals of a begin, each once.
    pub(crate) fn new<'a>(providers: impl Iterator<Item = &'a str>, begin_codes: &[&'static str]) -> Self {
        let guard = |outcome: &'static str| histogram!(GUARD_DURATION, "outcome" => outcome);
        Self {
            providers: providers.chain([UNKNOWN]).map(|id| ProviderMetrics::new(id, begin_codes)).collect(),
            first: guard("first"),
            already_used: guard("already_used"),
            error: guard("error"),
            errors: ["unavailable", "overloaded", "outcome_unknown", "full", "misconfigured"]
                .map(|kind| (kind, counter!(GUARD_ERRORS, "kind" => kind))),
        }
    }

    fn of(&self, provider: &str) -> Option<&ProviderMetrics> {
        self.providers.iter().find(|known| known.id == provider).or(self.providers.last())
    }

    pub(crate) fn issued(&self, provider: &str) {
        self.of(provider).inspect(|of| of.issued.increment(1));
    }

    pub(crate) fn begin_refused(&self, provider: &str, code: &'static str) {
        let counters = self.of(provider).map(|of| of.begins_refused.as_slice()).unwrap_or_default();
        counters.iter().find(|(known, _)| *known == code).inspect(|(_, counter)| counter.increment(1));
    }

    pub(crate) fn refused(&self, provider: Option<&str>, kind: FinishErrorKind) {
        let of = self.of(provider.unwrap_or(UNKNOWN));
        of.and_then(|of| of.refused.get(kind as usize)).inspect(|refused| refused.increment(1));
    }

    /// `seconds` is the age of the state.
    pub(crate) fn finished(&self, provider: &str, provider_refused: bool, seconds: u64) {
        let Some(of) = self.of(provider) else { return };
        if provider_refused {
            of.provider_refused.increment(1);
        } else {
            of.ok.increment(1);
            #[expect(clippy::cast_precision_loss, reason = "an hour at the most")]
            of.duration.record(seconds as f64);
        }
    }

    pub(crate) fn iss_ignored(&self, provider: &str) {
        self.of(provider).inspect(|of| of.iss_ignored.increment(1));
    }

    /// What a guard answered: `first`, `already_used`, or an error of this kind.
    pub(crate) fn guard(&self, asked: Timer, answer: Result<&'static str, &'static str>) {
        let seconds = asked.0.elapsed();
        match answer {
            Ok("first") => self.first.record(seconds),
            Ok(_) => self.already_used.record(seconds),
            Err(kind) => {
                self.error.record(seconds);
                self.errors.iter().find(|(known, _)| *known == kind).inspect(|(_, errors)| errors.increment(1));
            }
        }
    }
}

/// The handles of one cache.
#[cfg(feature = "cache")]
pub(crate) struct CacheMetrics {
    hit: Counter,
    miss: Counter,
}

#[cfg(feature = "cache")]
impl CacheMetrics {
    pub(crate) fn new() -> Self {
        let lookups = |result: &'static str| counter!(KNOWN_USED, "result" => result);
        Self { hit: lookups("hit"), miss: lookups("miss") }
    }

    pub(crate) fn hit(&self) {
        self.hit.increment(1);
    }

    pub(crate) fn miss(&self) {
        self.miss.increment(1);
    }
}

/// What is recorded so rarely that its handle is looked up each time.
pub(crate) mod record {
    use super::*;

    /// A callback that no flow has seen, because it has no form.
    pub(crate) fn unread(kind: FinishErrorKind) {
        counter!(CALLBACKS, "provider" => UNKNOWN, "code" => kind.code()).increment(1);
    }

    /// A zero first, so that the first one shows as a rise.
    pub(crate) fn failed_open(callbacks: u64) {
        counter!(FAILED_OPEN).increment(callbacks);
    }

    pub(crate) fn purged(guard: &'static str, marks: u64) {
        if marks > 0 {
            counter!(MARKS_PURGED, "guard" => guard).increment(marks);
        }
    }

    pub(crate) fn store(operation: &'static str, asked: Timer, worked: bool) {
        histogram!(STORE_DURATION, "operation" => operation, "outcome" => outcome(worked)).record(asked.0.elapsed());
    }

    #[cfg(feature = "refresh")]
    pub(crate) fn source(asked: Timer, worked: bool) {
        histogram!(SOURCE_DURATION, "outcome" => outcome(worked)).record(asked.0.elapsed());
    }

    #[cfg(feature = "refresh")]
    pub(crate) fn refreshed(refreshed: Refreshed) {
        let outcome = match refreshed {
            Refreshed::Taken => "taken",
            Refreshed::Unchanged => "unchanged",
            Refreshed::Refused => "refused",
            Refreshed::Failed => "failed",
        };
        counter!(RING_REFRESHES, "outcome" => outcome).increment(1);
    }

    /// The ring in use: its serial, its propagation in seconds, and how many keys have each role.
    #[expect(clippy::cast_precision_loss, reason = "a serial beyond 2^53 would lose its last digits in a picture")]
    pub(crate) fn ring(serial: u64, propagation: u32, keys_in: impl Fn(&str) -> usize) {
        gauge!(RING_SERIAL).set(serial as f64);
        gauge!(RING_PROPAGATION).set(propagation);
        for from_zero in [RING_LATE, UNKNOWN_KEYS] {
            counter!(from_zero).increment(0);
        }
        for role in ["pending", "active", "retiring", "retired", "revoked"] {
            gauge!(RING_KEYS, "role" => role).set(keys_in(role) as f64);
        }
    }

    #[cfg(feature = "refresh")]
    #[expect(clippy::cast_precision_loss, reason = "seconds are exact for 285 million years")]
    pub(crate) fn ring_confirmed(now: u64) {
        gauge!(RING_CONFIRMED).set(now as f64);
    }

    pub(crate) fn late_keys(late: usize) {
        counter!(RING_LATE).increment(late as u64);
    }

    pub(crate) fn unknown_key() {
        counter!(UNKNOWN_KEYS).increment(1);
    }

    const fn outcome(worked: bool) -> &'static str {
        if worked { "ok" } else { "error" }
    }
}
