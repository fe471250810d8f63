#![doc = include_str!("../README.md")]

mod address;
mod answer;
mod auth;
mod builder;
mod environment;
mod explain;
mod http;
mod session;
mod store;

use std::fmt;
use std::time::Duration;

pub use auth::VaultAuth;
pub use builder::VaultSecretBuilder;

use oauth_state::BoxFuture;
use oauth_state::ring::SecretString;
use oauth_state::ring::source::{Fetched, KeySource, SourceError, SourceErrorKind, WritableSource};

use answer::Secret;
use http::{Answer, Body, Http};
use session::Session;

/// The limit for a whole fetch or write, including a login.
const LIMIT: Duration = Duration::from_secs(8);

/// A secret of a KV version 2 engine of Vault or OpenBao, with a ring document in one of its fields.
///
/// It neither retries nor caches; the refresh task of `LiveKeyRing::load` retries. It keeps a token, renews it, and
/// logs in again once if the token is refused.
///
/// # Examples
///
/// ```
/// use oauth_state::ring::source::KeySource;
/// use oauth_state_vault::{VaultAuth, VaultSecret};
///
/// let auth = VaultAuth::token_file("/vault/token"); // the sink of an agent
/// let source = VaultSecret::builder("https://vault.internal:8200", "secret", "shop/oauth-state", auth)
///     .namespace("team-a")
///     .build()?;
/// assert!(source.name().starts_with("Vault at https://vault.internal:8200, secret secret/shop/oauth-state"));
/// # Ok::<(), oauth_state::ring::source::SourceError>(())
/// ```
pub struct VaultSecret {
    http: Http,
    session: Session,
    /// As in policies: `secret/data/shop/oauth-state`.
    policy_path: String,
    /// The same, escaped for a request.
    request_path: String,
    field: String,
}

impl VaultSecret {
    /// A secret below a mount of KV version 2, such as `secret` and `shop/oauth-state`.
    pub fn builder(
        address: impl Into<String>,
        mount: impl Into<String>,
        path: impl Into<String>,
        auth: VaultAuth,
    ) -> VaultSecretBuilder {
        VaultSecretBuilder::new(address.into(), mount.into(), path.into(), auth)
    }

    /// One request with a token. If the token is refused, one login and one more request.
    async fn ask(&self, method: &'static str, body: Option<Body>) -> Result<Answer, SourceError> {
        let permit = self.session.permit(&self.http).await?;
        let answer = self.http.send(method, &self.request_path, Some(&permit.token), body.clone()).await?;
        if answer.status != 403 || permit.fresh {
            return Ok(answer);
        }
        match self.session.log_in_again(&self.http, &permit.token).await? {
            Some(token) => {
                let answer = self.http.send(method, &self.request_path, Some(&token), body).await?;
                if answer.status == 403 {
                    self.session.was_futile().await;
                }
                Ok(answer)
            }
            None => Ok(answer),
        }
    }

    /// The error of a response to a request that needs this right, such as `read`.
    async fn refused(&self, right: &str, answer: &Answer) -> SourceError {
        if answer.status != 403 {
            return explain::status(&self.http.name, answer);
        }
        match self.session.still_valid(&self.http).await {
            Some(false) => explain::token(&self.http.name, answer),
            Some(true) => explain::policy(&self.http.name, answer, right, &self.policy_path),
            None => explain::either(&self.http.name, answer, right, &self.policy_path),
        }
    }

    async fn get(&self) -> Result<Answer, SourceError> {
        self.ask("GET", None).await
    }

    /// Never `Unchanged`: a secret that was removed and written again counts its versions from one, so one of them may
    /// have the known number.
    async fn read(&self) -> Result<Fetched, SourceError> {
        let answer = self.get().await?;
        match answer.status {
            200 => {
                let secret = Secret::of(&answer).ok_or_else(|| explain::no_answer(&self.http.name, &answer))?;
                let version = secret.version();
                // An operator may have written the document as the secret's own fields, or as an object in this field.
                let text = secret
                    .text(&self.field)
                    .map_err(|wrong| explain::field(&self.http.name, &self.field, wrong).revoking(&answer.body))?;
                let fetched = Fetched::document(text, version);
                Ok(match answer.date {
                    Some(date) => fetched.with_server_time(date),
                    None => fetched,
                })
            }
            404 => Err(explain::missing(&self.http.name, &answer, &self.policy_path)),
            _ => Err(self.refused("read", &answer).await),
        }
    }

    async fn within<T>(&self, work: impl Future<Output = Result<T, SourceError>>) -> Result<T, SourceError> {
        tokio::time::timeout(LIMIT, work).await.unwrap_or_else(|_| {
            let answer = format_args!("no answer within {LIMIT:?}");
            Err(SourceError::new(&self.http.name, SourceErrorKind::Unavailable, answer))
        })
    }
}

impl fmt::Debug for VaultSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultSecret").field("name", &self.http.name).finish_non_exhaustive()
    }
}

impl KeySource for VaultSecret {
    fn name(&self) -> &str {
        &self.http.name
    }

    /// One `GET`, and a login or a renewal if the token needs it. Checking for a new version would be another request
    /// with its own right, so the text is always transferred.
    fn fetch<'a>(&'a self, _known_version: Option<&'a str>) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        Box::pin(self.within(self.read()))
    }
}

impl WritableSource for VaultSecret {
    /// Writes a new version with `cas`, which the engine refuses if the latest version is not the expected one. Other
    /// fields of the secret stay as they are.
    fn store<'a>(
        &'a self,
        document: &'a SecretString,
        expected_version: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<String>, SourceError>> {
        Box::pin(self.within(store::store(self, document, expected_version)))
    }
}
