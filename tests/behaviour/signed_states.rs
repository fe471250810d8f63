//! A flow with signed states does everything that one with encrypted states does.

use std::time::Duration;

use oauth_state::inspect::PublicData;
use oauth_state::{Binding, Login, LoginOutcome, Provider, Restart, Tenant};
use serde::{Deserialize, Serialize};
use support::shop::{anything, block_on, callback, session, shop_built};

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Button(String);

impl PublicData for Button {}

/// A callback must return the data, and a restarted login must keep it.
#[test]
fn data_comes_back_and_goes_on_with_its_own_browser_alone() {
    let shop =
        shop_built(|builder| builder.carrying::<Button>().provider(Provider::github()).build_signed_not_encrypted());
    let checkout = || Button("checkout".to_owned());
    let begin = || shop.flow.begin(session(), Login::with("github").tenant([9; 16]).data(checkout())).unwrap().state;
    let finish =
        |binding: Binding<'_>, state: &str| block_on(shop.flow.finish(binding, anything("github"), callback(state)));
    let state = begin();
    let Ok(LoginOutcome::Authorized(login)) = finish(session(), &state) else { panic!("refused") };
    assert_eq!((login.data, login.origin.tenant), (checkout(), Some(Tenant::from([9; 16]))));
    let restart_data = |binding: Binding<'_>, state: &str| {
        let refused = finish(binding, state).unwrap_err();
        (refused.code(), refused.restart().and_then(Restart::data::<Button>))
    };
    assert_eq!(restart_data(session(), &state), ("already_used", Some(checkout())));
    let state = begin();
    shop.clock.advance(Duration::from_secs(700));
    assert_eq!(restart_data(session(), &state), ("expired", Some(checkout())));
    assert_eq!(restart_data(Binding::session(&[8; 16]).unwrap(), &state), ("expired", None));
}

/// The readable parts of a state must not be enough to finish it, nor include the secrets for the token endpoint.
#[test]
fn nothing_secret_is_readable() {
    let shop = shop_built(|builder| builder.provider(Provider::google()).build_signed_not_encrypted());
    let begun = shop.flow.begin(Binding::new_login_secret(), Login::with("google")).unwrap();
    let secret = begun.login_secret.unwrap();
    let held = Binding::login_secret(&secret).unwrap();
    let finished = block_on(shop.flow.finish(held, anything("google"), callback(&begun.state)));
    let Ok(LoginOutcome::Authorized(login)) = finished else { panic!("refused") };
    let bytes = |text: &str| {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap()
    };
    let state = bytes(&begun.state);
    for secret in [&secret, login.code_verifier.unwrap().secret(), login.nonce.unwrap().secret()] {
        for part in bytes(secret).windows(8) {
            assert!(!state.windows(8).any(|readable| readable == part));
        }
    }
}
