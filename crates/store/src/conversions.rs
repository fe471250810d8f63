//! Conversions to the types of the `oauth2` and `openidconnect` crates.

use oauth_state::seam;
use oauth2::{CsrfToken, PkceCodeChallenge};

use crate::Issued;

impl Issued {
    /// The state, as `authorize_url` takes it.
    ///
    /// # Examples
    ///
    /// ```
    /// let issued = oauth_state_store::Issued::bare("d6f1a0c9".to_owned());
    /// assert_eq!(issued.csrf_token().secret(), "d6f1a0c9");
    /// ```
    pub fn csrf_token(&self) -> CsrfToken {
        CsrfToken::new(self.state.clone())
    }

    /// The challenge, as `set_pkce_challenge` takes it, if the store has one.
    ///
    /// # Panics
    ///
    /// Never: the two fields are of the type's own form.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(oauth_state_store::Issued::bare("d6f1a0c9".to_owned()).pkce_challenge().is_none());
    /// ```
    #[must_use]
    pub fn pkce_challenge(&self) -> Option<PkceCodeChallenge> {
        self.code_challenge.as_deref().map(seam::pkce_challenge)
    }

    /// The nonce, as `authorize_url` takes it, if the store has one.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(oauth_state_store::Issued::bare("d6f1a0c9".to_owned()).openidconnect_nonce().is_none());
    /// ```
    #[cfg(feature = "openidconnect")]
    #[must_use]
    pub fn openidconnect_nonce(&self) -> Option<openidconnect::Nonce> {
        self.nonce.clone().map(openidconnect::Nonce::new)
    }
}
