//! Reading a signed state without a key.

use std::fmt;
use std::time::SystemTime;

use super::BoundBy;
use crate::claims::codec::Claims;
use crate::clock::from_unix_seconds;
use crate::token::wire::{self, Form, LONGEST_BYTES};

/// The contents of a signed state, read without a key and therefore **unverified**: anyone can write such a text.
///
/// For a proxy or a page that shows something during the callback, and for support.
///
/// # Security
///
/// All of it is an attacker's text until a callback has finished the state. Never sign a user in by it, never redirect to its path (it is a
/// `String` and no [`ReturnTo`](crate::ReturnTo) for that reason), and escape it before you show it. The purpose, the application and the
/// environment are not part of a state, so they cannot be read from it.
///
/// # Examples
///
/// ```
/// use oauth_state::inspect::UnverifiedClaims;
/// use oauth_state::{testing, App, Binding, Flow, Login, Provider, ReturnTo, SingleProcessGuard};
/// let guard = SingleProcessGuard::with_capacity(100);
/// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), guard)
///     .provider(Provider::github())
///     .build_signed_not_encrypted()?;
/// let login = Login::with("github").return_to("/basket".parse::<ReturnTo>()?);
/// let state = flow.begin(Binding::session(&[7; 16])?, login)?.state;
///
/// let claims = UnverifiedClaims::read(&state).unwrap();
/// assert_eq!((claims.provider.as_str(), claims.return_to.as_deref()), ("github", Some("/basket")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnverifiedClaims {
    /// The id of the provider.
    pub provider: String,
    /// The tenant's bytes.
    pub tenant: Option<Vec<u8>>,
    /// The id of the redirect_uri.
    pub redirect: Option<String>,
    /// The return path, unchecked: it may lead to any site.
    pub return_to: Option<String>,
    /// When it started.
    pub issued_at: SystemTime,
    /// When it expires.
    pub expires_at: SystemTime,
    /// How many times it was restarted.
    pub restarts: u8,
    /// The binding of the login.
    pub bound_by: BoundBy,
    /// Whether it belongs to a user who was signed in when it started.
    pub has_user: bool,
    /// Whether it claims a provider that the application loads at run time.
    pub is_connection: bool,
    /// Your own data, as JSON; empty if there is none.
    pub data: Vec<u8>,
}

impl UnverifiedClaims {
    /// Reads a signed state (`oss1…`) without a key. `None` for an encrypted state, a handle or any other text.
    #[must_use]
    pub fn read(state: &str) -> Option<Self> {
        let mut buffer = [0; LONGEST_BYTES];
        let token = wire::read(state, &mut buffer).ok().filter(|token| token.form == Form::Signed)?;
        let claims = Claims::read(token.text).ok()?;
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Some(Self {
            provider: claims.provider.to_owned(),
            tenant: (!claims.tenant.is_empty()).then(|| claims.tenant.to_vec()),
            redirect: text(claims.redirect),
            return_to: text(claims.return_to),
            issued_at: from_unix_seconds(claims.issued_at.into()),
            expires_at: from_unix_seconds(claims.expires_at()),
            restarts: claims.restarts,
            bound_by: claims.kind.into(),
            has_user: claims.user_tag.is_some(),
            is_connection: claims.connection_tag.is_some(),
            data: claims.data.to_vec(),
        })
    }
}

/// Omits path, tenant and data, which a reader of a log might take for verified, or might not want to store.
impl fmt::Debug for UnverifiedClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedClaims")
            .field("provider", &self.provider)
            .field("redirect", &self.redirect)
            .field("issued_at", &self.issued_at)
            .field("expires_at", &self.expires_at)
            .field("bound_by", &self.bound_by)
            .field("data", &format_args!("{} bytes, [redacted]", self.data.len()))
            .finish_non_exhaustive()
    }
}
