//! A key ring from a file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::document::{self, RingError};
use crate::key::KeyRing;
use crate::secret::SecretText;

impl KeyRing {
    /// Reads the ring from a file that holds a bare root key or a ring document.
    ///
    /// # Security
    ///
    /// Give the file mode 0400 or 0600 and the service's own user.
    ///
    /// # Errors
    ///
    /// [`RingError`] says what is missing or wrong.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{KeyRing, RootKey};
    ///
    /// let path = std::env::temp_dir().join(format!("ring-{}", std::process::id()));
    /// std::fs::write(&path, RootKey::generate()?.to_secret_text().expose())?;
    /// assert_eq!(KeyRing::from_file(&path)?.serial(), 0);
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, RingError> {
        let path = path.as_ref();
        let refused = |source| RingError::File { path: path.to_owned(), source };
        // One byte more than is allowed tells a document that is too large from one that just fits. The capacity is
        // there from the start, so that a growing buffer leaves no copy of the keys behind.
        let most = document::LARGEST.saturating_add(1);
        let mut text = zeroize::Zeroizing::new(String::with_capacity(most));
        File::open(path).and_then(|file| file.take(most as u64).read_to_string(&mut text)).map_err(refused)?;
        Self::parse(SecretText::from(std::mem::take(&mut *text)).expose())
    }
}
