#![cfg_attr(feature = "environment", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "environment"), doc = "Key rings of `oauth-state` from AWS Secrets Manager.")]

mod date;
#[cfg(feature = "environment")]
mod environment;
mod explain;
mod store;

use std::fmt;

pub use aws_sdk_secretsmanager;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::Builder;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::get_secret_value::{GetSecretValueError, GetSecretValueOutput};
use oauth_state::BoxFuture;
use oauth_state::ring::SecretString;
use oauth_state::ring::source::{Fetched, KeySource, SourceError, SourceErrorKind, WritableSource};

/// The staging label of the current version.
const CURRENT: &str = "AWSCURRENT";

/// A secret in AWS Secrets Manager whose text is a ring document.
///
/// It neither retries nor caches, and disables the client's retries for its own calls: the refresh task of
/// `LiveKeyRing::load` retries.
///
/// # Examples
///
/// ```
/// use oauth_state::ring::source::KeySource;
/// use oauth_state_aws::AwsSecret;
/// use oauth_state_aws::aws_sdk_secretsmanager::config::{BehaviorVersion, Region};
/// use oauth_state_aws::aws_sdk_secretsmanager::{Client, Config};
///
/// let config = Config::builder().behavior_version(BehaviorVersion::latest()).region(Region::new("eu-central-1"));
/// let source = AwsSecret::new(Client::from_conf(config.build()), "prod/oauth-state");
/// assert_eq!(source.name(), "AWS Secrets Manager in eu-central-1, secret prod/oauth-state");
/// ```
#[derive(Clone)]
pub struct AwsSecret {
    client: Client,
    secret_id: String,
    staging_label: String,
    name: String,
}

impl AwsSecret {
    /// The secret of this name or ARN, with your own client.
    #[must_use]
    pub fn new(client: Client, secret_id: impl Into<String>) -> Self {
        let mut source =
            Self { client, secret_id: secret_id.into(), staging_label: CURRENT.to_owned(), name: String::new() };
        source.rename();
        source
    }

    /// Reads and writes the version with this staging label; `AWSCURRENT` by default.
    ///
    /// The label selects the document, never the role of a key. Every server of a service must read the same label:
    /// otherwise one server seals with a key that another does not know.
    #[must_use]
    pub fn staging_label(mut self, label: impl Into<String>) -> Self {
        self.staging_label = label.into();
        self.rename();
        self
    }

    fn rename(&mut self) {
        let place = match self.client.config().region() {
            Some(region) => format!(" in {region}"),
            None => String::new(),
        };
        let label = match self.staging_label.as_str() {
            CURRENT => String::new(),
            label => format!(", staging label {label}"),
        };
        self.name = format!("AWS Secrets Manager{place}, secret {}{label}", self.secret_id);
    }

    /// The client must not retry, because the refresh task does.
    fn once() -> Builder {
        Builder::new().retry_config(RetryConfig::disabled())
    }

    async fn get(&self) -> Result<GetSecretValueOutput, SdkError<GetSecretValueError, HttpResponse>> {
        self.get_observed(date::Date::default()).await
    }

    /// Also keeps the `Date` of the response.
    async fn get_observed(
        &self,
        date: date::Date,
    ) -> Result<GetSecretValueOutput, SdkError<GetSecretValueError, HttpResponse>> {
        self.client
            .get_secret_value()
            .secret_id(&self.secret_id)
            .version_stage(&self.staging_label)
            .customize()
            .config_override(Self::once())
            .interceptor(date)
            .send()
            .await
    }

    /// Refuses names for which AWS would return a worse error, or none.
    fn check(&self) -> Result<(), SourceError> {
        let wrong = match (self.secret_id.as_str(), self.staging_label.as_str()) {
            ("", _) => "the secret has no name",
            (_, "") => "the staging label is empty",
            _ => return Ok(()),
        };
        Err(SourceError::new(&self.name, SourceErrorKind::Misconfigured, wrong))
    }

    /// The document of a response. Bytes are accepted if they are text.
    fn document(&self, mut answer: GetSecretValueOutput, version: Option<String>) -> Result<Fetched, SourceError> {
        if let Some(text) = answer.secret_string.take() {
            return Ok(Fetched::document(text, version));
        }
        let bytes = answer.secret_binary.take().map(aws_sdk_secretsmanager::primitives::Blob::into_inner);
        Fetched::from_bytes(&self.name, bytes.unwrap_or_default(), version)
            .map_err(|error| error.with_remedy("store the ring as the secret's text (SecretString)"))
    }
}

impl fmt::Debug for AwsSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsSecret").field("name", &self.name).finish_non_exhaustive()
    }
}

impl KeySource for AwsSecret {
    fn name(&self) -> &str {
        &self.name
    }

    /// One `GetSecretValue`. Checking for a new version would be another call with its own right, so the text is always
    /// transferred.
    fn fetch<'a>(&'a self, known_version: Option<&'a str>) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        Box::pin(async move {
            self.check()?;
            let date = date::Date::default();
            let answer = self.get_observed(date.clone()).await;
            let mut answer = answer.map_err(|error| explain::call(self, "secretsmanager:GetSecretValue", &error))?;
            let version = answer.version_id.take();
            if version.is_some() && version.as_deref() == known_version {
                return Ok(Fetched::Unchanged);
            }
            let fetched = self.document(answer, version)?;
            Ok(match date.get() {
                Some(at) => fetched.with_server_time(at),
                None => fetched,
            })
        })
    }
}

impl WritableSource for AwsSecret {
    /// Adds a version, and moves the staging label to it from the expected version. Secrets Manager refuses the move if
    /// another version has the label by then. A missing secret is created.
    ///
    /// # Errors
    ///
    /// As [`KeySource::fetch`], and [`SourceErrorKind::Conflict`]. The added version then has no staging label, and AWS
    /// removes it in time.
    fn store<'a>(
        &'a self,
        document: &'a SecretString,
        expected_version: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<String>, SourceError>> {
        Box::pin(async move {
            self.check()?;
            store::store(self, document, expected_version).await
        })
    }
}
