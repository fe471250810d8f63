//! The time of each refusal compared with a callback that passes, in classes: the refusals of one class come after the
//! same work.

use serde_json::{Value, json};
use support::bench::rounds::{Contender, Measured, compare};
use support::bench::shapes::{Service, Shape};

use crate::Amounts;

/// The codes by the last check before the refusal; `docs/side-channels.md` says who can distinguish them.
pub const CLASSES: [(&str, &[&str]); 6] = [
    (
        "the form of the request",
        &["missing_state", "duplicate_parameter", "code_and_error", "too_long", "malformed", "not_consumed"],
    ),
    ("the key id", &["unknown_key", "key_revoked", "wrong_purpose"]),
    ("the authentication tag", &["forged"]),
    (
        "the state's contents",
        &[
            "issued_in_future",
            "wrong_provider",
            "connection_changed",
            "connection_gone",
            "wrong_tenant",
            "wrong_redirect",
            "code_missing",
            "wrong_response_mode",
        ],
    ),
    (
        "the binding and later checks",
        &[
            "expired",
            "cookie_missing",
            "other_browser",
            "other_session",
            "other_client",
            "other_user",
            "issuer_missing",
            "issuer_mismatch",
            "data",
            "repost_needed",
        ],
    ),
    (
        "the guard and the store, without their own time",
        &[
            "already_used",
            "guard_unavailable",
            "guard_outcome_unknown",
            "guard_full",
            "not_stored",
            "store_unavailable",
        ],
    ),
];

pub fn measure(amounts: Amounts) -> Value {
    let service = Service::new();
    let waiting = service.callback(Shape::Usual, service.begin(Shape::Usual));
    let refusals: Vec<_> = support::refusals::all().into_iter().chain(support::late_refusals::all()).collect();
    let mut contenders = vec![Contender::new("passes", || service.finish(&waiting).unwrap())];
    for (code, refuse) in &refusals {
        assert_eq!(refuse().code(), *code);
        contenders.push(Contender::new(*code, refuse));
    }
    let measured = compare(amounts.rounds, contenders);
    let of = |code: &str| -> &Measured {
        measured.iter().find(|row| row.name == code).unwrap_or_else(|| panic!("{code} is not measured"))
    };
    assert_eq!(refusals.len(), CLASSES.iter().map(|(_, codes)| codes.len()).sum::<usize>(), "a code is in no class");
    let classes = CLASSES.iter().map(|(name, codes)| {
        let rows: Vec<_> = codes.iter().map(|code| of(code)).collect();
        for row in &rows {
            println!("{:>6.3} of a callback that passes ({:.0} ns)  {}", row.ratio, row.nanoseconds, row.name);
        }
        json!({ "after": name, "codes": rows })
    });
    classes.collect()
}
