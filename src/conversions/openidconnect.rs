//! Conversions to the types of the `openidconnect` crate. It re-exports the types of `oauth2`, so that the conversions
//! of that feature serve here as well.

use crate::flow::{AuthorizationRequest, Nonce};

impl AuthorizationRequest {
    /// The nonce, as `authorize_url` takes it.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, Binding, Login};
    /// let begun = testing::flow().begin(Binding::session(&[7; 16])?, Login::with("github"))?;
    /// assert_eq!(begun.openidconnect_nonce().secret(), &begun.nonce);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn openidconnect_nonce(&self) -> openidconnect::Nonce {
        openidconnect::Nonce::new(self.nonce.clone())
    }
}

/// For `IdToken::claims`, which compares it.
///
/// # Examples
///
/// ```
/// use oauth_state::{testing, LoginOutcome};
/// let LoginOutcome::Authorized(login) = testing::finished() else { panic!("the provider refused") };
/// let nonce: openidconnect::Nonce = login.nonce.into();
/// assert_eq!(nonce.secret().len(), 22);
/// ```
impl From<Nonce> for openidconnect::Nonce {
    fn from(mut nonce: Nonce) -> Self {
        Self::new(std::mem::take(&mut nonce.0))
    }
}
