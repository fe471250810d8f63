//! A secret of Google Secret Manager as a source.

use std::time::Duration;

use google_cloud_gax::options::RequestOptionsBuilder;
use google_cloud_gax::retry_policy::NeverRetry;
use google_cloud_secretmanager_v1::client::SecretManagerService;
use oauth_state::BoxFuture;
use oauth_state::ring::source::{Fetched, KeySource, SourceError, SourceErrorKind};

use crate::checksum::crc32c;
use crate::step::Step;

/// Less than the ten seconds of the refresh task, so that the service's error so far is reported.
const TIME_LIMIT: Duration = Duration::from_secs(8);

/// A secret of Google Secret Manager whose value is a ring document or a bare root key.
///
/// It reads the version `latest`, a number, or an alias. A rotation that is written to an alias replaces exactly the
/// version that it read: see [`store`](oauth_state::ring::source::WritableSource::store).
///
/// # Examples
///
/// ```
/// use google_cloud_secretmanager_v1::client::SecretManagerService;
/// use oauth_state::ring::source::KeySource;
/// use oauth_state_gcp::GcpSecret;
///
/// fn ring(client: SecretManagerService) -> GcpSecret {
///     GcpSecret::new(client, "projects/shop/secrets/oauth-state/versions/current")
/// }
/// # let _ = rustls::crypto::ring::default_provider().install_default();
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let anonymous = google_cloud_auth::credentials::anonymous::Builder::new().build();
/// # let client = SecretManagerService::builder().with_credentials(anonymous).build().await.unwrap();
/// assert_eq!(ring(client).name(), "the Google secret projects/shop/secrets/oauth-state, version current");
/// # });
/// ```
pub struct GcpSecret {
    pub(crate) client: SecretManagerService,
    /// `projects/*/secrets/*`, or with `locations/*` in between.
    pub(crate) secret: String,
    pub(crate) version: String,
    pub(crate) name: String,
}

impl GcpSecret {
    /// The secret of this resource name, read with your own client; see [`GcpSecret`] for an example.
    /// `projects/P/secrets/S` reads the version `latest`, `projects/P/secrets/S/versions/V` the version `V`. A regional
    /// secret is `projects/P/locations/L/secrets/S`, and needs a client with the endpoint of that region.
    ///
    /// The client's retry policy does not apply: each request is sent once, because the refresh task retries.
    #[must_use]
    pub fn new(client: SecretManagerService, resource: impl Into<String>) -> Self {
        let resource = resource.into();
        match resource.split_once("/versions/") {
            Some((secret, version)) => Self::of(client, secret.to_owned(), version.to_owned()),
            None => Self::of(client, resource, "latest".to_owned()),
        }
    }

    fn of(client: SecretManagerService, secret: String, version: String) -> Self {
        let name = format!("the Google secret {secret}, version {version}");
        Self { client, secret, version, name }
    }

    /// Reads this version instead: `latest`, a number, or an alias.
    #[must_use]
    pub fn version(self, version: impl Into<String>) -> Self {
        Self::of(self.client, self.secret, version.into())
    }

    pub(crate) fn error(&self, kind: SourceErrorKind, answer: impl std::fmt::Display) -> SourceError {
        SourceError::new(&self.name, kind, answer)
    }

    /// The client would send some names to other addresses than they seem to denote.
    pub(crate) fn check(&self) -> Result<(), SourceError> {
        let plain = |part: &str| {
            part.starts_with(|first: char| first.is_ascii_alphanumeric())
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':'))
        };
        let parts: Vec<&str> = self.secret.split('/').collect();
        let fits = match *parts {
            ["projects", project, "secrets", secret] => [project, secret].into_iter().all(plain),
            ["projects", project, "locations", place, "secrets", secret] => {
                [project, place, secret].into_iter().all(plain)
            }
            _ => false,
        };
        if fits && plain(&self.version) && !self.version.contains(':') {
            return Ok(());
        }
        Err(self.error(SourceErrorKind::Misconfigured, "the name of the secret or the version is invalid").with_remedy(
            "use projects/PROJECT/secrets/SECRET, optionally followed by /versions/ and latest, a number or an alias",
        ))
    }

    /// Never `Unchanged`: a secret that was deleted and recreated counts its versions from one, so one of them may have
    /// the known number.
    async fn read(&self) -> Result<Fetched, SourceError> {
        self.check()?;
        let request =
            self.client.access_secret_version().set_name(format!("{}/versions/{}", self.secret, self.version));
        let answer = once(request).send().await.map_err(|error| self.refused(Step::Access, error))?;
        let version = self.number(&answer.name)?.to_string();
        let unusable = |what| self.error(SourceErrorKind::Unavailable, what);
        let payload = answer.payload.ok_or_else(|| unusable("its response has no payload"))?;
        if payload.data_crc32c.is_some_and(|sum| sum != crc32c(&payload.data)) {
            return Err(unusable("the payload does not match its checksum"));
        }
        // Takes the buffer over, so that no copy of the text stays in it.
        Fetched::from_bytes(&self.name, payload.data.into(), Some(version))
    }

    /// The number at the end of a version's resource name.
    pub(crate) fn number(&self, name: &str) -> Result<i64, SourceError> {
        let number = name.rsplit_once("/versions/").and_then(|(_, number)| number.parse().ok());
        number.ok_or_else(|| self.error(SourceErrorKind::Unavailable, "its response names no version"))
    }
}

/// Sends a request once, with a short time limit.
pub(crate) fn once<R: RequestOptionsBuilder>(request: R) -> R {
    request.with_retry_policy(NeverRetry).with_attempt_timeout(TIME_LIMIT)
}

impl KeySource for GcpSecret {
    fn name(&self) -> &str {
        &self.name
    }

    /// One `AccessSecretVersion`. The reader's role allows no cheaper request, so only the number shows that the
    /// version is the known one.
    fn fetch<'a>(&'a self, _known_version: Option<&'a str>) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        Box::pin(self.read())
    }
}

impl std::fmt::Debug for GcpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GcpSecret")
            .field("secret", &self.secret)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
