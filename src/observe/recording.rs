//! The metrics of [`super::table`], recorded from events.

use std::sync::OnceLock;
use std::time::UNIX_EPOCH;

use metrics::{Counter, Histogram, counter, gauge, histogram};

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
    start_codes: &'static [&'static str],
    codes: Vec<&'static str>,
    first: Histogram,
    already_used: Histogram,
    error: Histogram,
    /// By kind.
    errors: ByCode,
}

type ByCode = Vec<(&'static str, Counter)>;

struct ProviderHandles {
    id: String,
    /// By the word of the binding.
    issued: ByCode,
    starts_refused: ByCode,
    ok: Counter,
    provider_refused: Counter,
    refused: ByCode,
    durations: Vec<(&'static str, Histogram)>,
    iss_ignored: Counter,
}

fn count(counters: &ByCode, code: &str, by: u64) {
    counters.iter().find(|(known, _)| *known == code).inspect(|(_, counter)| counter.increment(by));
}

impl ProviderHandles {
    fn new(id: &str, start_codes: &[&'static str], codes: &[&'static str]) -> Self {
        let callbacks = |code: &'static str| counter!(CALLBACKS, "provider" => id.to_owned(), "code" => code);
        let start = |code: &'static str| counter!(BEGINS_REFUSED, "provider" => id.to_owned(), "code" => code);
        let issued = |word: &'static str| counter!(STATES_ISSUED, "provider" => id.to_owned(), "binding" => word);
        let duration = |word: &'static str| histogram!(FLOW_DURATION, "provider" => id.to_owned(), "binding" => word);
        let bindings = BindingKind::ALL.map(BindingKind::word);
        Self {
            id: id.to_owned(),
            issued: bindings.map(|word| (word, issued(word))).into(),
            starts_refused: start_codes.iter().map(|&code| (code, start(code))).collect(),
            ok: callbacks("ok"),
            provider_refused: callbacks("provider_refused"),
            refused: codes.iter().map(|&code| (code, callbacks(code))).collect(),
            durations: bindings.map(|word| (word, duration(word))).into(),
            iss_ignored: counter!(ISS_IGNORED, "provider" => id.to_owned()),
        }
    }
}

impl FlowHandles {
    pub(super) fn new<'p>(
        providers: impl Iterator<Item = &'p str>,
        start_codes: &'static [&'static str],
        codes: &[&'static str],
    ) -> Self {
        let guard = |outcome: &'static str| histogram!(GUARD_DURATION, "outcome" => outcome);
        Self {
            providers: providers.chain([UNKNOWN]).map(|id| ProviderHandles::new(id, start_codes, codes)).collect(),
            connections: OnceLock::new(),
            start_codes,
            codes: codes.to_vec(),
            first: guard("first"),
            already_used: guard("already_used"),
            error: guard("error"),
            errors: ["unavailable", "overloaded", "outcome_unknown", "full", "misconfigured"]
                .map(|kind| (kind, counter!(GUARD_ERRORS, "kind" => kind)))
                .into(),
        }
    }

    fn of(&self, provider: Option<&str>) -> Option<&ProviderHandles> {
        if provider == Some(CONNECTION) {
            return Some(
                self.connections.get_or_init(|| ProviderHandles::new(CONNECTION, self.start_codes, &self.codes)),
            );
        }
        self.providers.iter().find(|known| Some(&*known.id) == provider).or(self.providers.last())
    }
}

/// Records an event. Login events need the handles of their flow, except for a callback that no flow received.
pub(super) fn record(flow: Option<&FlowHandles>, event: &Event<'_>, by: u64) {
    let of = |provider| flow.and_then(|flow| flow.of(provider));
    match *event {
        Event::Started { provider, binding } => {
            of(Some(provider)).inspect(|of| count(&of.issued, binding, by));
        }
        Event::StartRefused(Refusal { provider, code, .. }) => {
            of(provider).inspect(|of| count(&of.starts_refused, code, by));
        }
        Event::Refused(Refusal { provider, code, .. }) => match of(provider) {
            Some(of) => count(&of.refused, code, by),
            None => counter!(CALLBACKS, "provider" => UNKNOWN, "code" => code).increment(by),
        },
        Event::Finished { provider, outcome, binding, age } => {
            let Some(of) = of(Some(provider)) else { return };
            if outcome == "ok" {
                of.ok.increment(by);
                of.durations.iter().find(|(word, _)| *word == binding).inspect(|(_, duration)| duration.record(age));
            } else {
                of.provider_refused.increment(by);
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
        Event::StoreAnswered { operation, worked, took } => {
            histogram!(STORE_DURATION, "operation" => operation, "outcome" => outcome(worked)).record(took);
        }
        Event::FailedOpen => counter!(FAILED_OPEN).increment(by),
        Event::KnownUsed { hit: true } => counter!(KNOWN_USED, "result" => "hit").increment(by),
        Event::KnownUsed { hit: false } => counter!(KNOWN_USED, "result" => "miss").increment(by),
        Event::MarksPurged { marks: 0, .. } => {}
        Event::MarksPurged { guard, marks } => counter!(MARKS_PURGED, "guard" => guard).increment(marks),
        Event::MarksHeld { guard, marks, capacity } => {
            gauge!(MARKS_HELD, "guard" => guard).set(marks as f64);
            gauge!(GUARD_CAPACITY, "guard" => guard).set(capacity as f64);
        }
        Event::UnknownKey => counter!(UNKNOWN_KEYS).increment(by),
        Event::SourceAnswered { worked, took } => {
            histogram!(SOURCE_DURATION, "outcome" => outcome(worked)).record(took);
        }
        Event::RingRefreshed { outcome } => counter!(RING_REFRESHES, "outcome" => outcome).increment(by),
        Event::RingInUse { serial, propagation, keys } => {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a serial beyond 2^53 would lose its last digits in a picture"
            )]
            gauge!(RING_SERIAL).set(serial as f64);
            gauge!(RING_PROPAGATION).set(propagation);
            for from_zero in [RING_LATE, UNKNOWN_KEYS] {
                counter!(from_zero).increment(0);
            }
            for (role, keys) in keys {
                gauge!(RING_KEYS, "role" => role).set(u32::try_from(keys).unwrap_or(u32::MAX));
            }
        }
        Event::RingConfirmed { at } => {
            gauge!(RING_CONFIRMED).set(at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64().floor());
        }
        Event::LateKeys { keys } => counter!(RING_LATE).increment(keys as u64),
    }
}

const fn outcome(worked: bool) -> &'static str {
    if worked { "ok" } else { "error" }
}
