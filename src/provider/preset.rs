//! What is known of a provider, each figure with where and when it was read.

use super::{Provider, ResponseMode};
use crate::name::NameError;

/// A figure or a claim about a provider, with its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sourced<T> {
    /// What the source says.
    pub value: T,
    /// The address of the document that says so, or its name.
    pub source: &'static str,
    /// When it was read, there or in a copy of it: year, month and day, as in `2026-11-24`.
    pub read: &'static str,
}

/// What is known of a provider: one row of the table that `docs/providers.md` shows.
///
/// Fields without a published source are `None`. That does not mean that there is no limit, or that a parameter is not
/// accepted. A [`Provider`] takes its id, its limit, its response mode, its issuer and what
/// [`AuthorizationRequest::url`](crate::AuthorizationRequest::url) needs from here; you need the rest for the exchange.
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
    /// The id that travels in the state: at most 8 bytes.
    pub id: &'static str,
    /// The provider's display name.
    pub name: &'static str,
    /// The longest `state` that it takes, in characters. A flow holds to 2048 in any case.
    pub max_state_chars: Option<Sourced<usize>>,
    /// All characters that it takes in `state`, where it takes only some.
    pub state_alphabet: Option<Sourced<&'static str>>,
    /// How a provider made from this row is expected to answer.
    pub response_mode: ResponseMode,
    /// The ways to a server by which it hands over a code.
    pub response_modes: Option<Sourced<&'static [ResponseMode]>>,
    /// When it answers by form_post and in no other way.
    pub form_post_when: Option<Sourced<&'static str>>,
    /// Whether `iss` comes in the authorization response (RFC 9207).
    pub sends_iss: Option<Sourced<bool>>,
    /// Its issuer identifier, where all its customers have one.
    pub issuer: Option<Sourced<&'static str>>,
    /// Whether a provider made from this row compares an `iss` that comes with the issuer.
    pub compares_iss: bool,
    /// Whether it takes PKCE with `code_challenge_method=S256` (RFC 7636).
    pub pkce_s256: Option<Sourced<bool>>,
    /// Whether it takes `nonce` and puts it into an ID token (OpenID Connect Core, section 3.1.2.1).
    pub nonce: Option<Sourced<bool>>,
    /// The scopes that signing users in needs: who they are, and their e-mail address.
    pub scopes: Option<Sourced<&'static [&'static str]>>,
    /// Its authorization endpoint, where all its customers have one.
    pub authorization_endpoint: Option<Sourced<&'static str>>,
    /// Its token endpoint, where all its customers have one.
    pub token_endpoint: Option<Sourced<&'static str>>,
    /// What else one should know before relying on this row.
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

/// Why a preset gave no provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PresetError {
    /// There is no preset with this id.
    #[error("there is no preset {0:?}: Preset::all lists them, and Provider::custom takes any other provider")]
    Unknown(String),
    /// Not an issuer identifier (RFC 8414 section 2).
    #[error(
        "an issuer is an https address without query and fragment, character by character as the provider's metadata \
         spells it; http passes on localhost alone"
    )]
    Issuer,
    /// The id breaks the rule for names.
    #[error(transparent)]
    Name(#[from] NameError),
}
