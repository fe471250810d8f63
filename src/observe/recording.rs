//! The metrics of [`super::table`], recorded.

use std::time::Instant;

use metrics::{Counter, Histogram, counter, gauge, histogram};

#[cfg(feature = "refresh")]
use super::Refreshed;
use super::table::*;
use crate::clock::from_unix_seconds;
use crate::flow::BeginError;
use crate::guard::{GuardError, GuardErrorKind, Marked};
use crate::refusal::FinishErrorKind;
use crate::ring::key::{KeyRing, KeyRole};

/// The label of a provider that no check has shown to be one of ours.
const UNKNOWN: &str = "unknown";

/// When something began that is waited for.
#[derive(Clone, Copy)]
pub(crate) struct Timer(Instant);

impl Timer {
    #[expect(clippy::disallowed_methods, reason = "how long a guard took, told to whoever measures")]
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
    /// In the order of [`guard_error`].
    errors: [Counter; 5],
}

struct ProviderMetrics {
    id: String,
    issued: Counter,
    /// In the order of [`BeginError::CODES`].
    begins_refused: [Counter; BeginError::CODES.len()],
    ok: Counter,
    provider_refused: Counter,
    /// In the order of [`FinishErrorKind::ALL`].
    refused: Vec<Counter>,
    duration: Histogram,
    iss_ignored: Counter,
}

impl ProviderMetrics {
    fn new(id: &str) -> Self {
        let callbacks = |code: &'static str| counter!(CALLBACKS, "provider" => id.to_owned(), "code" => code);
        Self {
            id: id.to_owned(),
            issued: counter!(STATES_ISSUED, "provider" => id.to_owned()),
            begins_refused: BeginError::CODES
                .map(|code| counter!(BEGINS_REFUSED, "provider" => id.to_owned(), "code" => code)),
            ok: callbacks("ok"),
            provider_refused: callbacks("provider_refused"),
            refused: FinishErrorKind::ALL.map(|kind| callbacks(kind.code())).into(),
            duration: histogram!(FLOW_DURATION, "provider" => id.to_owned()),
            iss_ignored: counter!(ISS_IGNORED, "provider" => id.to_owned()),
        }
    }
}

impl FlowMetrics {
    pub(crate) fn new<'a>(providers: impl Iterator<Item = &'a str>) -> Self {
        let guard = |outcome: &'static str| histogram!(GUARD_DURATION, "outcome" => outcome);
        Self {
            providers: providers.chain([UNKNOWN]).map(ProviderMetrics::new).collect(),
            first: guard("first"),
            already_used: guard("already_used"),
            error: guard("error"),
            errors: ["unavailable", "overloaded", "outcome_unknown", "full", "misconfigured"]
                .map(|kind| counter!(GUARD_ERRORS, "kind" => kind)),
        }
    }

    fn of(&self, provider: &str) -> Option<&ProviderMetrics> {
        self.providers.iter().find(|known| known.id == provider).or(self.providers.last())
    }

    pub(crate) fn issued(&self, provider: &str) {
        self.of(provider).inspect(|of| of.issued.increment(1));
    }

    pub(crate) fn begin_refused(&self, provider: &str, error: &BeginError) {
        let codes = BeginError::CODES.iter().position(|code| *code == error.code());
        let refused = self.of(provider).zip(codes).and_then(|(of, code)| of.begins_refused.get(code));
        refused.inspect(|refused| refused.increment(1));
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

    pub(crate) fn guard(&self, asked: Timer, answer: &Result<Marked, GuardError>) {
        let seconds = asked.0.elapsed();
        match answer {
            Ok(Marked::First) => self.first.record(seconds),
            Ok(Marked::AlreadyUsed { .. }) => self.already_used.record(seconds),
            Err(error) => {
                self.error.record(seconds);
                self.errors.get(guard_error(error.kind())).inspect(|errors| errors.increment(1));
            }
        }
    }
}

const fn guard_error(kind: GuardErrorKind) -> usize {
    match kind {
        GuardErrorKind::Unavailable => 0,
        GuardErrorKind::Overloaded => 1,
        GuardErrorKind::OutcomeUnknown => 2,
        GuardErrorKind::Full => 3,
        GuardErrorKind::Misconfigured => 4,
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

    /// The ring that is in use at `now`, in Unix seconds.
    #[expect(clippy::cast_precision_loss, reason = "a serial beyond 2^53 would lose its last digits in a picture")]
    pub(crate) fn ring(ring: &KeyRing, now: u64) {
        gauge!(RING_SERIAL).set(ring.serial() as f64);
        gauge!(RING_PROPAGATION).set(ring.timing().propagation);
        for from_zero in [RING_LATE, UNKNOWN_KEYS] {
            counter!(from_zero).increment(0);
        }
        for role in [KeyRole::Pending, KeyRole::Active, KeyRole::Retiring, KeyRole::Retired, KeyRole::Revoked] {
            let count = ring.roles(from_unix_seconds(now)).filter(|(_, of)| *of == role).count();
            gauge!(RING_KEYS, "role" => role.to_string()).set(count as f64);
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
