//! Preset data of a provider, each value with its source and the day on which it was read.

use super::{Provider, ResponseMode};
use crate::name::NameError;

/// A value about a provider, with its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// The URL of the document that states it, or its name.
    pub source: &'static str,
    /// The day on which the document, or a copy of it, was read, as in `2026-11-24`.
    pub read: &'static str,
}

/// The known data of a provider: one row of the table in `docs/providers.md`.
///
/// Fields without a published source are `None`. That does not mean that there is no limit, or that a parameter is not accepted. A
/// [`Provider`] uses the id, the limit, the response mode, the issuer and the fields that
/// [`AuthorizationRequest::url`](crate::AuthorizationRequest::url) needs; you need the rest for the exchange.
///
/// # Examples
///
/// ```
/// use oauth_state::provider::{Preset, ResponseMode};
///
/// let x = Preset::find("x").unwrap();
/// let limit = x.max_state_chars.unwrap();
/// assert_eq!(limit.value, 500);
/// assert!(limit.source.starts_with("https://docs.x.com/"));
///
/// let apple = Preset::find("apple").unwrap();
/// assert_eq!(apple.response_mode, ResponseMode::FormPost);
/// assert!(apple.max_state_chars.is_none()); // unknown, which is not "unlimited"
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preset {
    /// The id in the state: at most 8 bytes.
    pub id: &'static str,
    /// The provider's display name.
    pub name: &'static str,
    /// The longest `state` that it accepts, in characters. A flow limits a state to 2048 in any case.
    pub max_state_chars: Option<Sourced<usize>>,
    /// All characters that it accepts in `state`, if it restricts them.
    pub state_alphabet: Option<Sourced<&'static str>>,
    /// The response mode of a provider made from this row.
    pub response_mode: ResponseMode,
    /// The response modes by which it delivers a code to a server.
    pub response_modes: Option<Sourced<&'static [ResponseMode]>>,
    /// When it uses form_post and no other mode.
    pub form_post_when: Option<Sourced<&'static str>>,
    /// Whether it sends `iss` in the authorization response (RFC 9207).
    pub sends_iss: Option<Sourced<bool>>,
    /// Its issuer identifier, if all its customers share one.
    pub issuer: Option<Sourced<&'static str>>,
    /// Whether a provider made from this row compares a callback's `iss` with the issuer.
    pub compares_iss: bool,
    /// Whether it accepts PKCE with `code_challenge_method=S256` (RFC 7636).
    pub pkce_s256: Option<Sourced<bool>>,
    /// Whether it accepts `nonce` and puts it into an ID token (OpenID Connect Core, section 3.1.2.1).
    pub nonce: Option<Sourced<bool>>,
    /// The scopes for signing users in: their identity and their e-mail address.
    pub scopes: Option<Sourced<&'static [&'static str]>>,
    /// Its authorization endpoint, if all its customers share one.
    pub authorization_endpoint: Option<Sourced<&'static str>>,
    /// Its token endpoint, if all its customers share one.
    pub token_endpoint: Option<Sourced<&'static str>>,
    /// Anything else to know before you rely on this row.
    pub remark: Option<Sourced<&'static str>>,
}

impl Preset {
    /// The provider that this row describes.
    #[must_use]
    pub fn provider(&self) -> Provider {
        let provider = Provider::bare(self.id).response_mode(self.response_mode);
        let provider = match self.max_state_chars {
            Some(limit) => provider.with_max_state_chars(limit.value),
            None => provider,
        };
        let provider = provider.with(|settings| {
            settings.authorization_endpoint = self.authorization_endpoint.map(|endpoint| endpoint.value.to_owned());
            settings.scopes = self
                .scopes
                .map_or_else(Vec::new, |scopes| scopes.value.iter().map(|&scope| scope.to_owned()).collect());
            settings.nonce = self.nonce.is_some_and(|takes| takes.value);
            settings.pkce = self.pkce_s256.is_none_or(|takes| takes.value);
        });
        match self.issuer {
            Some(issuer) if self.compares_iss => provider.issuer(issuer.value),
            _ => provider,
        }
    }
}

/// Why a preset could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PresetError {
    /// There is no preset with this id.
    #[error("there is no preset {0:?}: Preset::all lists all of them; use Provider::custom for any other provider")]
    Unknown(String),
    /// The text is not an issuer identifier (RFC 8414 section 2).
    #[error(
        "an issuer must be an https URL without query and fragment, written exactly as in the provider's metadata; http \
         is accepted on localhost only"
    )]
    Issuer,
    /// The id breaks the rule for names.
    #[error(transparent)]
    Name(#[from] NameError),
}
