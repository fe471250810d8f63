use super::*;
use std::time::Duration;

use crate::binding::Binding;
use crate::claims::ReturnTo;

use crate::flow::{Flow, Login};
use crate::guard::SingleProcessGuard;
use crate::payload::HandleKind;
use crate::provider::Provider;
use crate::ring::key::RootKey;
use crate::ring::source::document::{KeyRingDocument, RingTiming};

const ACCEPTED: &[Purpose] = &[Purpose::Login];
const HOUR: Duration = Duration::from_secs(3_600);

fn app() -> App {
    App::new("shop", "production").unwrap()
}

fn document() -> KeyRingDocument {
    KeyRingDocument::first(RingTiming::default(), SystemTime::now()).unwrap()
}

/// A login that is under way, for a purpose.
fn state(ring: &KeyRing, purpose: Purpose) -> String {
    let flow = Flow::builder(app(), ring.clone(), SingleProcessGuard::with_capacity(1))
        .purpose(purpose)
        .provider(Provider::github())
        .carrying::<[u8; 2]>()
        .build()
        .unwrap();
    let binding = Binding::session(&[7; 16]).unwrap().for_user(b"user-42").unwrap().dangerously_assume_same_origin();
    let login = Login::with("github").purpose(purpose).return_to("/home".parse::<ReturnTo>().unwrap()).data([4, 2]);
    flow.begin(binding, login).unwrap().state
}

fn inspect(ring: &KeyRing, state: &str, now: SystemTime) -> Inspection {
    ring.inspect(state, &app(), ACCEPTED, now).unwrap()
}

fn code(inspection: &Inspection) -> Option<&'static str> {
    inspection.refused.as_ref().map(FinishError::code)
}

#[test]
fn a_state_that_is_under_way_tells_everything_and_is_not_refused() {
    let document = document();
    let state = state(document.ring(), Purpose::Login);
    let told = inspect(document.ring(), &state, SystemTime::now());
    let contents = told.contents.as_ref().unwrap();
    assert_eq!(code(&told), None);
    assert_eq!(contents.origin.return_to.as_ref().map(ReturnTo::as_str), Some("/home"));
    assert_eq!(
        (contents.bound_by, contents.has_user, contents.data.as_slice()),
        (BoundBy::Session, true, &b"[4,2]"[..])
    );
    assert_eq!(contents.expires_at.duration_since(contents.origin.issued_at).unwrap().as_secs() % 60, 0);
    assert!(!format!("{told:?}").contains("[4,2]") && !format!("{told:?}").contains("52, 44, 50"), "{told:?}");
}

#[test]
fn each_refusal_that_needs_no_callback_is_the_callback_s_own() {
    let (document, now) = (document(), SystemTime::now());
    let ring = document.ring();
    let (login, link) = (state(ring, Purpose::Login), state(ring, Purpose::Link));
    assert_eq!(code(&inspect(ring, &login, now + HOUR + HOUR)), Some("expired"));
    assert_eq!(code(&inspect(ring, &login, now - HOUR)), Some("issued_in_future"));
    assert_eq!(code(&inspect(ring, &link, now)), Some("wrong_purpose"));
    assert_eq!(inspect(ring, &link, now).sealed_by.unwrap().purpose, Purpose::Link);
    assert_eq!(code(&inspect(&KeyRing::from(RootKey::generate().unwrap()), &login, now)), Some("unknown_key"));
    assert_eq!(code(&inspect(ring, &login[..50], now)), Some("malformed"));
    assert_eq!(code(&inspect(ring, &"A".repeat(3_000), now)), Some("too_long"));

    let last = if login.ends_with('A') { "B" } else { "A" };
    let middle = format!("{}{last}{}", &login[..60], &login[61..]);
    let forged = inspect(ring, &middle, now);
    assert_eq!((code(&forged), forged.contents.is_none(), forged.sealed_by.is_some()), (Some("forged"), true, true));
}

#[test]
fn a_revoked_and_a_retired_key_still_tell_what_they_sealed() {
    let (document, now) = (document(), SystemTime::now());
    let state = state(document.ring(), Purpose::Login);
    let id = document.ring().roles(now).next().unwrap().0;

    let revoked = document.revoke(id, now).unwrap().document;
    let told = inspect(revoked.ring(), &state, now);
    assert_eq!((code(&told), told.sealed_by.unwrap().role), (Some("key_revoked"), KeyRole::Revoked));
    assert_eq!(told.contents.unwrap().origin.provider, "github");

    let rotated = document.rotate(now).unwrap().document;
    let told = inspect(rotated.ring(), &state, now + 24 * HOUR);
    assert_eq!((code(&told), told.sealed_by.unwrap().role), (Some("unknown_key"), KeyRole::Retired));
    assert!(told.contents.is_some());
}

#[test]
fn another_application_and_a_name_that_is_none_are_told_apart() {
    let document = document();
    let state = state(document.ring(), Purpose::Login);
    let other = App::new("shop", "staging").unwrap();
    let told = document.ring().inspect(&state, &other, ACCEPTED, SystemTime::now()).unwrap();
    assert!(told.sealed_by.is_none() && code(&told) == Some("unknown_key"));
    let refused = document.ring().inspect(&state, &app(), &[Purpose::Custom("A B")], SystemTime::now());
    assert!(matches!(refused, Err(ConfigError::Name(_))));
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text: String) {
        let ring = KeyRing::from(RootKey::generate().unwrap());
        let _ = inspect(&ring, &text, SystemTime::now());
        let _ = inspect(&ring, &format!("ost1{text}"), SystemTime::now());
        let _ = inspect(&ring, &format!("oss1{text}"), SystemTime::now());
        let _ = UnverifiedClaims::read(&format!("oss1{text}"));
    }
}

fn signed_state(ring: &KeyRing) -> String {
    let flow = Flow::builder(app(), ring.clone(), SingleProcessGuard::with_capacity(1))
        .provider(Provider::github().named_redirect_uri("web", "https://shop.example/cb"))
        .build_signed_not_encrypted()
        .unwrap();
    let login = Login::with("github").tenant([9; 16]).redirect("web").return_to("/home".parse::<ReturnTo>().unwrap());
    flow.begin(Binding::session(&[7; 16]).unwrap().for_user(b"user-42").unwrap(), login).unwrap().state
}

/// Claims that are read without a key must equal those of a callback, and must not look verified.
#[test]
fn a_signed_state_tells_the_same_with_the_keys_and_without() {
    let document = document();
    let state = signed_state(document.ring());
    let (told, claims) = (inspect(document.ring(), &state, SystemTime::now()), UnverifiedClaims::read(&state).unwrap());
    assert_eq!((code(&told), told.form.unwrap().prefix()), (None, "oss1"));
    let contents = told.contents.unwrap();
    let Origin { provider, tenant, redirect, return_to, restarts, issued_at, .. } = contents.origin;
    assert_eq!((claims.provider, claims.redirect), (provider, redirect));
    assert_eq!(claims.tenant, tenant.map(|tenant| tenant.as_bytes().to_vec()));
    assert_eq!(claims.return_to, return_to.map(|path| path.as_str().to_owned()));
    assert_eq!((claims.restarts, claims.issued_at, claims.expires_at), (restarts, issued_at, contents.expires_at));
    assert_eq!((claims.bound_by, claims.has_user, claims.data), (BoundBy::Session, true, contents.data));
    let shown = format!("{:?}", UnverifiedClaims::read(&state).unwrap());
    assert!(shown.contains("Unverified") && !shown.contains("/home"), "{shown}");
}

/// An attacker's text can be read, but nothing accepts it.
#[test]
fn an_unsigned_text_is_readable_but_stays_unverified() {
    let (document, now) = (document(), SystemTime::now());
    let signed = signed_state(document.ring());
    let mut buffer = [0; LONGEST_BYTES];
    let bytes = crate::base64url::decode_into(signed.as_bytes(), &mut buffer).unwrap();
    let from = bytes.windows(5).position(|part| part == b"/home").unwrap();
    let forged = crate::base64url::encode([&bytes[..from], b"//evi", &bytes[from + 5..]].concat());
    assert_eq!(UnverifiedClaims::read(&forged).unwrap().return_to.as_deref(), Some("//evi"));
    let told = inspect(document.ring(), &forged, now);
    assert_eq!((code(&told), told.contents.is_none()), (Some("forged"), true));
    for other in [state(document.ring(), Purpose::Login), "oss1".to_owned(), signed[..90].to_owned()] {
        assert!(UnverifiedClaims::read(&other).is_none(), "{other}");
    }
}

/// Reads provider and path by hand, as the page on the wire format explains it to readers without a key.
#[test]
fn provider_and_path_are_where_the_page_says() {
    let document = document();
    for signed_in in [false, true] {
        let builder = Flow::builder(app(), document.ring().clone(), SingleProcessGuard::with_capacity(1));
        let flow = builder.provider(Provider::github()).build_signed_not_encrypted().unwrap();
        let session = Binding::session(&[7; 16]).unwrap();
        let binding = if signed_in { session.for_user(b"user-42").unwrap() } else { session };
        let login = Login::with("github").tenant([9; 16]).return_to("/home".parse::<ReturnTo>().unwrap());
        let state = flow.begin(binding, login).unwrap().state;
        let mut buffer = [0; LONGEST_BYTES];
        let bytes = crate::base64url::decode_into(state.as_bytes(), &mut buffer).unwrap();
        assert_eq!(bytes[38] & 1 == 1, signed_in);
        let mut rest = &bytes[if signed_in { 71 } else { 55 }..];
        let mut field = || {
            let (field, after) = rest[1..].split_at(rest[0].into());
            rest = after;
            field
        };
        assert_eq!([field(), field(), field(), field()], [&b"github"[..], &[9; 16], b"", b"/home"]);
    }
}

/// Support must see the problem of a handle as well as that of a state.
#[test]
fn a_handle_opens_like_a_state() {
    let app = App::new("shop", "test").unwrap();
    let session = Binding::session(&[7; 16]).unwrap();
    let guard = SingleProcessGuard::with_capacity(1);
    let builder = Flow::builder(app.clone(), crate::testing::ring(), guard).provider(Provider::github());
    let begun = builder.build_handles(HandleKind::MEMORY).unwrap().begin(session, Login::with("github")).unwrap();
    let inspection = crate::testing::ring().inspect(&begun.state, &app, &[Purpose::Login], SystemTime::now()).unwrap();
    assert_eq!(inspection.form.unwrap().prefix(), "osm1");
    assert_eq!(inspection.contents.unwrap().origin.provider, "github");
    assert!(inspection.refused.is_none());
}
