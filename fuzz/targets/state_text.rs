//! Any text as `state` is accepted only if a holder of the key sealed exactly this text, and nothing else reaches the
//! guard. Inspection agrees with the callback.
//!
//! This holds for encrypted and for signed states, and no text is accepted as both.
//!
//! It finds a text that passes without its tag (forged), a second spelling of a genuine state, a state of one form that
//! is accepted as the other, and a panic on the way to the key.

#![no_main]

use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use libfuzzer_sys::fuzz_target;
use oauth_state::Purpose;
use oauth_state::inspect::UnverifiedClaims;
use oauth_state_fuzz::{NOW, Shop, VECTORS, app};

static SHOP: LazyLock<Shop> = LazyLock::new(Shop::default);
static SIGNED: LazyLock<Shop> = LazyLock::new(Shop::signed);

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let unverified = UnverifiedClaims::read(text);
    assert!(unverified.is_none() || text.starts_with("oss1"), "an encrypted state was read without a key");
    finish(&SHOP, "ost1", text);
    finish(&SIGNED, "oss1", text);
});

fn finish(shop: &Shop, form: &str, text: &str) {
    let Some(finished) = shop.finish(text) else { return };
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    let inspected = shop.ring.inspect(text, &app(), &[Purpose::Login], now).unwrap();
    match finished {
        Ok(login) => {
            assert!(text.starts_with(form), "a state of another form was accepted");
            // The frozen vectors contain every state that was ever sealed under this key; a state ends at `&` or with
            // its query.
            let genuine = ['&', '"'].iter().any(|end| VECTORS.contains(&format!("state={text}{end}")));
            assert!(genuine, "a state that was never sealed was accepted");
            assert!(inspected.refused.is_none());
            // Reading a signed state without a key gives the same as a callback.
            if let Some(unverified) = UnverifiedClaims::read(text) {
                assert_eq!(unverified.provider, login.origin.provider);
                assert_eq!(unverified.return_to.as_deref(), login.origin.return_to.as_ref().map(|path| path.as_str()));
            }
        }
        Err(refused) => {
            // A state of another form is inspected as such, and refused at once here.
            if let (true, Some(inspected)) = (text.starts_with(form), inspected.refused) {
                assert_eq!(refused.code(), inspected.code());
            }
            // Not authentic: no restart offers its content.
            if inspected.contents.is_none() {
                assert!(refused.restart().is_none(), "a state that is not authentic is trusted");
            }
        }
    }
}
