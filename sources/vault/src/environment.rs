//! The environment variables of the command-line tools of Vault and OpenBao.

use oauth_state::ring::source::{SourceError, SourceErrorKind};

use crate::{VaultAuth, VaultSecret, VaultSecretBuilder};

impl VaultSecret {
    /// Settings of a secret at `VAULT_ADDR`, with `VAULT_TOKEN` or the token in `~/.vault-token`, and with
    /// `VAULT_NAMESPACE` and `VAULT_CACERT` if they are set. The same names with `BAO_` have precedence.
    /// `VAULT_SKIP_VERIFY` is ignored.
    ///
    /// # Errors
    ///
    /// [`SourceErrorKind::Misconfigured`]: there is no address, or the certificates cannot be read.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use oauth_state::LiveKeyRing;
    /// use oauth_state::ring::Refresh;
    /// use oauth_state_vault::VaultSecret;
    ///
    /// # async fn example() -> Result<(), oauth_state::ring::source::SourceError> {
    /// let source = VaultSecret::from_environment("secret", "shop/oauth-state")?.build()?;
    /// let (keys, refresher) = LiveKeyRing::load(source, Refresh::default()).await?;
    /// tokio::spawn(refresher.run());
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_environment(
        mount: impl Into<String>,
        path: impl Into<String>,
    ) -> Result<VaultSecretBuilder, SourceError> {
        let Some(address) = variable("ADDR") else {
            return Err(SourceError::new("Vault", SourceErrorKind::Misconfigured, "no address is set")
                .with_remedy("set VAULT_ADDR, for example to https://vault.internal:8200"));
        };
        let auth = match (variable("TOKEN"), std::env::home_dir()) {
            (Some(token), _) => VaultAuth::token(token),
            (None, Some(home)) => VaultAuth::token_file(home.join(".vault-token")),
            (None, None) => {
                let answer = "no token is set, and there is no home folder for a token file";
                return Err(
                    SourceError::new("Vault", SourceErrorKind::Misconfigured, answer).with_remedy("set VAULT_TOKEN")
                );
            }
        };
        let mut builder = Self::builder(address, mount, path, auth);
        if let Some(namespace) = variable("NAMESPACE") {
            builder = builder.namespace(namespace);
        }
        if let Some(path) = variable("CACERT") {
            let pem = std::fs::read(&path).map_err(|cause| {
                let answer = format_args!("the CA certificates in {path}: {cause}");
                SourceError::new("Vault", SourceErrorKind::Misconfigured, answer)
                    .with_remedy("correct VAULT_CACERT")
                    .because(cause)
            })?;
            builder = builder.ca_certificates(pem);
        }
        Ok(builder)
    }
}

fn variable(name: &str) -> Option<String> {
    let set = |prefix| std::env::var(format!("{prefix}_{name}")).ok().filter(|value| !value.is_empty());
    set("BAO").or_else(|| set("VAULT"))
}
