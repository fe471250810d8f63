//! Whatever text comes as `state`, it is accepted only if a holder of the key sealed it, letter by letter, and nothing else gets as
//! far as the guard. Inspection comes to the same answer as the callback.
//!
//! So it is with encrypted states and with signed ones, and no text is accepted as both.
//!
//! It finds a text that passes without its tag (forged), a second spelling of a genuine state, a state of one form that is taken for one
//! of the other, and a panic on the way to the key.

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
    assert!(unverified.is_none() || text.starts_with("oss1"), "what is encrypted was read without a key");
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
            // In the frozen vectors stands every state that was ever sealed under this key; a state ends at `&`, or with its query.
            let genuine = ['&', '"'].iter().any(|end| VECTORS.contains(&format!("state={text}{end}")));
            assert!(genuine, "a state that nobody sealed was accepted");
            assert!(inspected.refused.is_none());
            // Whoever reads a signed state without a key reads what a callback learns.
            if let Some(unverified) = UnverifiedClaims::read(text) {
                assert_eq!(unverified.provider, login.origin.provider);
                assert_eq!(unverified.return_to.as_deref(), login.origin.return_to.as_ref().map(|path| path.as_str()));
            }
        }
        Err(refused) => {
            // A state of another form is inspected as what it is, and refused at once here.
            if let (true, Some(inspected)) = (text.starts_with(form), inspected.refused) {
                assert_eq!(refused.code(), inspected.code());
            }
            // Not authentic: nothing is offered that stands in it.
            if inspected.contents.is_none() {
                assert!(refused.restart().is_none(), "a state that is not authentic is believed");
            }
        }
    }
}
