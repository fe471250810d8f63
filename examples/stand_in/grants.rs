//! Clients, codes and secrets, as every provider has them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng;
use sha2::{Digest, Sha256};

use super::Failure;
use super::wire::Parameters;

/// How long a code lives (RFC 6749 section 4.1.2 recommends at most ten minutes).
const CODE_LIFETIME: Duration = Duration::from_secs(60);
/// The maximum number of codes waiting to be exchanged.
const MOST_CODES: usize = 10_000;

/// 256 bits from the operating system.
pub fn random_bytes() -> Result<[u8; 32], Failure> {
    let mut bytes = [0; 32];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes)?;
    Ok(bytes)
}

/// The same as text.
pub fn random_text() -> Result<String, Failure> {
    Ok(URL_SAFE_NO_PAD.encode(random_bytes()?))
}

/// A client registered with the provider.
#[derive(Clone)]
pub struct Registration {
    pub client_id: String,
    pub client_secret: String,
    pub redirect_uri: String,
}

impl Registration {
    /// A client with a fresh secret.
    pub fn new(client_id: &str, redirect_uri: &str) -> Result<Self, Failure> {
        let (client_id, redirect_uri) = (client_id.to_owned(), redirect_uri.to_owned());
        Ok(Self { client_id, client_secret: random_text()?, redirect_uri })
    }
}

/// The grant behind a code.
pub struct Grant {
    pub client_id: String,
    pub redirect_uri: String,
    pub code_challenge: String,
    pub nonce: String,
    pub scope: String,
    pub person: String,
    pub issued_at: Instant,
}

impl Grant {
    /// The grant of an authorization request by a user.
    pub fn new(request: &Parameters, person: &str) -> Self {
        let get = |name: &str| request.get(name).to_owned();
        Self {
            client_id: get("client_id"),
            redirect_uri: get("redirect_uri"),
            code_challenge: get("code_challenge"),
            nonce: get("nonce"),
            scope: get("scope"),
            person: person.to_owned(),
            issued_at: Instant::now(),
        }
    }

    /// RFC 7636 section 4.6: with a challenge, the right verifier; without one, none.
    pub fn is_verified_by(&self, code_verifier: &str) -> bool {
        if self.code_challenge.is_empty() {
            return code_verifier.is_empty();
        }
        URL_SAFE_NO_PAD.encode(Sha256::digest(code_verifier.as_bytes())) == self.code_challenge
    }
}

/// The issued codes.
#[derive(Default)]
pub struct Grants(Mutex<HashMap<String, Grant>>);

impl Grants {
    /// A code for a grant.
    pub fn issue(&self, grant: Grant) -> Result<String, Failure> {
        let code = random_text()?;
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, grant| grant.issued_at.elapsed() < CODE_LIFETIME);
        if codes.len() >= MOST_CODES {
            return Err("too many codes are waiting to be exchanged".into());
        }
        codes.insert(code.clone(), grant);
        Ok(code)
    }

    /// Removes a code, whatever comes next: it works once, and only for its own client.
    pub fn redeem(&self, request: &Parameters) -> Option<Grant> {
        let grant = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(request.get("code"))?;
        let is_fresh = grant.issued_at.elapsed() < CODE_LIFETIME;
        (is_fresh && grant.client_id == request.get("client_id")).then_some(grant)
    }
}
