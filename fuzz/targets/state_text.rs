//! Whatever text comes as `state`, it is accepted only if a holder of the key sealed it, letter by letter, and nothing else gets as
//! far as the guard. Inspection comes to the same answer as the callback.
//!
//! It finds a text that passes without its tag (forged), a second spelling of a genuine state, and a panic on the way to the key.

#![no_main]

use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use libfuzzer_sys::fuzz_target;
use oauth_state::Purpose;
use oauth_state_fuzz::{NOW, Shop, VECTORS, app};

static SHOP: LazyLock<Shop> = LazyLock::new(Shop::default);

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(finished) = SHOP.finish(text) else { return };
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    let inspected = SHOP.ring.inspect(text, &app(), &[Purpose::Login], now).unwrap();
    match finished {
        Ok(_) => {
            // In the frozen vectors stands every state that was ever sealed under this key; a state ends at `&`.
            let genuine = format!("state={text}&");
            assert!(VECTORS.contains(&genuine), "a state that nobody sealed was accepted");
            assert!(inspected.refused.is_none());
        }
        Err(refused) => {
            // A handle is inspected as what it is, and refused at once where states carry everything.
            if let (true, Some(inspected)) = (text.starts_with("ost1"), inspected.refused) {
                assert_eq!(refused.code(), inspected.code());
            }
            // Not authentic: nothing is offered that stands in it.
            if inspected.contents.is_none() {
                assert!(refused.restart().is_none(), "a state that is not authentic is believed");
            }
        }
    }
});
