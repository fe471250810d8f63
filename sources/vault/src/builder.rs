//! The settings of a source.

use std::fmt;

use oauth_state::ring::source::{SourceError, SourceErrorKind};

use crate::VaultSecret;
use crate::address::{Address, escaped, segments};
use crate::auth::{Method, VaultAuth};
use crate::http::Http;
use crate::session::Session;

/// Settings of a [`VaultSecret`], from [`VaultSecret::builder`].
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

    /// The field that holds the document, `ring` by default.
    pub fn field(mut self, name: impl Into<String>) -> Self {
        self.field = name.into();
        self
    }

    /// The namespace of mount, path and login.
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.namespace = Some(name.into());
        self
    }

    /// Trusts these certificates (PEM) instead of the operating system's, for a certificate authority of your own.
    pub fn ca_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificates = Some(pem.into());
        self
    }

    /// Allows an `http://` address of another machine.
    ///
    /// # Security
    ///
    /// An attacker on the network can read the token and the keys. An agent or a proxy on this machine does not need
    /// this setting.
    pub fn dangerously_allow_unencrypted(mut self) -> Self {
        self.unencrypted = true;
        self
    }

    /// Builds the source. It sends no request yet.
    ///
    /// # Errors
    ///
    /// [`SourceErrorKind::Misconfigured`]: the address is invalid or not encrypted, a name is empty or contains `..`,
    /// or a certificate is invalid.
    pub fn build(self) -> Result<VaultSecret, SourceError> {
        let Self { mount, path, field, .. } = &self;
        let Some(address) = Address::parse(&self.address) else {
            // Do not repeat the address: it may contain a password.
            return Err(SourceError::new("Vault", SourceErrorKind::Misconfigured, "the address is invalid")
                .with_remedy("use only scheme, host and port, such as https://vault.internal:8200"));
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
            return Err(wrong("the address is not encrypted, so an attacker on the network could read keys and token")
                .with_remedy("use https://"));
        }
        let names = |text, of: &str| {
            segments(text).ok_or_else(|| wrong(&format!("the {of} is empty, or contains an empty part, `.` or `..`")))
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
