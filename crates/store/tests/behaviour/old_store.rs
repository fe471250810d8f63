//! The unbound side of a migration accepts only plain logins, and shows no state.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use oauth_state::{BeginError, BoxFuture, Callback, Expect, Login, Origin, Purpose, Tenant};
use oauth_state_store::{
    Issued, LegacyStore, Migration, MigrationError, StateStore, StoreError, UnboundLegacyStore, is_form_of_this_crate,
};
use support::shop::{block_on, session};

/// A map in the process, as many services have one.
#[derive(Clone, Debug, Default)]
struct OldMap(Arc<Mutex<HashMap<String, String>>>);

impl LegacyStore<String> for OldMap {
    fn insert<'a>(&'a self, _: Origin, data: String) -> BoxFuture<'a, Result<Issued, StoreError>> {
        let state = format!("0b1c2d3e-4f50-4172-8394-{:012}", self.0.lock().unwrap().len());
        self.0.lock().unwrap().insert(state.clone(), data);
        Box::pin(async { Ok(Issued::bare(state)) })
    }

    fn take<'a>(&'a self, state: &'a str) -> BoxFuture<'a, Result<Option<String>, StoreError>> {
        let taken = self.0.lock().unwrap().remove(state);
        Box::pin(async { Ok(taken) })
    }

    fn owns(&self, state: &str) -> bool {
        !is_form_of_this_crate(state)
    }
}

fn login() -> Login<String> {
    Login::with("github").data("data".to_owned())
}

/// Account-link fixation: an attacker starts a login on the old side, and leads a signed-in victim to the callback of a
/// link.
#[test]
fn an_old_state_finishes_nothing_but_a_login_of_a_known_provider() {
    let (old, tenant) = (UnboundLegacyStore::new(OldMap::default()), Tenant::from([1; 16]));
    let state = block_on(old.issue(session(), login())).unwrap().state;
    let expect = || Expect::provider("github");
    for (expect, code) in [
        (expect().purpose(Purpose::Link), "wrong_purpose"),
        (expect().purpose(Purpose::Reauthenticate), "wrong_purpose"),
        (expect().purpose(Purpose::Custom("approve-payment")), "wrong_purpose"),
        (expect().tenant(&tenant), "wrong_tenant"),
        (expect().redirect("web"), "wrong_redirect"),
        (Expect::any_provider(), "wrong_provider"),
    ] {
        let callback = Callback::from_pairs([("code", "the attacker's code"), ("state", state.as_str())]).unwrap();
        let victim = session().for_user(b"victim").unwrap();
        assert_eq!(block_on(old.consume(victim, expect, callback)).unwrap_err().code(), code);
    }
    let bare = Callback::from_pairs([("state", state.as_str())]).unwrap();
    assert_eq!(block_on(old.consume(session(), expect(), bare)).unwrap_err().code(), "code_missing");
    // None of these consumed the state.
    let callback = Callback::from_pairs([("code", "code"), ("state", &state)]).unwrap();
    assert!(block_on(old.consume(session(), expect().purpose(Purpose::Login), callback)).is_ok());
}

#[test]
fn an_old_store_begins_nothing_that_its_callback_could_not_tell() {
    let old = UnboundLegacyStore::new(OldMap::default());
    for purpose in [Purpose::Link, Purpose::Reauthenticate, Purpose::Custom("approve-payment")] {
        let refused = block_on(old.issue(session(), login().purpose(purpose))).unwrap_err();
        assert!(matches!(refused, BeginError::UnboundNotAllowed(_)), "{refused}");
    }
}

/// A live state is enough for a login, and logs have many readers.
#[test]
fn the_states_of_an_old_store_are_not_shown() {
    let old = UnboundLegacyStore::new(OldMap::default());
    let state = block_on(old.issue(session(), login())).unwrap().state;
    assert!(!format!("{old:?}").contains(&state));
}

/// Two maps that own every foreign state: every callback would go to the new one.
#[test]
fn two_stores_that_own_the_same_foreign_texts_make_no_migration() {
    let error = Migration::new(UnboundLegacyStore::new(OldMap::default()), UnboundLegacyStore::new(OldMap::default()));
    assert_eq!(error.unwrap_err(), MigrationError::SameForm("UUID"));
}
