//! A state of another purpose (RFC 8725 section 2.8, CVE-2023-48309): a login's state at the callback that links
//! identities.
//!
//! Without the purpose in the key derivation, and without the comparison at a callback that accepts one purpose, the
//! attacker starts an ordinary login, and the victim finishes it as a link: the attacker's identity then opens the
//! victim's account.

use oauth_state::testing::ring;
use oauth_state::{BeginError, Expect, Login, Purpose};
use support::shop::{FORMS, MakeFlow, app, callback, code_at_github as code, session};

#[test]
fn a_state_of_another_purpose_is_refused_by_name() {
    FORMS.into_iter().for_each(|(_, flow)| a_state_of_another_purpose_is_refused_by_name_in(flow));
}

fn a_state_of_another_purpose_is_refused_by_name_in(flow: MakeFlow) {
    let login = flow(app(), ring(), &[Purpose::Login]);
    let custom = flow(app(), ring(), &[Purpose::Custom("login")]);
    let link = flow(app(), ring(), &[Purpose::Link]);
    let both = flow(app(), ring(), &[Purpose::Login, Purpose::Link]);
    let state = login.begin(session(), Login::with("github")).unwrap().state;
    assert_eq!(code(&link, &state), "wrong_purpose");
    assert_eq!(code(&custom, &state), "wrong_purpose");
    assert_eq!(code(&both, &state), "passed");
    let narrowed =
        both.check(session(), Expect::provider("github").purpose(Purpose::Link), callback(&state)).unwrap_err();
    assert_eq!(narrowed.code(), "wrong_purpose");
    let state = custom.begin(session(), Login::with("github")).unwrap().state;
    assert_eq!(code(&login, &state), "unknown_key");

    let user = || session().for_user(b"ann").unwrap().dangerously_assume_same_origin();
    let state = link.begin(user(), Login::with("github")).unwrap().state;
    assert_eq!(code(&login, &state), "wrong_purpose");
    // A callback without a purpose accepts only logins.
    let unnamed = both.check(user(), Expect::provider("github"), callback(&state)).unwrap_err();
    assert_eq!(unnamed.code(), "wrong_purpose");
    assert!(unnamed.diagnosis().contains("Expect::any_purpose"), "{}", unnamed.diagnosis());
    let finished = both.check(user(), Expect::provider("github").any_purpose(), callback(&state));
    assert!(finished.is_ok());
    let refused = login.begin(user(), Login::with("github").purpose(Purpose::Link)).unwrap_err();
    assert!(matches!(refused, BeginError::PurposeNotAccepted(Purpose::Link)));
}
