//! Sources of key rings: one document format, wherever it is stored.
//!
//! A [`KeySource`] fetches the text of a ring document; [`LiveKeyRing::load`](crate::LiveKeyRing::load) reads it, checks it and keeps it
//! fresh. This module has [`EnvSource`], [`FileSource`] and, for your own client, [`source_fn`]. AWS Secrets Manager, HashiCorp Vault and
//! OpenBao, Google Secret Manager and Azure Key Vault have separate packages because of their large clients: `oauth-state-aws`,
//! `oauth-state-vault`, `oauth-state-gcp`, `oauth-state-azure`.
//!
//! # Examples
//!
//! A source of your own needs one method and a name:
//!
//! ```
//! use oauth_state::BoxFuture;
//! use oauth_state::ring::source::{Fetched, KeySource, SourceError, SourceErrorKind};
//! use oauth_state::testing::block_on;
//!
//! struct Table(std::collections::HashMap<&'static str, String>);
//!
//! impl KeySource for Table {
//!     fn name(&self) -> &str { "the table of secrets" }
//!     fn fetch<'a>(&'a self, _known_version: Option<&'a str>) -> BoxFuture<'a, Result<Fetched, SourceError>> {
//!         Box::pin(async move {
//!             match self.0.get("oauth-state") {
//!                 Some(text) => Ok(Fetched::document(text.clone(), None)),
//!                 None => Err(SourceError::new(self.name(), SourceErrorKind::Missing, "no such row")),
//!             }
//!         })
//!     }
//! }
//!
//! let error = block_on(Table(Default::default()).fetch(None)).unwrap_err();
//! assert_eq!((error.kind(), error.answer()), (SourceErrorKind::Missing, "no such row"));
//! ```

mod background;
mod bytes;
pub(crate) mod document;
mod env;
mod error;
mod file;
mod function;
pub mod helper;

use std::fmt;
use std::time::SystemTime;

pub use env::EnvSource;
pub use error::{SourceError, SourceErrorKind};
pub use file::FileSource;
pub use function::{SourceFn, source_fn};

use crate::future::BoxFuture;
use crate::secret::SecretString;

pub(crate) use document::RingError;

/// The answer of a source. `Debug` never prints the text.
#[non_exhaustive]
pub enum Fetched {
    /// The stored text: a root key or a ring document.
    #[non_exhaustive]
    Document {
        /// Zeroized on drop.
        text: SecretString,
        /// The source's own name for this version, if it has one; it is passed to the next [`KeySource::fetch`].
        version: Option<String>,
        /// The time by the store's own clock when it answered, if it sent one, such as the `Date` of an HTTP response. The command line
        /// compares it with this computer's clock before it changes a ring.
        server_time: Option<SystemTime>,
    },
    /// The version that the caller knows is still current.
    Unchanged,
}

impl Fetched {
    /// A document, and the source's own name for its version.
    #[must_use]
    pub fn document(text: impl Into<SecretString>, version: Option<String>) -> Self {
        Self::Document { text: text.into(), version, server_time: None }
    }

    /// Adds the time by the store's own clock, in whole seconds or finer.
    #[must_use]
    pub fn with_server_time(mut self, at: SystemTime) -> Self {
        if let Self::Document { server_time, .. } = &mut self {
            *server_time = Some(at);
        }
        self
    }

    /// A document that the store returns as bytes.
    ///
    /// Pass all bytes on, up to a megabyte: revocations are also found in bytes that are not text, and in a document that is too long.
    ///
    /// # Errors
    ///
    /// [`SourceErrorKind::Document`] if they are not UTF-8. The error contains the document's revocations, and the refresh task applies
    /// them.
    pub fn from_bytes(source_name: &str, bytes: Vec<u8>, version: Option<String>) -> Result<Self, SourceError> {
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::document(text, version)),
            Err(error) => {
                let bytes = zeroize::Zeroizing::new(error.into_bytes());
                let refused = document::text_of(&bytes).err().unwrap_or(RingError::NotUtf8);
                Err(SourceError::document(source_name, refused).revoking(&bytes))
            }
        }
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document { version, .. } => write!(f, "Document({version:?}, [redacted])"),
            Self::Unchanged => f.write_str("Unchanged"),
        }
    }
}

/// A store for the text of a key ring.
///
/// The secret's *value* is the ring document. A staging label, an alias or a version may choose which document is fetched; it never
/// determines the role of a key. Every source must pass the suite `testing::source_suite`. [The module](self) has an example of an
/// implementation.
pub trait KeySource: Send + Sync + 'static {
    /// The source's name in logs and errors, such as `the file /etc/shop/ring.json`. It must not contain a credential.
    fn name(&self) -> &str;

    /// Fetches the document. A source with versions returns [`Fetched::Unchanged`] for `known_version`, and saves the transfer if its
    /// interface allows that.
    ///
    /// Only the refresh task calls it, one call at a time, under that task's time limit; it needs neither retries nor a cache.
    fn fetch<'a>(&'a self, known_version: Option<&'a str>) -> BoxFuture<'a, Result<Fetched, SourceError>>;

    /// Resolves when the source has reason to believe that its document changed, so that it is fetched at once instead of after the
    /// interval. By default it never resolves.
    fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

impl<S: KeySource + ?Sized> KeySource for Box<S> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn fetch<'a>(&'a self, known_version: Option<&'a str>) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        (**self).fetch(known_version)
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        (**self).changed()
    }
}

impl<S: KeySource + ?Sized> KeySource for std::sync::Arc<S> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn fetch<'a>(&'a self, known_version: Option<&'a str>) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        (**self).fetch(known_version)
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        (**self).changed()
    }
}

/// A source to which a rotation can be written.
///
/// # Examples
///
/// ```
/// use oauth_state::ring::source::{FileSource, SourceErrorKind, WritableSource};
/// use oauth_state::ring::{KeyRingDocument, RingTiming};
/// use oauth_state::testing::block_on;
/// use std::time::SystemTime;
///
/// let path = std::env::temp_dir().join(format!("writable-source-{}.json", std::process::id()));
/// let source = FileSource::new(&path);
/// let first = KeyRingDocument::first(RingTiming::default(), SystemTime::now())?;
/// let version = block_on(source.store(&first.to_secret_text(), None))?;
///
/// let second = first.rotate(SystemTime::now())?.document;
/// block_on(source.store(&second.to_secret_text(), version.as_deref()))?;
///
/// // Another rotation that started from the first document writes nothing:
/// let error = block_on(source.store(&second.to_secret_text(), version.as_deref())).unwrap_err();
/// assert_eq!(error.kind(), SourceErrorKind::Conflict);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait WritableSource: KeySource {
    /// Replaces the document if its current version is `expected_version`, or creates it if that is `None` and there is no document.
    /// Otherwise nothing is written, and the error's kind is [`SourceErrorKind::Conflict`]: of two simultaneous rotations, neither must be
    /// lost.
    fn store<'a>(
        &'a self,
        document: &'a SecretString,
        expected_version: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<String>, SourceError>>;
}

impl<S: WritableSource + ?Sized> WritableSource for Box<S> {
    fn store<'a>(
        &'a self,
        document: &'a SecretString,
        expected_version: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<String>, SourceError>> {
        (**self).store(document, expected_version)
    }
}

impl<S: WritableSource + ?Sized> WritableSource for std::sync::Arc<S> {
    fn store<'a>(
        &'a self,
        document: &'a SecretString,
        expected_version: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<String>, SourceError>> {
        (**self).store(document, expected_version)
    }
}
