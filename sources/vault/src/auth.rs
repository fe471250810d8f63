//! How the service authenticates to Vault.

use std::fmt;
use std::path::{Path, PathBuf};

use oauth_state::ring::SecretString;

/// How a [`VaultSecret`](crate::VaultSecret) gets its token. `Debug` shows neither a token nor a secret id.
///
/// # Examples
///
/// ```
/// use oauth_state_vault::{VaultAuth, VaultSecret};
///
/// // The secret id is read from the file at every login, so it can be replaced while the service runs.
/// let auth = VaultAuth::app_role_with_file("5ad2b9c1", "/run/secrets/secret-id").mount("teams/approle");
/// let source = VaultSecret::builder("https://vault.internal:8200", "secret", "shop/oauth-state", auth).build()?;
/// # Ok::<(), oauth_state::ring::source::SourceError>(())
/// ```
#[derive(Clone)]
pub struct VaultAuth(pub(crate) Method);

#[derive(Clone)]
pub(crate) enum Method {
    Token(SecretString),
    TokenFile(PathBuf),
    AppRole { mount: String, role_id: String, secret_id: SecretId },
}

#[derive(Clone)]
pub(crate) enum SecretId {
    Text(SecretString),
    File(PathBuf),
}

impl VaultAuth {
    /// A token. It is renewed after half of its lifetime, if it can be renewed.
    ///
    /// # Security
    ///
    /// It is not replaced after it has expired. For a service, prefer [`VaultAuth::app_role`] or the token file of an
    /// agent.
    #[must_use]
    pub fn token(token: impl Into<SecretString>) -> Self {
        Self(Method::Token(token.into()))
    }

    /// A file with a token, read at every fetch: the sink of an agent, which also renews the token, or the
    /// `~/.vault-token` of `vault login`.
    #[must_use]
    pub fn token_file(path: impl Into<PathBuf>) -> Self {
        Self(Method::TokenFile(path.into()))
    }

    /// A login with AppRole when a token is needed, and another one when the token can no longer be renewed or is
    /// refused.
    #[must_use]
    pub fn app_role(role_id: impl Into<String>, secret_id: impl Into<SecretString>) -> Self {
        Self::role(role_id.into(), SecretId::Text(secret_id.into()))
    }

    /// The same with the secret id in a file, which is read at every login, so the secret id can be replaced.
    #[must_use]
    pub fn app_role_with_file(role_id: impl Into<String>, secret_id: impl Into<PathBuf>) -> Self {
        Self::role(role_id.into(), SecretId::File(secret_id.into()))
    }

    fn role(role_id: String, secret_id: SecretId) -> Self {
        Self(Method::AppRole { mount: "approle".to_owned(), role_id, secret_id })
    }

    /// The mount path of AppRole below `auth/`, `approle` by default. A token does not need it.
    #[must_use]
    pub fn mount(mut self, path: impl Into<String>) -> Self {
        if let Method::AppRole { mount, .. } = &mut self.0 {
            *mount = path.into();
        }
        self
    }
}

impl fmt::Debug for VaultAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Method::Token(_) => f.write_str("token"),
            Method::TokenFile(path) => write!(f, "token file {}", path.display()),
            Method::AppRole { mount, .. } => write!(f, "AppRole at auth/{mount}"),
        }
    }
}

/// The text of a file with one credential, without the line end.
pub(crate) fn credential(path: &Path) -> std::io::Result<SecretString> {
    let text = SecretString::from(std::fs::read_to_string(path)?);
    match text.expose().trim() {
        "" => Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "the file is empty")),
        trimmed => Ok(SecretString::from(trimmed.to_owned())),
    }
}
