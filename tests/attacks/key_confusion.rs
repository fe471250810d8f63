//! Key confusion: a state sealed under a key that this service does not accept, or no longer accepts (RFC 9700 section
//! 4.7.1: a state is good only where it can be validated).
//!
//! Without the check, a leaked key keeps making logins after its revocation.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth_state::ring::{KeyRingDocument, RingTiming, RootKey};
use oauth_state::testing::{ManualClock, ring};
use oauth_state::{BeginError, Flow, KeyRing, LiveKeyRing, Login, Provider, SingleProcessGuard};
use std::time::{Duration, UNIX_EPOCH};
use support::shop::{FORMS, NOW, app, code_at_github as code, session};

#[test]
fn a_key_that_the_ring_does_not_hold_opens_nothing() {
    for (form, flow) in FORMS {
        let begun = flow(app(), ring(), &[]).begin(session(), Login::with("github")).unwrap();
        let other = flow(app(), KeyRing::from(RootKey::generate().unwrap()), &[]);
        assert_eq!(code(&other, &begun.state), "unknown_key", "{form}");
    }
}

/// Another ring's key under the id of a known key: the signature or the AEAD refuses what the look-up cannot.
#[test]
fn the_id_of_a_known_key_is_not_the_key() {
    for (form, flow) in FORMS {
        let own = flow(app(), ring(), &[]);
        let begin =
            |flow: &Flow| URL_SAFE_NO_PAD.decode(flow.begin(session(), Login::with("github")).unwrap().state).unwrap();
        let (genuine, mut foreign) =
            (begin(&own), begin(&flow(app(), KeyRing::from(RootKey::generate().unwrap()), &[])));
        foreign[3..7].copy_from_slice(&genuine[3..7]);
        assert_eq!(code(&own, &URL_SAFE_NO_PAD.encode(foreign)), "forged", "{form}");
    }
}

/// PENDING opens and does not seal; RETIRING opens; RETIRED and REVOKED do not.
#[test]
fn a_ring_of_two_keys_hands_over_without_a_refused_login() {
    [false, true].into_iter().for_each(a_ring_of_two_keys_hands_over);
}

fn a_ring_of_two_keys_hands_over(signed: bool) {
    let (old, new) = (RootKey::generate().unwrap(), RootKey::generate().unwrap());
    let document = |revoked: &str| {
        let (old, new) = (old.to_secret_text(), new.to_secret_text());
        format!(
            r#"{{"version":1,"serial":2,"propagation":300,"skew":60,"lifetime_cap":600,"keys":[
            {{"key":"{}","published_at":"2027-01-01T00:00:00Z","seal_from":"2027-01-01T00:00:00Z"}},
            {{"key":"{}","published_at":"2027-01-15T07:00:00Z","seal_from":"2027-01-15T08:00:00Z"}}],
            "revoked":[{revoked}]}}"#,
            old.expose(),
            new.expose()
        )
        .parse::<KeyRing>()
        .unwrap()
    };
    let clock = ManualClock::at(NOW); // 2027-01-15T08:00:00Z
    let build = |ring: KeyRing| {
        let builder = Flow::builder(app(), ring, SingleProcessGuard::with_capacity(10)).clock(clock.clone());
        let builder = builder.provider(Provider::github());
        if signed { builder.build_signed_not_encrypted().unwrap() } else { builder.build().unwrap() }
    };
    let begin = |flow: &Flow| flow.begin(session(), Login::with("github")).unwrap().state;
    let both = build(document(""));
    clock.set(NOW - 1);
    let before = begin(&both);
    clock.set(NOW);
    let after = begin(&both);
    assert_ne!(before[..9], after[..9], "the key id changes with the key");
    for state in [&before, &after] {
        assert_eq!(code(&both, state), "passed");
    }
    // accept_until = 300 + 600 + 2·60 after it was superseded; by then its states have expired anyway.
    clock.set(NOW + 1020);
    assert_eq!(code(&both, &before), "unknown_key");
    clock.set(NOW + 1019);
    assert_eq!(code(&both, &before), "expired");

    clock.set(NOW);
    let revoked = build(document(&format!("\"{}\"", new.id())));
    assert_eq!(code(&revoked, &after), "key_revoked");
    assert_eq!(code(&revoked, &before), "passed");
    let none = revoked.begin(session(), Login::with("github")).unwrap_err();
    assert!(matches!(none, BeginError::NoActiveKey));
}

/// A flow that uses these keys while they change.
fn over(keys: &LiveKeyRing) -> Flow {
    let builder = Flow::builder(app(), keys.clone(), SingleProcessGuard::with_capacity(10));
    builder.provider(Provider::github()).clock(ManualClock::at(NOW)).build().unwrap()
}

/// An operator revokes a leaked key in a document that is refused for a mistake: the attacker's states are still
/// refused.
#[test]
fn a_mistake_in_the_document_does_not_keep_a_leaked_key_in_use() {
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    let document = KeyRingDocument::first(RingTiming::default(), now).unwrap();
    let (leaked, _) = document.ring().roles(now).next().unwrap();
    let text = document.revoke(leaked, now).unwrap().document.to_secret_text().expose().to_owned();
    let list = text.find("\"revoked\"").unwrap();
    let mistaken = |from: &str, to: &str| text.replacen(from, to, 1).into_bytes();
    let (one, other) = text.split_at(list);
    for (mistake, bytes) in [
        ("a comma too many", mistaken(",", ",,")),
        ("a letter in Latin-1", [one.as_bytes(), b"\"note\": \"\xfc\", ", other.as_bytes()].concat()),
        ("UTF-16", text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("a mark that is missing", mistaken("\"revoked\"", "\"revoked")),
        ("single marks", text.replace('"', "'").into_bytes()),
        ("no marks at all", text.replace('"', "").into_bytes()),
        ("no list", text.replace(['[', ']'], "").into_bytes()),
        ("a bracket in a comment", mistaken("[", "[ /* ] */")),
        ("an escaped name", mistaken("\"revoked\":", "\"\\u0072evoked\":,")),
        ("the end is missing", text.as_bytes()[..text.find("osk1").unwrap()].to_vec()),
        ("too long", [text.as_bytes(), &[b'\n'; 100_000]].concat()),
        ("too long, and too long to find the list", [one.as_bytes(), &[b' '; 100_000], other.as_bytes()].concat()),
    ] {
        let keys = LiveKeyRing::from(document.ring().clone());
        let flow = over(&keys);
        let stolen = flow.begin(session(), Login::with("github")).unwrap().state;
        assert_eq!(code(&flow, &stolen), "passed");
        assert!(keys.offer_bytes(&bytes, now).is_err(), "{mistake}");
        assert_eq!(code(&flow, &stolen), "key_revoked", "{mistake}");
    }
}

/// The opposite would be an outage: a broken document that names the sealing key without revoking it.
#[test]
fn a_key_that_a_broken_document_only_names_goes_on() {
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    let document = KeyRingDocument::first(RingTiming::default(), now).unwrap();
    let (active, _) = document.ring().roles(now).next().unwrap();
    for note in [
        format!("{active}"),
        format!("revoked: {active}"),
        format!("the one before leaked, revoked: [{active}]"),
        format!("\", \"revoked\": [\"{active}\"]"),
    ] {
        let noted = document.clone().with_note(active, &note).unwrap().to_secret_text();
        let noted = noted.expose();
        let (before, after) = noted.split_at(noted.find("\"keys\"").unwrap());
        for bytes in [
            noted.replacen("[]", "[,]", 1).into_bytes(),
            noted.replacen("[],", "[],,", 1).into_bytes(),
            noted.replacen("[]", "", 1).into_bytes(),
            [before.as_bytes(), b"\xfc", after.as_bytes()].concat(),
            noted.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        ] {
            let keys = LiveKeyRing::from(document.ring().clone());
            let flow = over(&keys);
            let state = flow.begin(session(), Login::with("github")).unwrap().state;
            assert!(keys.offer_bytes(&bytes, now).is_err());
            assert_eq!(code(&flow, &state), "passed", "{note}");
        }
    }
}
