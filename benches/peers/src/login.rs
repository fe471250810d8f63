//! The login as a user of a peer would carry it: all data for the callback, as JSON.

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng;
use rand::rngs::SysRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use support::bench::shapes::{PROVIDER, REDIRECT, RETURN_TO, SESSION, TENANT};

/// The usual login.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Carried {
    pub provider: String,
    pub redirect: String,
    pub return_to: String,
    /// As text, because JSON has no bytes.
    pub tenant: String,
    pub code_verifier: String,
    pub nonce: String,
    /// The hash of the session that started the login.
    pub session: String,
    /// Unix seconds; libraries for JSON Web Tokens read the field by this name.
    pub exp: u64,
}

/// The values sent to the provider.
pub struct Sent {
    pub state: String,
    pub code_challenge: String,
    pub nonce: String,
}

/// The values at the callback.
pub struct Received {
    pub provider: String,
    pub redirect: String,
    pub return_to: String,
    pub tenant: Vec<u8>,
    pub code_verifier: String,
    pub nonce: String,
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn random(bytes: &mut [u8]) {
    SysRng.try_fill_bytes(bytes).unwrap();
}

fn session_hash() -> String {
    encode(&Sha256::digest(SESSION))
}

/// Draws a verifier and a nonce, from the operating system in one call.
pub fn begin() -> (Carried, String) {
    let mut drawn = [0; 48];
    random(&mut drawn);
    let code_verifier = encode(&drawn[..32]);
    let code_challenge = encode(&Sha256::digest(&code_verifier));
    let carried = Carried {
        provider: PROVIDER.to_owned(),
        redirect: REDIRECT.to_owned(),
        return_to: RETURN_TO.to_owned(),
        tenant: encode(&TENANT),
        code_verifier,
        nonce: encode(&drawn[32..]),
        session: session_hash(),
        exp: now() + 600,
    };
    (carried, code_challenge)
}

/// The check of the opened data, for every peer.
pub fn finish(carried: Carried) -> Option<Received> {
    let own = bool::from(session_hash().as_bytes().ct_eq(carried.session.as_bytes()));
    if carried.exp < now() || !own || carried.provider != PROVIDER || carried.redirect != REDIRECT {
        return None;
    }
    let tenant = URL_SAFE_NO_PAD.decode(&carried.tenant).ok()?;
    if tenant != TENANT {
        return None;
    }
    let Carried { provider, redirect, return_to, code_verifier, nonce, .. } = carried;
    Some(Received { provider, redirect, return_to, tenant, code_verifier, nonce })
}
