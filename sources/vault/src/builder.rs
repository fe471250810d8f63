//! What a source is told about its server.

use std::fmt;

use oauth_state::ring::source::{SourceError, SourceErrorKind};

use crate::VaultSecret;
use crate::address::{Address, escaped, segments};
use crate::auth::{Method, VaultAuth};
use crate::http::Http;
use crate::session::Session;

/// Settings of a [`VaultSecret`], from [`VaultSecret::builder`].
///
/// # Examples
///
/// ```
/// use oauth_state::ring::source::SourceErrorKind;
/// use oauth_state_vault::{VaultAuth, VaultSecret};
/// let auth = VaultAuth::token_file("/vault/token");
/// let error = VaultSecret::builder("vault.internal", "secret", "shop/oauth-state", auth).build().unwrap_err();
/// assert_eq!(error.kind(), SourceErrorKind::Misconfigured);
/// ```
#[must_use = "call build()"]
#[derive(Clone)]
pub struct VaultSecretBuilder {
    pub(crate) address: String,
    mount: String,
    path: String,
    auth: VaultAuth,
    field: String,
    namespace: Option<String>,
    certificates: Option<Vec<u8>>,
    unencrypted: bool,
}

impl VaultSecretBuilder {
    pub(crate) fn new(address: String, mount: String, path: String, auth: VaultAuth) -> Self {
        let field = "ring".to_owned();
        Self { address, mount, path, auth, field, namespace: None, certificates: None, unencrypted: false }
    }

    /// The field that holds the document; without it, `ring`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::ring::source::KeySource;
    /// # use oauth_state_vault::{VaultAuth, VaultSecret};
    /// # let auth = VaultAuth::token_file("/vault/token");
    /// let source = VaultSecret::builder("https://vault", "secret", "shop", auth).field("keys").build()?;
    /// assert!(source.name().ends_with("secret secret/shop, field keys"));
    /// # Ok::<(), oauth_state::ring::source::SourceError>(())
    /// ```
    pub fn field(mut self, name: impl Into<String>) -> Self {
        self.field = name.into();
        self
    }

    /// The namespace that mount, path and login are in.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::ring::source::KeySource;
    /// # use oauth_state_vault::{VaultAuth, VaultSecret};
    /// # let auth = VaultAuth::token_file("/vault/token");
    /// let source = VaultSecret::builder("https://vault", "secret", "shop", auth).namespace("team-a").build()?;
    /// assert!(source.name().ends_with("secret secret/shop, namespace team-a"));
    /// # Ok::<(), oauth_state::ring::source::SourceError>(())
    /// ```
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.namespace = Some(name.into());
        self
    }

    /// Trusts these certificates, as PEM, instead of those of the operating system: for an authority of one's own.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state_vault::{VaultAuth, VaultSecret};
    /// # let auth = VaultAuth::token_file("/vault/token");
    /// let builder = VaultSecret::builder("https://vault", "secret", "shop", auth);
    /// assert!(builder.ca_certificates("not a certificate").build().is_err());
    /// ```
    pub fn ca_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificates = Some(pem.into());
        self
    }

    /// Allows an `http://` address of another machine.
    ///
    /// # Security
    ///
    /// Whoever is on the way reads the token and the keys. An agent or a proxy on this machine needs no such leave.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state_vault::{VaultAuth, VaultSecret};
    /// # let auth = VaultAuth::token_file("/vault/token");
    /// let builder = VaultSecret::builder("http://vault.internal:8200", "secret", "shop", auth);
    /// assert!(builder.clone().build().is_err());
    /// assert!(builder.dangerously_allow_unencrypted().build().is_ok());
    /// ```
    pub fn dangerously_allow_unencrypted(mut self) -> Self {
        self.unencrypted = true;
        self
    }

    /// Makes the source. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// [`SourceErrorKind::Misconfigured`]: the address is none or is not encrypted, a name is empty or leads elsewhere, a
    /// certificate is none.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state_vault::{VaultAuth, VaultSecret};
    /// # let auth = VaultAuth::token_file("/vault/token");
    /// let error = VaultSecret::builder("https://vault", "secret", "shop/../other", auth).build().unwrap_err();
    /// assert!(error.to_string().contains("the path"));
    /// ```
    pub fn build(self) -> Result<VaultSecret, SourceError> {
        let Self { mount, path, field, .. } = &self;
        let Some(address) = Address::parse(&self.address) else {
            // Not repeated: it may hold a password.
            return Err(SourceError::new("Vault", SourceErrorKind::Misconfigured, "the address is none")
                .to_do("give scheme, host and port and nothing else, as in https://vault.internal:8200"));
        };
        let mut name =
            format!("Vault at {}, secret {}/{}", address.text, mount.trim_matches('/'), path.trim_matches('/'));
        if field != "ring" {
            name.push_str(&format!(", field {field}"));
        }
        if let Some(namespace) = &self.namespace {
            name.push_str(&format!(", namespace {namespace}"));
        }
        let wrong = |answer: &str| SourceError::new(&name, SourceErrorKind::Misconfigured, answer);
        if !address.encrypted && !address.loopback && !self.unencrypted {
            return Err(wrong("the address is not encrypted, so that keys and token could be read on the way")
                .to_do("use https://"));
        }
        let names = |text, of: &str| {
            segments(text).ok_or_else(|| wrong(&format!("the {of} is empty, or holds an empty part, `.` or `..`")))
        };
        let (mount_names, path_names) = (names(mount, "mount")?, names(path, "path")?);
        if let Method::AppRole { mount, .. } = &self.auth.0 {
            names(mount, "mount of AppRole")?;
        }
        if field.is_empty() {
            return Err(wrong("the field has no name"));
        }
        let http = Http::new(&name, &address, self.namespace.as_deref(), self.certificates.as_deref())?;
        Ok(VaultSecret {
            http,
            session: Session::new(self.auth.clone()),
            policy_path: format!("{}/data/{}", mount_names.join("/"), path_names.join("/")),
            request_path: format!("{}/data/{}", escaped(&mount_names), escaped(&path_names)),
            field: field.clone(),
        })
    }
}

impl fmt::Debug for VaultSecretBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultSecretBuilder")
            .field("mount", &self.mount)
            .field("path", &self.path)
            .field("auth", &self.auth)
            .field("field", &self.field)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}
