#![cfg_attr(feature = "environment", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "environment"), doc = "Key rings of `oauth-state` from AWS Secrets Manager.")]

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

/// The staging label that Secrets Manager gives to the version that counts.
const CURRENT: &str = "AWSCURRENT";

/// A secret in AWS Secrets Manager whose text is a ring document.
///
/// It neither retries nor caches, and switches the retries of the client off for its own calls: the refresh task of
/// `LiveKeyRing::load` tries again.
///
/// # Examples
///
/// ```
/// use oauth_state::ring::source::KeySource;
/// use oauth_state_aws::AwsSecret;
/// use oauth_state_aws::aws_sdk_secretsmanager::{Client, Config, config::Region};
///
/// let config = Config::builder().region(Region::new("eu-central-1"));
/// # let config = config.behavior_version(oauth_state_aws::aws_sdk_secretsmanager::config::BehaviorVersion::latest());
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
    /// The secret of this name or ARN, over the caller's own client.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::ring::source::KeySource;
    /// # use oauth_state_aws::AwsSecret;
    /// # use oauth_state_aws::aws_sdk_secretsmanager::{Client, Config, config::BehaviorVersion};
    /// # let client = Client::from_conf(Config::builder().behavior_version(BehaviorVersion::latest()).build());
    /// let source = AwsSecret::new(client, "prod/oauth-state");
    /// assert!(source.name().ends_with("secret prod/oauth-state"));
    /// ```
    #[must_use]
    pub fn new(client: Client, secret_id: impl Into<String>) -> Self {
        let mut source =
            Self { client, secret_id: secret_id.into(), staging_label: CURRENT.to_owned(), name: String::new() };
        source.rename();
        source
    }

    /// Reads and writes the version under this staging label; without it, `AWSCURRENT`.
    ///
    /// A label chooses which document is read. It never says what role a key has: every server of a fleet must read the same
    /// label, or a key seals on one of them that another does not know.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::ring::source::KeySource;
    /// # use oauth_state_aws::AwsSecret;
    /// # use oauth_state_aws::aws_sdk_secretsmanager::{Client, Config, config::BehaviorVersion};
    /// # let client = Client::from_conf(Config::builder().behavior_version(BehaviorVersion::latest()).build());
    /// let source = AwsSecret::new(client, "prod/oauth-state").staging_label("AWSPREVIOUS");
    /// assert!(source.name().ends_with("secret prod/oauth-state, staging label AWSPREVIOUS"));
    /// ```
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

    /// What a call must not do by itself: the refresh task tries again.
    fn once() -> Builder {
        Builder::new().retry_config(RetryConfig::disabled())
    }

    async fn get(&self) -> Result<GetSecretValueOutput, SdkError<GetSecretValueError, HttpResponse>> {
        self.client
            .get_secret_value()
            .secret_id(&self.secret_id)
            .version_stage(&self.staging_label)
            .customize()
            .config_override(Self::once())
            .send()
            .await
    }

    /// What would be refused with less of an explanation, or not at all.
    fn check(&self) -> Result<(), SourceError> {
        let wrong = match (self.secret_id.as_str(), self.staging_label.as_str()) {
            ("", _) => "the secret has no name",
            (_, "") => "the staging label is empty",
            _ => return Ok(()),
        };
        Err(SourceError::new(&self.name, SourceErrorKind::Misconfigured, wrong))
    }

    /// The document of an answer. Bytes are taken if they are text.
    fn document(&self, mut answer: GetSecretValueOutput, version: Option<String>) -> Result<Fetched, SourceError> {
        if let Some(text) = answer.secret_string.take() {
            return Ok(Fetched::document(text, version));
        }
        let bytes = answer.secret_binary.take().map(aws_sdk_secretsmanager::primitives::Blob::into_inner);
        Fetched::from_bytes(&self.name, bytes.unwrap_or_default(), version)
            .map_err(|error| error.to_do("store the ring as the secret's text (SecretString)"))
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

    /// One `GetSecretValue`. What tells whether the version is still the same would be a call and a right of its own, so the
    /// text is transferred either way.
    fn fetch<'a>(&'a self, known_version: Option<&'a str>) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        Box::pin(async move {
            self.check()?;
            let answer = self.get().await;
            let mut answer = answer.map_err(|error| explain::call(self, "secretsmanager:GetSecretValue", &error))?;
            let version = answer.version_id.take();
            if version.is_some() && version.as_deref() == known_version {
                return Ok(Fetched::Unchanged);
            }
            self.document(answer, version)
        })
    }
}

impl WritableSource for AwsSecret {
    /// Adds a version, and moves the staging label to it from the version that was expected to have it, which Secrets Manager
    /// refuses if another one has it by then. A secret that is not there yet is created.
    ///
    /// # Errors
    ///
    /// As [`KeySource::fetch`] does, and [`SourceErrorKind::Conflict`]; the version that was added stays without a staging
    /// label then, and AWS removes it in time.
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
