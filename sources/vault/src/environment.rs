//! What the command lines of Vault and OpenBao read from the environment.

use oauth_state::ring::source::{SourceError, SourceErrorKind};

use crate::{VaultAuth, VaultSecret, VaultSecretBuilder};

impl VaultSecret {
    /// A secret at `VAULT_ADDR`, with `VAULT_TOKEN` or the token in `~/.vault-token`, and with `VAULT_NAMESPACE` and
    /// `VAULT_CACERT` if they are set; the same names with `BAO_` come first. `VAULT_SKIP_VERIFY` is not heeded.
    ///
    /// # Errors
    ///
    /// [`SourceErrorKind::Misconfigured`]: there is no address, or the certificates cannot be read.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_vault::VaultSecret;
    /// # if std::env::var_os("VAULT_ADDR").is_none() && std::env::var_os("BAO_ADDR").is_none() {
    /// let error = VaultSecret::from_environment("secret", "shop/oauth-state").unwrap_err();
    /// assert!(error.to_string().ends_with("set VAULT_ADDR, as in https://vault.internal:8200"));
    /// # }
    /// ```
    pub fn from_environment(
        mount: impl Into<String>,
        path: impl Into<String>,
    ) -> Result<VaultSecretBuilder, SourceError> {
        let Some(address) = variable("ADDR") else {
            return Err(SourceError::new("Vault", SourceErrorKind::Misconfigured, "there is no address")
                .to_do("set VAULT_ADDR, as in https://vault.internal:8200"));
        };
        let auth = match (variable("TOKEN"), std::env::home_dir()) {
            (Some(token), _) => VaultAuth::token(token),
            (None, Some(home)) => VaultAuth::token_file(home.join(".vault-token")),
            (None, None) => {
                let answer = "there is no token, and no home folder that could hold one";
                return Err(SourceError::new("Vault", SourceErrorKind::Misconfigured, answer).to_do("set VAULT_TOKEN"));
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
                    .to_do("correct VAULT_CACERT")
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
