//! The token: its source, its renewal and its replacement.

use std::time::{Duration, Instant};

use oauth_state::ring::SecretString;
use oauth_state::ring::source::{SourceError, SourceErrorKind};
use serde::Serialize;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::address::{escaped, segments};
use crate::answer::{granted, looked};
use crate::auth::{Method, SecretId, VaultAuth, credential};
use crate::explain;
use crate::http::{Body, Http};

/// A token, and whether the server has just given or confirmed it.
pub(crate) struct Permit {
    pub(crate) token: SecretString,
    pub(crate) fresh: bool,
}

pub(crate) struct Session {
    method: Method,
    held: Mutex<Option<Held>>,
    /// The time of a login that did not help, because its token was refused as well.
    futile: Mutex<Option<Instant>>,
}

/// The pause after a login that did not help: if a policy lacks a right, no new token has it, and a secret id may be
/// limited to a number of logins.
const NO_LOGIN_FOR: Duration = Duration::from_secs(300);

struct Held {
    token: SecretString,
    /// `None`: it does not expire, or its expiry is unknown.
    lease: Option<Lease>,
}

#[derive(Clone, Copy)]
struct Lease {
    since: Instant,
    time: Duration,
    renewable: bool,
}

impl Lease {
    fn new(seconds: u64, renewable: bool) -> Option<Self> {
        // Vault's value for a token that never expires.
        (seconds > 0).then(|| Self { since: Instant::now(), time: Duration::from_secs(seconds), renewable })
    }

    fn left(&self) -> Duration {
        self.time.saturating_sub(self.since.elapsed())
    }

    /// Half of its lifetime has passed.
    fn is_due(&self) -> bool {
        self.left() <= self.since.elapsed()
    }
}

/// The result of a renewal.
enum Renewed {
    /// It lives longer now.
    Longer,
    /// Its maximum lifetime is reached, it was revoked, or it cannot be renewed.
    NotAnyLonger,
}

impl Session {
    pub(crate) fn new(auth: VaultAuth) -> Self {
        Self { method: auth.0, held: Mutex::new(None), futile: Mutex::new(None) }
    }

    /// A token for the next request: the current one, renewed if that is due, or a new one.
    pub(crate) async fn permit(&self, http: &Http) -> Result<Permit, SourceError> {
        if let Method::TokenFile(path) = &self.method {
            let token = credential(path).map_err(|cause| explain::file(&http.name, "token", path, cause))?;
            return Ok(Permit { token, fresh: true });
        }
        let mut held = self.held.lock().await;
        let Some(current) = held.as_mut() else {
            let fresh = self.begin(http).await?;
            let token = fresh.token.clone();
            *held = Some(fresh);
            return Ok(Permit { token, fresh: true });
        };
        let Some(lease) = current.lease.filter(Lease::is_due) else {
            return Ok(Permit { token: current.token.clone(), fresh: false });
        };
        let renewed = if lease.renewable && !lease.left().is_zero() {
            renew(http, current, lease).await
        } else {
            Ok(Renewed::NotAnyLonger)
        };
        match (renewed, &self.method) {
            (Ok(Renewed::Longer), _) => Ok(Permit { token: current.token.clone(), fresh: true }),
            (Ok(Renewed::NotAnyLonger), Method::AppRole { .. }) => match self.begin(http).await {
                Ok(new) => {
                    *current = new;
                    Ok(Permit { token: current.token.clone(), fresh: true })
                }
                // It is still valid for a while, and the next request tries again.
                Err(_) if !lease.left().is_zero() => Ok(Permit { token: current.token.clone(), fresh: false }),
                Err(error) => Err(error),
            },
            // The request itself will return the error.
            _ => Ok(Permit { token: current.token.clone(), fresh: false }),
        }
    }

    /// The token of a login after a refusal was refused, too.
    pub(crate) async fn was_futile(&self) {
        *self.futile.lock().await = Some(Instant::now());
    }

    /// After a refused token: another one, if this method can get one and the last login helped.
    pub(crate) async fn log_in_again(
        &self,
        http: &Http,
        refused: &SecretString,
    ) -> Result<Option<SecretString>, SourceError> {
        if !matches!(self.method, Method::AppRole { .. }) {
            return Ok(None);
        }
        if self.futile.lock().await.is_some_and(|at| at.elapsed() < NO_LOGIN_FOR) {
            return Ok(None);
        }
        let mut held = self.held.lock().await;
        // Another request may have been faster.
        if let Some(current) = held.as_ref().filter(|current| current.token.expose() != refused.expose()) {
            return Ok(Some(current.token.clone()));
        }
        *held = None;
        let fresh = self.begin(http).await?;
        let token = fresh.token.clone();
        *held = Some(fresh);
        Ok(Some(token))
    }

    /// Whether the refused token is valid for anything; `None` if that is unknown.
    pub(crate) async fn still_valid(&self, http: &Http) -> Option<bool> {
        let token = match &self.method {
            // It came from a login that has just succeeded.
            Method::AppRole { .. } => return Some(true),
            Method::Token(token) => token.clone(),
            Method::TokenFile(path) => credential(path).ok()?,
        };
        match http.send("GET", "auth/token/lookup-self", Some(&token), None).await.ok()?.status {
            200 => Some(true),
            403 => Some(false),
            _ => None,
        }
    }

    async fn begin(&self, http: &Http) -> Result<Held, SourceError> {
        match &self.method {
            Method::Token(token) => {
                let token = token.clone();
                let answer = http.send("GET", "auth/token/lookup-self", Some(&token), None).await?;
                match answer.status {
                    // A token without the policy `default` may not ask, and the request itself reveals an invalid one.
                    200 | 403 => {
                        let lease = looked(&answer).and_then(|looked| Lease::new(looked.ttl, looked.renewable));
                        Ok(Held { token, lease })
                    }
                    _ => Err(explain::status(&http.name, &answer)),
                }
            }
            Method::TokenFile(path) => {
                let token = credential(path).map_err(|cause| explain::file(&http.name, "token", path, cause))?;
                Ok(Held { token, lease: None })
            }
            Method::AppRole { mount, role_id, secret_id } => log_in(http, mount, role_id, secret_id).await,
        }
    }
}

async fn log_in(http: &Http, mount: &str, role_id: &str, secret_id: &SecretId) -> Result<Held, SourceError> {
    #[derive(Serialize)]
    struct Login<'a> {
        role_id: &'a str,
        secret_id: &'a str,
    }
    let secret_id = match secret_id {
        SecretId::Text(text) => text.clone(),
        SecretId::File(path) => {
            credential(path).map_err(|cause| explain::file(&http.name, "secret id", path, cause))?
        }
    };
    let body = json(http, &Login { role_id, secret_id: secret_id.expose() })?;
    let path = format!("auth/{}/login", escaped(&segments(mount).unwrap_or_default()));
    let answer = http.send("POST", &path, None, Some(body)).await?;
    match granted(&answer).filter(|_| answer.status == 200) {
        Some(granted) => {
            Ok(Held { token: granted.client_token, lease: Lease::new(granted.lease_duration, granted.renewable) })
        }
        None => Err(explain::login(&http.name, mount, &answer)),
    }
}

async fn renew(http: &Http, held: &mut Held, lease: Lease) -> Result<Renewed, SourceError> {
    let body = json(http, &serde_json::Map::new())?;
    let answer = http.send("POST", "auth/token/renew-self", Some(&held.token), Some(body)).await?;
    let left = lease.left();
    match granted(&answer).filter(|_| answer.status == 200) {
        Some(granted) => {
            held.lease = Lease::new(granted.lease_duration, granted.renewable);
            // A token near its maximum lifetime is renewed for no more than the rest.
            let longer = held.lease.is_none_or(|lease| lease.time > left.saturating_add(Duration::from_secs(1)));
            Ok(if longer { Renewed::Longer } else { Renewed::NotAnyLonger })
        }
        None if answer.status >= 500 => Err(explain::status(&http.name, &answer)),
        None => Ok(Renewed::NotAnyLonger),
    }
}

/// A JSON body that is zeroized after it was sent. (The memory that `serde_json` uses while it writes or reads is freed
/// without zeroizing.)
pub(crate) fn json(http: &Http, value: &impl Serialize) -> Result<Body, SourceError> {
    // Large enough for any ring, so that a growing buffer leaves no copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(1 << 17));
    serde_json::to_writer(&mut *bytes, value).map_err(|_| {
        SourceError::new(&http.name, SourceErrorKind::Document, "failed to serialize the request as JSON")
    })?;
    Ok(Body::from_owner(bytes))
}
