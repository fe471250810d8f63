//! A client configured from the environment.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::Client;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

use crate::AwsSecret;

/// Credentials may have to be fetched first, so both limits together stay well below ten seconds.
const CONNECT: Duration = Duration::from_secs(2);
const CALL: Duration = Duration::from_secs(4);

impl AwsSecret {
    /// The secret of this name or ARN. The client gets its region and credentials from the same places as the AWS
    /// tools: the environment, the profile, a web identity (EKS), the task (ECS) or the instance (EC2).
    ///
    /// If every service has its own role, only the secret's name has to be configured.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use oauth_state::LiveKeyRing;
    /// use oauth_state::ring::Refresh;
    /// use oauth_state_aws::AwsSecret;
    ///
    /// # async fn example() -> Result<(), oauth_state::ring::source::SourceError> {
    /// let source = AwsSecret::from_environment("prod/oauth-state").await;
    /// let (keys, refresher) = LiveKeyRing::load(source, Refresh::default()).await?;
    /// tokio::spawn(refresher.run());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn from_environment(secret_id: impl Into<String>) -> Self {
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let times =
            TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(CALL).operation_timeout(CALL).build();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .retry_config(RetryConfig::disabled())
            .timeout_config(times);
        Self::new(Client::new(&config.load().await), secret_id)
    }
}
