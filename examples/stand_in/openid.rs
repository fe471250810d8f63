//! Common parts of the OpenID providers: a signing key, ID tokens, and the faults that a walk-through requests.
//!
//! The real providers sign with RS256. A stand-in signs with ES256, because such a key is made instantly; its metadata
//! says so, and clients read it there.

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use serde_json::{Value, json};

use super::Failure;
use super::grants::random_bytes;

/// The seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A key for ES256 (RFC 7518 section 3.4).
#[derive(Clone)]
pub struct Es256(SigningKey);

impl Es256 {
    /// A fresh key.
    pub fn new() -> Result<Self, Failure> {
        Ok(Self(SigningKey::from_slice(&random_bytes()?)?))
    }

    /// The key itself.
    pub fn key(&self) -> &SigningKey {
        &self.0
    }

    /// The public half as a key set (RFC 7517).
    pub fn jwks(&self) -> Value {
        let point = self.0.verifying_key().to_sec1_point(false);
        let coordinate = |bytes: Option<&_>| bytes.map(|bytes: &p256::FieldBytes| URL_SAFE_NO_PAD.encode(bytes));
        let (x, y) = (coordinate(point.x()), coordinate(point.y()));
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "1", "x": x, "y": y }] })
    }

    /// A JWT over these claims.
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": "1" });
        let [header, claims] = [&header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signature: Signature = self.0.sign(format!("{header}.{claims}").as_bytes());
        format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }
}

/// Header and claims of a JWT that this key signed with ES256.
pub fn verified(jwt: &str, key: &VerifyingKey) -> Option<(Value, Value)> {
    let (signed, signature) = jwt.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let signature = Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
    key.verify(signed.as_bytes(), &signature).ok()?;
    let read = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    let (header, claims) = (read(header)?, read(claims)?);
    (header.get("alg").and_then(Value::as_str) == Some("ES256")).then_some((header, claims))
}

/// A fault of a broken or impersonated provider.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// `iss` of the callback names another server (mix-up, RFC 9207).
    Issuer,
    /// The ID token has the nonce of another login.
    Nonce,
    /// The ID token is for another client.
    Audience,
    /// The ID token's issuer is not that of the tenant in it.
    Tenant,
}

/// The requested fault.
#[derive(Default)]
pub struct Troubles(Mutex<Option<Trouble>>);

impl Troubles {
    /// Requests a fault, or none.
    pub fn set(&self, trouble: impl Into<Option<Trouble>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = trouble.into();
    }

    /// The right value, or the wrong one if this fault is requested.
    pub fn or(&self, trouble: Trouble, right: &str, wrong: &str) -> String {
        let wanted = *self.0.lock().unwrap_or_else(PoisonError::into_inner) == Some(trouble);
        if wanted { wrong } else { right }.to_owned()
    }
}
