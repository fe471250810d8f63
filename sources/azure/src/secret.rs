//! A secret of Azure Key Vault as a source.

use std::time::SystemTime;

use azure_core::http::RetryOptions;
use azure_core::http::headers::HeaderName;
use azure_core::time::parse_rfc7231;
use azure_security_keyvault_secrets::models::{Secret, SecretClientGetSecretOptions};
use azure_security_keyvault_secrets::{ResourceExt, SecretClient, SecretClientOptions};
use oauth_state::BoxFuture;
use oauth_state::ring::source::{Fetched, KeySource, SourceError, SourceErrorKind};

use crate::step::Step;

/// A secret of Azure Key Vault whose value is a ring document or a bare root key.
///
/// It reads the current version, or the one that [`version`](AzureSecret::version) chooses.
///
/// # Examples
///
/// ```
/// use azure_core::credentials::TokenCredential;
/// use azure_security_keyvault_secrets::SecretClient;
/// use oauth_state::ring::source::KeySource;
/// use oauth_state_azure::{AzureSecret, client_options};
/// use std::sync::Arc;
///
/// fn ring(credential: Arc<dyn TokenCredential>) -> azure_core::Result<AzureSecret> {
///     let client = SecretClient::new("https://shop.vault.azure.net", credential, Some(client_options()))?;
///     Ok(AzureSecret::new(client, "oauth-state"))
/// }
/// # let _ = rustls::crypto::ring::default_provider().install_default();
/// let source = ring(azure_identity::AzureCliCredential::new(None)?)?;
/// assert_eq!(source.name(), "the Azure secret oauth-state at https://shop.vault.azure.net/");
/// # Ok::<(), azure_core::Error>(())
/// ```
pub struct AzureSecret {
    pub(crate) client: SecretClient,
    pub(crate) secret: String,
    pub(crate) version: Option<String>,
    pub(crate) name: String,
}

impl AzureSecret {
    /// The secret of this name in the client's vault; see [`AzureSecret`] for an example.
    ///
    /// Give the client no retries, as [`client_options`] does. Otherwise the client retries for a minute, and the
    /// refresh task, which retries itself, gives up earlier without the vault's error.
    #[must_use]
    pub fn new(client: SecretClient, secret: impl Into<String>) -> Self {
        Self::of(client, secret.into(), None)
    }

    /// Reads this version instead of the current one: 32 hexadecimal digits. A rotation cannot be written to it.
    #[must_use]
    pub fn version(self, version: impl Into<String>) -> Self {
        Self::of(self.client, self.secret, Some(version.into()))
    }

    fn of(client: SecretClient, secret: String, version: Option<String>) -> Self {
        let chosen = version.as_ref().map(|version| format!(", version {version}")).unwrap_or_default();
        let name = format!("the Azure secret {secret}{chosen} at {}", client.endpoint());
        Self { client, secret, version, name }
    }

    pub(crate) fn error(&self, kind: SourceErrorKind, answer: impl std::fmt::Display) -> SourceError {
        SourceError::new(&self.name, kind, answer)
    }

    /// The client puts names into the address unescaped.
    pub(crate) fn check(&self) -> Result<(), SourceError> {
        let plain = |name: &str| {
            (1..=127).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if plain(&self.secret) && self.version.as_deref().is_none_or(plain) {
            return Ok(());
        }
        Err(self
            .error(SourceErrorKind::Misconfigured, "the name of the secret or the version is invalid")
            .with_remedy("a name has 1 to 127 letters, digits and hyphens; a version is written in hexadecimal"))
    }

    async fn read(&self, known_version: Option<&str>) -> Result<Fetched, SourceError> {
        self.check()?;
        let (secret, date) = self.get_dated(self.version.clone()).await?;
        let version = self.id(&secret)?;
        if known_version == Some(version.as_str()) {
            return Ok(Fetched::Unchanged);
        }
        match secret.value {
            Some(text) => {
                let fetched = Fetched::document(text, Some(version));
                Ok(match date {
                    Some(at) => fetched.with_server_time(at),
                    None => fetched,
                })
            }
            None => Err(self.error(SourceErrorKind::Unavailable, "its response has no value")),
        }
    }

    pub(crate) async fn get(&self, secret_version: Option<String>) -> Result<Secret, SourceError> {
        self.get_dated(secret_version).await.map(|(secret, _)| secret)
    }

    /// Also returns the time by the vault's clock, if it sends one.
    async fn get_dated(&self, secret_version: Option<String>) -> Result<(Secret, Option<SystemTime>), SourceError> {
        let options = SecretClientGetSecretOptions { secret_version, ..Default::default() };
        let response = self.client.get_secret(&self.secret, Some(options)).await;
        let read = response.and_then(|response| {
            let date = response
                .headers()
                .get_optional_str(&HeaderName::from_static("date"))
                .and_then(|date| parse_rfc7231(date).ok());
            Ok((response.into_model()?, date.map(SystemTime::from)))
        });
        read.map_err(|error| self.refused(Step::Get, error))
    }

    /// The version's id, the last part of its address.
    pub(crate) fn id(&self, resource: &impl ResourceExt) -> Result<String, SourceError> {
        let id = resource.resource_id().ok().and_then(|id| id.version);
        id.ok_or_else(|| self.error(SourceErrorKind::Unavailable, "its response names no version"))
    }
}

impl KeySource for AzureSecret {
    fn name(&self) -> &str {
        &self.name
    }

    /// One `GET`. The reader's role allows no cheaper request, so only the id shows that the version is the known one.
    fn fetch<'a>(&'a self, known_version: Option<&'a str>) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        Box::pin(self.read(known_version))
    }
}

impl std::fmt::Debug for AzureSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AzureSecret").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The client's defaults, except that each request is sent once.
#[must_use]
pub fn client_options() -> SecretClientOptions {
    let mut options = SecretClientOptions::default();
    options.client_options.retry = RetryOptions::none();
    options
}
