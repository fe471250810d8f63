//! The source with the credentials of its environment.

use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use azure_identity::{
    AzureCliCredential, ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
    WorkloadIdentityCredential,
};
use azure_security_keyvault_secrets::{ResourceId, SecretClient};
use oauth_state::ring::source::{SourceError, SourceErrorKind};
use rustls::crypto::{CryptoProvider, ring};

use crate::secret::{AzureSecret, client_options};

impl AzureSecret {
    /// The secret of this address, `https://VAULT.vault.azure.net/secrets/NAME`, optionally followed by `/VERSION`.
    ///
    /// `AZURE_TOKEN_CREDENTIALS` names the credential: `ManagedIdentityCredential`, `WorkloadIdentityCredential` or
    /// `AzureCliCredential`. If it is unset, the credential is the workload identity if the platform names a token
    /// file, the managed identity if the platform names an endpoint for it, and the Azure CLI otherwise.
    /// `AZURE_CLIENT_ID` selects one of a machine's managed identities.
    ///
    /// If the process has installed no cryptography provider for rustls, this installs ring.
    ///
    /// # Errors
    ///
    /// [`SourceErrorKind::Misconfigured`] if the address is not that of a secret, or the environment names no
    /// credential.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use oauth_state::LiveKeyRing;
    /// use oauth_state::ring::Refresh;
    /// use oauth_state_azure::AzureSecret;
    ///
    /// # async fn example() -> Result<(), oauth_state::ring::source::SourceError> {
    /// let source = AzureSecret::from_environment("https://shop.vault.azure.net/secrets/oauth-state")?;
    /// let (keys, refresher) = LiveKeyRing::load(source, Refresh::default()).await?;
    /// tokio::spawn(refresher.run());
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_environment(address: &str) -> Result<Self, SourceError> {
        if CryptoProvider::get_default().is_none() {
            // Refused only if another thread has just installed one, which works as well.
            let _ = ring::default_provider().install_default();
        }
        let misconfigured = |what: &dyn std::fmt::Display| {
            SourceError::new(format!("the Azure secret {address}"), SourceErrorKind::Misconfigured, what)
        };
        let id: ResourceId = address.parse().map_err(|error| {
            misconfigured(&error)
                .with_remedy("use https://VAULT.vault.azure.net/secrets/NAME, optionally followed by a version")
        })?;
        let credential = credential().map_err(|error| {
            misconfigured(&error).with_remedy(
                "set AZURE_TOKEN_CREDENTIALS to ManagedIdentityCredential, WorkloadIdentityCredential or AzureCliCredential",
            )
        })?;
        let client = SecretClient::new(&id.vault_url, credential, Some(client_options()))
            .map_err(|error| misconfigured(&error))?;
        let source = Self::new(client, id.name);
        Ok(match id.version {
            Some(version) => source.version(version),
            None => source,
        })
    }
}

fn credential() -> azure_core::Result<Arc<dyn TokenCredential>> {
    let set = |variable: &str| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    let named = std::env::var("AZURE_TOKEN_CREDENTIALS").ok().filter(|name| !name.is_empty());
    Ok(match named.as_deref() {
        Some("WorkloadIdentityCredential") => WorkloadIdentityCredential::new(None)?,
        Some("ManagedIdentityCredential") => managed_identity()?,
        Some("AzureCliCredential") => AzureCliCredential::new(None)?,
        Some(other) => {
            let kind = azure_core::error::ErrorKind::Other;
            return Err(azure_core::Error::with_message(kind, format!("AZURE_TOKEN_CREDENTIALS is {other}")));
        }
        None if set("AZURE_FEDERATED_TOKEN_FILE") => WorkloadIdentityCredential::new(None)?,
        None if set("IDENTITY_ENDPOINT") => managed_identity()?,
        None => AzureCliCredential::new(None)?,
    })
}

fn managed_identity() -> azure_core::Result<Arc<ManagedIdentityCredential>> {
    let client_id = std::env::var("AZURE_CLIENT_ID").ok().filter(|id| !id.is_empty());
    ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
        user_assigned_id: client_id.map(UserAssignedId::ClientId),
        ..Default::default()
    }))
}
