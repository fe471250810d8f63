//! The source with the credentials of its environment.

use std::error::Error as _;

use google_cloud_secretmanager_v1::client::SecretManagerService;
use oauth_state::ring::source::{SourceError, SourceErrorKind};
use rustls::crypto::{CryptoProvider, ring};

use crate::secret::GcpSecret;

impl GcpSecret {
    /// The secret of this resource name, read with Google's application default credentials, at its region's address if
    /// it is a regional secret.
    ///
    /// It needs a Tokio runtime. If the process has installed no cryptography provider for rustls, this installs ring.
    ///
    /// # Errors
    ///
    /// [`SourceErrorKind::Misconfigured`] if there are no such credentials, or if they cannot be read.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use oauth_state::LiveKeyRing;
    /// use oauth_state::ring::Refresh;
    /// use oauth_state_gcp::GcpSecret;
    ///
    /// # async fn example() -> Result<(), oauth_state::ring::source::SourceError> {
    /// let source = GcpSecret::from_environment("projects/shop/secrets/oauth-state/versions/current").await?;
    /// let (keys, refresher) = LiveKeyRing::load(source, Refresh::default()).await?;
    /// tokio::spawn(refresher.run());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn from_environment(resource: impl Into<String>) -> Result<Self, SourceError> {
        let resource = resource.into();
        if CryptoProvider::get_default().is_none() {
            // Refused only if another thread has just installed one, which works as well.
            let _ = ring::default_provider().install_default();
        }
        let mut client = SecretManagerService::builder();
        if let Some(region) = region(&resource) {
            client = client.with_endpoint(format!("https://secretmanager.{region}.rep.googleapis.com"));
        }
        match client.build().await {
            Ok(client) => Ok(Self::new(client, resource)),
            Err(error) => {
                let name = format!("the Google secret {resource}");
                Err(SourceError::new(name, SourceErrorKind::Misconfigured, why(&error)).with_remedy(
                    "let GOOGLE_APPLICATION_CREDENTIALS name a file of credentials, or unset it where the machine has an \
                     account of its own",
                ))
            }
        }
    }
}

/// The fault of the credentials, without quoting them.
fn why(error: &google_cloud_gax::client_builder::Error) -> String {
    match error.source().and_then(|cause| cause.downcast_ref::<google_cloud_auth::build_errors::Error>()) {
        Some(cause) if cause.is_parsing() => "the credentials file is invalid".to_owned(),
        Some(cause) => cause.to_string(),
        None => error.to_string(),
    }
}

/// A regional secret is available only at its region's address.
fn region(resource: &str) -> Option<&str> {
    let mut parts = resource.split('/').skip_while(|part| *part != "locations");
    parts.nth(1).filter(|region| region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
}

#[cfg(test)]
mod tests;
