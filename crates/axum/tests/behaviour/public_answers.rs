//! An attacker who learns from a response which check refused the callback can try the next one. These tests compare
//! every refusal that a browser sees, byte for byte except for the login's reference.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::ResponseError;
use actix_web::body::MessageBody;
use axum::response::IntoResponse;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use oauth_state::error::FinishErrorKind;
use oauth_state::ring::RootKey;
use oauth_state::testing::ManualClock;
use oauth_state::{Flow, KeyRing, Login, Provider, ReturnTo, SingleProcessGuard};
use support::bench::shapes::forged;
use support::shop::{NOW, app, block_on, session};
use support::{late_refusals, refusals};

use crate::routes::{Visitor, server};

/// A status, headers by name, and a body.
type Seen = (u16, Vec<(String, String)>, String);

/// The titles of the pages, with their codes. The first page is for everything that needs no authentic state, and for
/// everything that says more about a state than its bearer should learn.
const PAGES: [(&str, &[&str]); 8] = [
    (
        "Not signed in",
        &[
            "missing_state",
            "duplicate_parameter",
            "code_and_error",
            "code_missing",
            "too_long",
            "malformed",
            "unknown_key",
            "key_revoked",
            "forged",
            "issued_in_future",
            "wrong_purpose",
            "wrong_provider",
            "connection_changed",
            "connection_gone",
            "wrong_tenant",
            "wrong_redirect",
            "wrong_response_mode",
            "other_user",
            "issuer_missing",
            "issuer_mismatch",
            "data",
        ],
    ),
    ("This sign-in took too long", &["expired"]),
    ("This sign-in was already completed", &["already_used"]),
    ("This sign-in was started elsewhere", &["other_browser", "other_session", "other_client"]),
    ("Your browser did not send our cookie", &["cookie_missing"]),
    ("We cannot sign you in right now", &["guard_unavailable", "guard_full"]),
    ("We cannot tell whether this worked", &["guard_outcome_unknown", "store_unavailable"]),
    ("This sign-in was lost", &["not_stored"]),
];

/// These two have their own responses, without a refusal page: half of a callback, and no callback.
const NO_PAGE: [&str; 2] = ["repost_needed", "not_consumed"];

/// Only the routes use this code, when an application's hook fails: `hooks.rs` tests its page.
const ROUTES_ALONE: [&str; 1] = ["hook_failed"];

/// The differences in `Retry-After` between codes of one page.
const RETRY_AFTER: [(&str, &str); 2] = [("guard_unavailable", "2"), ("guard_full", "30")];

fn seen(status: u16, headers: &HeaderMap, body: &str) -> Seen {
    let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    (status, headers.collect::<BTreeSet<_>>().into_iter().collect(), without_reference(body))
}

/// A response without the login's reference, which says nothing about the reason: it depends on the state's text alone.
pub fn without_reference(body: &str) -> String {
    let Some((before, rest)) = body.split_once("Reference: ") else { return body.to_owned() };
    let (reference, after) = rest.split_at("7K2P-9Q".len());
    let is_one = |(place, byte): (usize, char)| if place == 4 { byte == '-' } else { byte.is_ascii_alphanumeric() };
    assert!(reference.chars().enumerate().all(is_one) && !after.contains("Reference"), "{body}");
    format!("{before}{after}")
}

/// Removes `Retry-After` and checks it.
fn without_retry_after(code: &str, (status, mut headers, body): Seen) -> Seen {
    let expected = RETRY_AFTER.iter().find(|(known, _)| *known == code).map(|(_, seconds)| *seconds);
    let found = headers.iter().position(|(name, _)| name == "retry-after").map(|place| headers.remove(place).1);
    assert_eq!(found.as_deref(), expected, "{code}");
    (status, headers, body)
}

/// Each kind of refusal, produced by a real request.
fn all() -> Vec<(&'static str, refusals::Refuse)> {
    let all: Vec<_> = refusals::all().into_iter().chain(late_refusals::all()).collect();
    let codes: BTreeSet<&str> = all.iter().map(|(code, _)| *code).chain(ROUTES_ALONE).collect();
    let known: BTreeSet<&str> = FinishErrorKind::ALL.iter().map(|kind| kind.code()).collect();
    assert_eq!(codes, known, "a code is missing here, or does not exist");
    assert!(known.contains("forged"));
    all
}

/// A forged state, a state of an unknown key and a text that is no state must look alike, and so must all mismatches of
/// an authentic state. Every other response is one of the few pages above.
#[test]
fn every_refusal_has_one_of_few_pages_and_those_of_one_page_are_the_same_to_the_byte() {
    let again = "/auth/github".parse::<ReturnTo>().unwrap();
    let mut pages: BTreeMap<Seen, BTreeSet<&str>> = BTreeMap::new();
    for (code, refuse) in all().into_iter().filter(|(code, _)| !NO_PAGE.contains(code)) {
        let error = refuse();
        assert_eq!(error.code(), code);
        let page = error.to_page(&again);
        let page = seen(page.status().as_u16(), page.headers(), page.body());
        assert!(!page.2.contains(code), "{code} appears in its page");
        pages.entry(without_retry_after(code, page)).or_default().insert(code);
    }
    let found: BTreeSet<_> =
        pages.into_iter().map(|((status, _, body), codes)| (status, title(&body).to_owned(), codes)).collect();
    let expected = PAGES.iter().map(|(title, codes)| {
        let in_trouble = codes.iter().any(|code| code.starts_with("guard") || code.starts_with("store"));
        (if in_trouble { 503 } else { 400 }, (*title).to_owned(), codes.iter().copied().collect())
    });
    assert_eq!(found, expected.collect());
}

fn title(page: &str) -> &str {
    page.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0
}

/// Without pages, one text for all: only the status and `Retry-After` differ.
#[test]
fn the_answers_without_a_page_are_the_same_to_the_byte_in_every_framework() {
    let mut answers: BTreeMap<Seen, Vec<&str>> = BTreeMap::new();
    for (code, refuse) in all().into_iter().filter(|(code, _)| *code != "repost_needed") {
        let plain = refuse().to_response();
        let plain = seen(plain.status().as_u16(), plain.headers(), plain.body());
        let through_axum = block_on(async {
            let (parts, body) = oauth_state_axum::Rejected(refuse()).into_response().into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            seen(parts.status.as_u16(), &parts.headers, std::str::from_utf8(&body).unwrap())
        });
        let actix = oauth_state_actix::Rejected(refuse()).error_response();
        let headers =
            actix.headers().iter().map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()));
        let headers = headers.collect::<BTreeSet<_>>().into_iter().collect();
        let status = actix.status().as_u16();
        let body = actix.into_body().try_into_bytes().unwrap_or_else(|_| panic!("{code}: a body that is a stream"));
        let through_actix = (status, headers, without_reference(std::str::from_utf8(&body).unwrap()));
        assert_eq!(plain, through_axum, "{code}");
        assert_eq!(plain, through_actix, "{code}");
        answers.entry(without_retry_after(code, plain)).or_default().push(code);
    }
    let texts: BTreeSet<&str> = answers.keys().map(|(_, _, body)| body.as_str()).collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
    let in_trouble = ["guard_full", "guard_outcome_unknown", "guard_unavailable", "not_consumed", "store_unavailable"];
    assert_eq!(answers.keys().map(|(status, ..)| *status).collect::<Vec<_>>(), [400, 503]);
    let mut unavailable = answers.into_values().next_back().unwrap();
    unavailable.sort_unstable();
    assert_eq!(unavailable, in_trouble);
}

/// The same through the router, where a cookie, a redirect or a header could tell a forged state from a made-up one.
#[test]
fn through_the_router_what_was_not_sealed_here_gets_one_answer() {
    let server = server();
    let elsewhere =
        Flow::builder(app(), KeyRing::from(RootKey::generate().unwrap()), SingleProcessGuard::with_capacity(10));
    let elsewhere = elsewhere.clock(ManualClock::at(NOW)).provider(Provider::github()).build().unwrap();
    let of_another_key = elsewhere.begin(session(), Login::with("github")).unwrap().state;
    let genuine = Visitor::default().get(&server, "/auth/github").state();
    let in_place_of_the_key_id = |state: &str| format!("{}AAAAAA{}", &state[..4], &state[10..]);
    let queries = [
        ("missing_state", "code=c".to_owned()),
        ("duplicate_parameter", format!("state={genuine}&state={genuine}&code=c")),
        ("code_and_error", format!("state={genuine}&error=access_denied&code=c")),
        ("too_long", format!("state={}&code=c", "A".repeat(3_000))),
        ("malformed", "state=ost1&code=c".to_owned()),
        ("malformed", format!("state={genuine}A&code=c")),
        ("unknown_key", format!("state={of_another_key}&code=c")),
        ("unknown_key", format!("state={}&code=c", in_place_of_the_key_id(&genuine))),
        ("forged", format!("state={}&code=c", forged(&genuine))),
    ];
    let mut answers = BTreeSet::new();
    for (code, query) in &queries {
        // With and without the cookie of a login in progress.
        for begins in [false, true] {
            let mut visitor = Visitor::default();
            if begins {
                let _ = visitor.get(&server, "/auth/github");
            }
            let answer = visitor.send(&server, Request::get(format!("/auth/github/callback?{query}")), "");
            assert_eq!(server.told.lock().unwrap().last().map(String::as_str), Some(*code), "{query}");
            answers.insert(seen(answer.status.as_u16(), &answer.headers, &answer.text));
        }
    }
    assert_eq!(answers.len(), 1, "{answers:#?}");
    assert_eq!(server.guard.calls(), 0);
}
