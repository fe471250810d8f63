//! A holder of the key may seal anything (another release, another implementation, a server with other rules): a
//! callback accepts it only if this release would have sealed the same, and returns exactly its content.
//!
//! It finds a check that is made when a state is sealed and forgotten when it is opened: the return path, the time, the
//! lifetime, the provider, the binding.
//!
//! The input: a byte for the nonce, whose lowest bit says whether the plaintext keeps its own binding tag, a byte that
//! says whether its time is moved near to now, and a byte that says whether the state is signed; then the plaintext.

#![no_main]

use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use libfuzzer_sys::fuzz_target;
use oauth_state::fuzzing::Plaintext;
use oauth_state::{Purpose, ReturnTo};
use oauth_state_fuzz::{NOW, PROVIDERS, Shop, session};
use serde_json::Value;

static SHOP: LazyLock<Shop> = LazyLock::new(Shop::default);
static SIGNED: LazyLock<Shop> = LazyLock::new(Shop::signed);

/// The skew of a bare key's ring.
const SKEW: u64 = 60;

fuzz_target!(|data: &[u8]| {
    let Some((first, plaintext)) = data.split_first() else { return };
    let (nonce, mut plaintext) = ([*first; 24], plaintext.to_vec());
    let shop = if first & 4 == 0 { &SHOP } else { &SIGNED };
    let right = shop.sealer.session_tag(Purpose::Login, &session(), &nonce).unwrap();
    if let (0, Some(tag)) = (first & 1, plaintext.get_mut(8..24)) {
        tag.copy_from_slice(&right);
    }
    if let (2, Some(issued_at)) = (first & 2, plaintext.first_chunk_mut::<4>()) {
        let near = u32::from_be_bytes(*issued_at) % 1024;
        *issued_at = (NOW as u32 + 100 - near).to_be_bytes();
    }
    let state = shop.sealer.seal(Purpose::Login, &nonce, &plaintext).unwrap();
    let Some(finished) = shop.finish(&state) else { return };
    let Some(claims) = Plaintext::read(&plaintext) else {
        let code = finished.map(|_| ()).unwrap_err().code();
        assert!(code == "malformed" || code == "too_long" && state.len() > 2048, "{code}");
        return;
    };
    let (issued_at, lifetime) = (u64::from(claims.issued_at), u64::from(claims.lifetime));
    let path = claims.return_to.parse::<ReturnTo>().ok();
    let in_time = issued_at <= NOW + SKEW && NOW < issued_at + lifetime + SKEW;
    let data = serde_json::from_slice::<Value>(if claims.data.is_empty() { b"null" } else { claims.data }).ok();
    let good = state.len() <= 2048
        && in_time
        && (claims.return_to.is_empty() || path.is_some())
        && claims.provider == PROVIDERS[0]
        && claims.binding_tag == right
        // If no user is signed in, a state with a user is refused.
        && claims.user_tag.is_none()
        // No flow here loads a provider.
        && claims.connection_tag.is_none()
        && data.is_some();
    assert_eq!(finished.is_ok(), good, "{:?}", finished.map_err(|refused| refused.code()).err());
    let Ok(login) = finished else { return };
    let origin = login.origin;
    assert_eq!((origin.provider.as_str(), origin.purpose), (claims.provider, Purpose::Login));
    assert_eq!(origin.tenant.as_ref().map_or(&[][..], |tenant| tenant.as_bytes()), claims.tenant);
    assert_eq!((origin.return_to, origin.redirect.unwrap_or_default().as_str()), (path, claims.redirect));
    assert_eq!((origin.restarts, origin.issued_at), (claims.restarts, UNIX_EPOCH + Duration::from_secs(issued_at)));
    assert_eq!(Some(login.data.0), data);
});
