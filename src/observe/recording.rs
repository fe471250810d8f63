//! The metrics of [`super::table`], recorded from events.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use crate::claims::codec::BindingKind;

use super::event::{CONNECTION, Event, Refusal};
use super::table::*;

/// The label of a provider that no check has confirmed to be configured.
const UNKNOWN: &str = "unknown";

/// The handles of one flow, looked up once.
pub(super) struct FlowHandles {
    /// The last one is for no provider.
    providers: Vec<ProviderHandles>,
    /// For every provider that is loaded at run time: made for the first one, because most flows load none.
    connections: OnceLock<ProviderHandles>,
    first: Histogram,
    already_used: Histogram,
    error: Histogram,
    /// By kind.
    errors: ByCode,
    /// Made for the first answer: before that, a series at zero would look like an outage.
    up: OnceLock<Gauge>,
    errors_alone: ErrorsAlone,
}

/// Since when the guard has given nothing but errors, in Unix seconds; 0 if its last answer was none.
#[derive(Default)]
struct ErrorsAlone(AtomicU64);

/// On a small site the next callback may be hours away, so one error, and the user's second try, are no outage.
const OUTAGE_SECONDS: u64 = 60;

impl ErrorsAlone {
    /// Whether the guard is up, if its answer tells.
    fn tell(&self, answer: &str, now: u64) -> Option<bool> {
        match answer {
            "first" => {
                if self.0.load(Ordering::Relaxed) != 0 {
                    self.0.store(0, Ordering::Relaxed);
                }
                Some(true)
            }
            // Load alone can make a guard too busy. A cache in front of a dead store knows used links, so one old link could hide the outage.
            "overloaded" | "already_used" => None,
            _ => {
                let since = self.0.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed).err()?;
                (now.saturating_sub(since) >= OUTAGE_SECONDS).then_some(false)
            }
        }
    }
}

type ByCode = Vec<(&'static str, Counter)>;

struct ProviderHandles {
    id: String,
    /// By the word of the binding.
    issued: ByCode,
    ok: Counter,
    provider_refused: Counter,
    exchanged: ByCode,
    durations: Vec<(&'static str, Histogram)>,
    iss_ignored: Counter,
}

fn count(counters: &ByCode, code: &str, by: u64) {
    counters.iter().find(|(known, _)| *known == code).inspect(|(_, counter)| counter.increment(by));
}

impl ProviderHandles {
    fn new(id: &str) -> Self {
        let callbacks = |code: &'static str| counter!(CALLBACKS, "provider" => id.to_owned(), "code" => code);
        let issued = |word: &'static str| counter!(STATES_ISSUED, "provider" => id.to_owned(), "binding" => word);
        let duration = |word: &'static str| histogram!(FLOW_DURATION, "provider" => id.to_owned(), "binding" => word);
        let bindings = BindingKind::ALL.map(BindingKind::word);
        Self {
            id: id.to_owned(),
            issued: bindings.map(|word| (word, issued(word))).into(),
            ok: callbacks("ok"),
            provider_refused: callbacks("provider_refused"),
            // From zero, or Prometheus would miss the first one of each process.
            exchanged: ["ok", "error"]
                .map(|word| (word, counter!(EXCHANGES, "provider" => id.to_owned(), "outcome" => word)))
                .into(),
            durations: bindings.map(|word| (word, duration(word))).into(),
            iss_ignored: counter!(ISS_IGNORED, "provider" => id.to_owned()),
        }
    }
}

impl FlowHandles {
    pub(super) fn new<'p>(
        providers: impl Iterator<Item = &'p str>,
        start_codes: &[&'static str],
        codes: &[&'static str],
    ) -> Self {
        // Every code shows from the start, but once and not for every provider: that would be seventy series for each, nearly all at zero.
        for (name, codes) in [(CALLBACKS, codes), (BEGINS_REFUSED, start_codes)] {
            codes.iter().for_each(|&code| counter!(name, "provider" => UNKNOWN, "code" => code).increment(0));
        }
        gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1);
        let guard = |outcome: &'static str| histogram!(GUARD_DURATION, "outcome" => outcome);
        Self {
            providers: providers.chain([UNKNOWN]).map(ProviderHandles::new).collect(),
            connections: OnceLock::new(),
            first: guard("first"),
            already_used: guard("already_used"),
            error: guard("error"),
            errors: ["unavailable", "overloaded", "outcome_unknown", "full", "misconfigured"]
                .map(|kind| (kind, counter!(GUARD_ERRORS, "kind" => kind)))
                .into(),
            up: OnceLock::new(),
            errors_alone: ErrorsAlone::default(),
        }
    }

    pub(super) fn guard_answered(&self, answer: &str, now: u64) {
        if let Some(up) = self.errors_alone.tell(answer, now) {
            self.up.get_or_init(|| gauge!(GUARD_UP)).set(f64::from(u8::from(up)));
        }
    }

    fn of(&self, provider: Option<&str>) -> Option<&ProviderHandles> {
        if provider == Some(CONNECTION) {
            return Some(self.connections.get_or_init(|| ProviderHandles::new(CONNECTION)));
        }
        self.providers.iter().find(|known| Some(&*known.id) == provider).or(self.providers.last())
    }
}

/// Records an event. Login events need the handles of their flow, except for a callback that no flow received.
pub(super) fn record(flow: Option<&FlowHandles>, event: &Event<'_>, by: u64) {
    let of = |provider| flow.and_then(|flow| flow.of(provider));
    match *event {
        Event::Started { provider, binding, .. } => {
            of(Some(provider)).inspect(|of| count(&of.issued, binding, by));
        }
        Event::StartRefused(Refusal { provider, code, .. }) => {
            let of = of(provider).map_or(UNKNOWN, |of| &of.id).to_owned();
            counter!(BEGINS_REFUSED, "provider" => of, "code" => code).increment(by);
        }
        Event::Refused(Refusal { provider, code, .. }) => {
            let of = of(provider).map_or(UNKNOWN, |of| &of.id).to_owned();
            counter!(CALLBACKS, "provider" => of, "code" => code).increment(by);
        }
        Event::Exchanged { provider, worked } => {
            of(Some(provider)).inspect(|of| count(&of.exchanged, outcome(worked), by));
        }
        Event::Finished { provider, outcome, binding, age, error, .. } => {
            let Some(of) = of(Some(provider)) else { return };
            if outcome == "ok" {
                of.ok.increment(by);
                of.durations.iter().find(|(word, _)| *word == binding).inspect(|(_, duration)| duration.record(age));
            } else {
                of.provider_refused.increment(by);
                let error = error.unwrap_or("other");
                counter!(PROVIDER_ERRORS, "provider" => of.id.clone(), "error" => error).increment(by);
            }
        }
        Event::ReturnPathDropped { reason, .. } => {
            counter!(RETURN_PATHS_DROPPED, "reason" => reason).increment(by);
        }
        Event::HookFailed { hook, .. } => counter!(HOOKS_FAILED, "hook" => hook).increment(by),
        Event::IssIgnored { provider } => _ = of(Some(provider)).inspect(|of| of.iss_ignored.increment(by)),
        Event::GuardAnswered { answer, took } => {
            let Some(flow) = flow else { return };
            match answer {
                "first" => flow.first.record(took),
                "already_used" => flow.already_used.record(took),
                kind => {
                    flow.error.record(took);
                    count(&flow.errors, kind, by);
                }
            }
        }
        Event::GuardConnected { up } => gauge!(GUARD_UP).set(f64::from(u8::from(up))),
        Event::StoreAnswered { operation, worked, took } => {
            histogram!(STORE_DURATION, "operation" => operation, "outcome" => outcome(worked)).record(took);
        }
        Event::FailedOpen => counter!(FAILED_OPEN).increment(by),
        Event::KnownUsed { hit: true } => counter!(KNOWN_USED, "result" => "hit").increment(by),
        Event::KnownUsed { hit: false } => counter!(KNOWN_USED, "result" => "miss").increment(by),
        Event::MarksPurged { marks: 0, .. } => {}
        Event::MarksPurged { guard, marks } => counter!(MARKS_PURGED, "guard" => guard).increment(marks),
        Event::PurgeFailed { guard } => counter!(PURGE_FAILURES, "guard" => guard).increment(by),
        Event::MarksHeld { guard, marks, capacity } => {
            gauge!(MARKS_HELD, "guard" => guard).set(marks as f64);
            gauge!(GUARD_CAPACITY, "guard" => guard).set(capacity as f64);
        }
        Event::UnknownKey => counter!(UNKNOWN_KEYS).increment(by),
        Event::SourceAnswered { worked, took } => {
            histogram!(SOURCE_DURATION, "outcome" => outcome(worked)).record(took);
        }
        Event::RingRefreshed { outcome } => counter!(RING_REFRESHES, "outcome" => outcome).increment(by),
        Event::RingInUse { serial, propagation, keys, fingerprint, active_published_at, next_change } => {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a serial beyond 2^53 would lose its last digits in a picture; a fingerprint has 48 bits"
            )]
            for (name, number) in [(RING_SERIAL, serial), (RING_FINGERPRINT, fingerprint)] {
                gauge!(name).set(number as f64);
            }
            for (name, at) in [(RING_PUBLISHED, active_published_at), (RING_NEXT_CHANGE, next_change)] {
                gauge!(name).set(at.map_or(0.0, unix_seconds));
            }
            gauge!(RING_PROPAGATION).set(propagation);
            for from_zero in [RING_LATE, UNKNOWN_KEYS] {
                counter!(from_zero).increment(0);
            }
            for (role, keys) in keys {
                gauge!(RING_KEYS, "role" => role).set(u32::try_from(keys).unwrap_or(u32::MAX));
            }
        }
        Event::RingConfirmed { at } => {
            gauge!(RING_CONFIRMED).set(unix_seconds(at));
        }
        Event::LateKeys { keys } => counter!(RING_LATE).increment(keys as u64),
    }
}

fn unix_seconds(at: SystemTime) -> f64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64().floor()
}

const fn outcome(worked: bool) -> &'static str {
    if worked { "ok" } else { "error" }
}

#[cfg(test)]
mod tests;
