//! Form confusion (RFC 8725 section 3.1, the attacks on `alg`): a state claims another form, so that another
//! construction or another key opens it.
//!
//! A flow accepts only the form that it was built for. Otherwise an attacker could present signed states where
//! encrypted ones are expected, and a service built to encrypt would trust readable texts. If the forms shared a key,
//! data revealed by one could forge the other.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth_state::testing::{ManualClock, ring};
use oauth_state::{Binding, Expect, Flow, FlowBuilder, Login, Provider, SingleProcessGuard};
use oauth_state_store::{MemoryPayloadStore, Migration, StateStore, StoredFlow};
use support::shop::{Shop, callback, outcome, session, shop, signed_shop};

/// `ost1` and `oss1`.
const ENCRYPTED: [u8; 3] = [0xa2, 0xcb, 0x75];
const SIGNED: [u8; 3] = [0xa2, 0xcb, 0x35];

fn begun(shop: &Shop) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(shop.flow.begin(session(), Login::with("github")).unwrap().state).unwrap()
}

fn code(shop: &Shop, bytes: &[u8]) -> &'static str {
    let state = URL_SAFE_NO_PAD.encode(bytes);
    let code = outcome(shop.flow.check(session(), Expect::provider("github"), callback(&state)));
    assert_eq!(shop.guard.calls(), 0);
    code
}

/// The same keys, the same browser, and a genuine state: only the form differs.
#[test]
fn a_flow_takes_the_one_form_that_it_was_built_for() {
    let (encrypted, signed) = (shop(), signed_shop());
    for (one, other) in [(&encrypted, &signed), (&signed, &encrypted)] {
        let state = one.flow.begin(session(), Login::with("github")).unwrap().state;
        let refused = other.flow.check(session(), Expect::provider("github"), callback(&state)).unwrap_err();
        assert_eq!(refused.code(), "malformed");
        assert!(refused.diagnosis().contains("signed"), "{}", refused.diagnosis());
        assert!(refused.restart().is_none(), "nothing in it is trusted");
        assert_eq!(other.guard.calls(), 0);
        assert_eq!(outcome(one.flow.check(session(), Expect::provider("github"), callback(&state))), "passed");
    }
}

/// An encrypted body under the signed magic, and the reverse, with a tag of either length.
#[test]
fn a_state_under_the_magic_of_the_other_form_is_refused_by_both() {
    let (encrypted, signed) = (shop(), signed_shop());
    for (from, magic) in [(&encrypted, SIGNED), (&signed, ENCRYPTED)] {
        let genuine = begun(from);
        let relabelled = [&magic[..], &genuine[3..]].concat();
        let longer = [&relabelled[..], &[0; 16]].concat();
        let shorter = &relabelled[..relabelled.len() - 16];
        for bytes in [&relabelled, &longer, shorter] {
            let expected = if magic == SIGNED { ["malformed", "forged"] } else { ["forged", "malformed"] };
            assert_eq!([code(&encrypted, bytes), code(&signed, bytes)], expected);
        }
    }
}

/// The readable parts of a signed state in place of encrypted parts, and the reverse.
#[test]
fn parts_of_a_state_of_one_form_do_not_make_one_of_the_other() {
    let (encrypted, signed) = (shop(), signed_shop());
    let (hidden, open) = (begun(&encrypted), begun(&signed));
    let (hidden_text, open_text) = (&hidden[31..hidden.len() - 16], &open[31..open.len() - 32]);
    assert_eq!(hidden_text.len(), open_text.len());
    for bytes in [
        [&hidden[..31], open_text, &hidden[hidden.len() - 16..]].concat(),
        [&hidden[..31], open_text, &open[open.len() - 32..]].concat(),
        [&hidden[..31], open_text, &open[open.len() - 32..open.len() - 16]].concat(),
    ] {
        assert_eq!(code(&encrypted, &bytes), "forged");
    }
    for bytes in [
        [&open[..31], hidden_text, &open[open.len() - 32..]].concat(),
        [&open[..31], open_text, &hidden[hidden.len() - 16..], &hidden[hidden.len() - 16..]].concat(),
    ] {
        assert_eq!(code(&signed, &bytes), "forged");
    }
}

/// Downgrade: a service that moves between the forms routes by the text, and never tries a refused state on the other
/// side.
#[test]
fn a_migration_between_the_forms_tries_no_state_on_the_other_side() {
    let builder = || -> FlowBuilder<()> {
        let guard = SingleProcessGuard::with_capacity(10);
        let builder = Flow::builder(support::shop::app(), ring(), guard).clock(ManualClock::at(support::shop::NOW));
        builder.provider(Provider::github())
    };
    let (old, new) = (builder().build().unwrap(), builder().build_signed_not_encrypted().unwrap());
    let logins = Migration::new(old, new).unwrap();
    let consume = |state: &str, binding| {
        let consumed = support::shop::block_on(logins.consume(binding, Expect::provider("github"), callback(state)));
        consumed.map_or_else(|error| error.code(), |_| "passed")
    };
    for (percent, form) in [(0, "ost1"), (100, "oss1")] {
        logins.set_percent(percent).unwrap();
        let state = support::shop::block_on(logins.issue(session(), Login::with("github"))).unwrap().state;
        assert!(state.starts_with(form));
        let other = if form == "ost1" { "oss1" } else { "ost1" };
        assert_eq!(consume(&format!("{other}{}", &state[4..]), session()), "forged");
        assert_eq!(consume(&state, Binding::session(&[8; 16]).unwrap()), "other_session");
        assert_eq!(consume(&state, session()), "passed");
        assert_eq!(consume(&state, session()), "already_used");
    }
}

/// A handle leads to a user's row: it stays encrypted, and no signed state is accepted as one.
#[test]
fn a_signed_state_is_no_handle() {
    let builder = Flow::builder(support::shop::app(), ring(), SingleProcessGuard::with_capacity(10));
    let builder = builder.clock(ManualClock::at(support::shop::NOW)).provider(Provider::github());
    let stored = StoredFlow::new(builder, MemoryPayloadStore::with_capacity(10)).unwrap();
    let signed = signed_shop();
    let state = signed.flow.begin(session(), Login::with("github")).unwrap().state;
    assert!(!StateStore::owns(&stored, &state));
    for form in ["oss1", "osm1"] {
        let state = format!("{form}{}", &state[4..]);
        let finished = support::shop::block_on(stored.finish(session(), Expect::provider("github"), callback(&state)));
        assert_eq!(outcome(finished), if form == "osm1" { "forged" } else { "malformed" });
    }
    let handle = support::shop::block_on(stored.begin(session(), Login::with("github"))).unwrap().state;
    let relabelled = format!("oss1{}", &handle[4..]);
    assert_eq!(outcome(signed.flow.check(session(), Expect::provider("github"), callback(&relabelled))), "forged");
    assert_eq!(signed.guard.calls(), 0);
}
