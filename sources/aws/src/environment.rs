//! A client of our own, from what the environment says.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::Client;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

use crate::AwsSecret;

/// Credentials may have to be fetched first, so that both together stay well below ten seconds.
const CONNECT: Duration = Duration::from_secs(2);
const CALL: Duration = Duration::from_secs(4);

impl AwsSecret {
    /// The secret of this name or ARN, over a client that takes region and credentials from where the AWS tools take them: the
    /// environment, the profile, a web identity (EKS), the task (ECS) or the instance (EC2).
    ///
    /// With a role for every service there is nothing to configure but the secret's name.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::source::KeySource;
    /// use oauth_state_aws::AwsSecret;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let source = AwsSecret::from_environment("prod/oauth-state").await;
    /// assert!(source.name().ends_with("secret prod/oauth-state"));
    /// # });
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
