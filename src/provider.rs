//! What a flow knows of a provider, and of the addresses that it redirects to.

use crate::claims::is_same_route;
use crate::cookie::SameSite;
use crate::name::{self, NameError};
use crate::token::wire::LONGEST_TEXT;

/// How the provider hands its answer over.
///
/// # Examples
///
/// ```
/// use oauth_state::{Provider, ResponseMode};
/// let provider = Provider::custom("acme")?.response_mode(ResponseMode::FormPost);
/// assert_eq!(provider.id(), "acme");
/// # Ok::<(), oauth_state::NameError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResponseMode {
    /// In the query of a GET: `response_mode=query`.
    Query,
    /// In the body of a cross-site POST: `response_mode=form_post`. The browser's cookie has to be `SameSite=None`.
    FormPost,
}

/// What a flow has to know of an authorization server.
///
/// # Examples
///
/// ```
/// use oauth_state::Provider;
///
/// let provider = Provider::custom("acme")?
///     .requires_iss("https://login.acme.example")
///     .max_state_chars(255)
///     .redirect_uri("https://shop.example/auth/acme/callback");
/// assert_eq!(provider.id(), "acme");
/// # Ok::<(), oauth_state::NameError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Provider {
    id: String,
    issuer: Option<Issuer>,
    max_state_chars: usize,
    response_mode: ResponseMode,
    /// Each with the id that logins name it by; the provider's own has none.
    redirect_uris: Vec<(Option<String>, String)>,
}

#[derive(Clone, Debug)]
struct Issuer {
    identifier: String,
    /// The provider declares that it always sends `iss`.
    required: bool,
}

impl Provider {
    /// GitHub, id `github`.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(oauth_state::Provider::github().id(), "github");
    /// ```
    #[must_use]
    pub fn github() -> Self {
        Self::preset("github")
    }

    /// Google, id `google`.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(oauth_state::Provider::google().id(), "google");
    /// ```
    #[must_use]
    pub fn google() -> Self {
        Self::preset("google").issuer("https://accounts.google.com")
    }

    /// Microsoft Entra, id `entra`. A state of more than about 1800 characters was measured to be refused there.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(oauth_state::Provider::entra().id(), "entra");
    /// ```
    #[must_use]
    pub fn entra() -> Self {
        Self::preset("entra").max_state_chars(1800)
    }

    /// Apple, id `apple`, which answers by form_post as soon as a scope is asked for.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(oauth_state::Provider::apple().id(), "apple");
    /// ```
    #[must_use]
    pub fn apple() -> Self {
        Self::preset("apple").response_mode(ResponseMode::FormPost)
    }

    /// Any other provider, by an id of 1 to 32 bytes of `a-z`, `0-9`, `.`, `_` and `-`; up to 8 bytes keep the state
    /// within 112 characters.
    ///
    /// # Errors
    ///
    /// [`NameError`] if the id is not such a name.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::Provider;
    /// assert!(Provider::custom("gitlab").is_ok());
    /// assert!(Provider::custom("Git Lab").is_err());
    /// ```
    pub fn custom(id: &str) -> Result<Self, NameError> {
        name::check("provider id", id)?;
        Ok(Self::preset(id))
    }

    fn preset(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            issuer: None,
            max_state_chars: LONGEST_TEXT,
            response_mode: ResponseMode::Query,
            redirect_uris: Vec::new(),
        }
    }

    /// The id, which travels in the state.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(oauth_state::Provider::apple().id(), "apple");
    /// ```
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The longest `state` that the provider takes, in characters. A longer one is an error of begin, before anybody is
    /// redirected. At most 2048, which is what a callback reads.
    ///
    /// # Examples
    ///
    /// ```
    /// let provider = oauth_state::Provider::github().max_state_chars(128);
    /// assert_eq!(provider.id(), "github");
    /// ```
    #[must_use]
    pub fn max_state_chars(self, characters: usize) -> Self {
        Self { max_state_chars: characters.min(LONGEST_TEXT), ..self }
    }

    /// The provider's issuer identifier, where it is known but not promised to come: an `iss` that comes must be equal
    /// to it as a string (RFC 9207 section 2.4).
    ///
    /// # Examples
    ///
    /// ```
    /// let provider = oauth_state::Provider::github().issuer("https://github.com/login/oauth");
    /// assert_eq!(provider.id(), "github");
    /// ```
    #[must_use]
    pub fn issuer(self, issuer: &str) -> Self {
        Self { issuer: Some(Issuer { identifier: issuer.to_owned(), required: false }), ..self }
    }

    /// The provider declares `authorization_response_iss_parameter_supported`: a callback without `iss` is refused, and
    /// so is one with another's (mix-up, RFC 9207).
    ///
    /// # Examples
    ///
    /// ```
    /// let provider = oauth_state::Provider::custom("acme")?.requires_iss("https://login.acme.example");
    /// assert_eq!(provider.id(), "acme");
    /// # Ok::<(), oauth_state::NameError>(())
    /// ```
    #[must_use]
    pub fn requires_iss(self, issuer: &str) -> Self {
        Self { issuer: Some(Issuer { identifier: issuer.to_owned(), required: true }), ..self }
    }

    /// How the provider hands its answer over. [`ResponseMode::Query`] unless said otherwise.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{Provider, ResponseMode};
    /// assert_eq!(Provider::google().response_mode(ResponseMode::FormPost).id(), "google");
    /// ```
    #[must_use]
    pub fn response_mode(self, response_mode: ResponseMode) -> Self {
        Self { response_mode, ..self }
    }

    /// The callback address registered with this provider. With it, the flow can refuse what cannot work: a cookie
    /// host that the callback never sees, two providers on one address, a return path that is the callback.
    ///
    /// # Examples
    ///
    /// ```
    /// let provider = oauth_state::Provider::github().redirect_uri("https://shop.example/auth/github/callback");
    /// assert_eq!(provider.id(), "github");
    /// ```
    #[must_use]
    pub fn redirect_uri(mut self, uri: &str) -> Self {
        self.redirect_uris.push((None, uri.to_owned()));
        self
    }

    /// One of several callback addresses registered with this provider, by the id that
    /// [`Login::redirect`](crate::Login::redirect) takes. Once one is registered, only registered ids are taken.
    ///
    /// # Examples
    ///
    /// ```
    /// let provider = oauth_state::Provider::github()
    ///     .named_redirect_uri("web", "https://shop.example/auth/github/callback")
    ///     .named_redirect_uri("admin", "https://admin.shop.example/auth/github/callback");
    /// assert_eq!(provider.id(), "github");
    /// ```
    #[must_use]
    pub fn named_redirect_uri(mut self, id: &str, uri: &str) -> Self {
        self.redirect_uris.push((Some(id.to_owned()), uri.to_owned()));
        self
    }

    pub(crate) fn state_limit(&self) -> usize {
        self.max_state_chars
    }

    /// The issuer identifier and whether it must come.
    pub(crate) fn issuer_rule(&self) -> Option<(&str, bool)> {
        self.issuer.as_ref().map(|issuer| (issuer.identifier.as_str(), issuer.required))
    }

    pub(crate) fn uses_form_post(&self) -> bool {
        self.response_mode == ResponseMode::FormPost
    }

    pub(crate) fn same_site(&self) -> SameSite {
        if self.uses_form_post() { SameSite::None } else { SameSite::Lax }
    }

    pub(crate) fn redirect_uris(&self) -> &[(Option<String>, String)] {
        &self.redirect_uris
    }

    /// Whether logins may name this id: any, until one is registered.
    pub(crate) fn takes_redirect(&self, id: &str) -> bool {
        let mut named = self.redirect_uris.iter().filter_map(|(known, _)| known.as_deref()).peekable();
        named.peek().is_none() || named.any(|known| known == id)
    }
}

/// The parts of a redirect_uri that matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RedirectUri {
    /// Lower case.
    scheme: String,
    /// As it stands, with the port.
    authority: String,
    /// Lower case, without the port, because cookies ignore it; `None` for a scheme of an app's own.
    pub(crate) host: Option<String>,
    pub(crate) path: String,
}

impl RedirectUri {
    /// An absolute address without a fragment (RFC 6749 section 3.1.2).
    pub(crate) fn parse(uri: &str) -> Option<Self> {
        let (scheme, rest) = uri.split_once(':')?;
        let plain = uri.bytes().all(|byte| matches!(byte, 0x21..=0x7e) && byte != b'#' && byte != b'\\');
        let scheme_is_one =
            scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        if !plain || scheme.is_empty() || !scheme_is_one {
            return None;
        }
        let without_query = rest.split('?').next().unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
            let scheme = scheme.to_ascii_lowercase();
            return Some(Self { scheme, authority: String::new(), host: None, path: without_query.to_owned() });
        }
        let (authority, path) = split_authority(without_query.strip_prefix("//")?);
        let host = host_of(authority)?.to_ascii_lowercase();
        let path = if path.is_empty() { "/" } else { path }.to_owned();
        Some(Self { scheme: scheme.to_ascii_lowercase(), authority: authority.to_owned(), host: Some(host), path })
    }

    /// Whether a request for one may reach the route of the other: the query does not tell them apart, nor do spellings of
    /// the path that many routers merge.
    pub(crate) fn is_same_address(&self, other: &Self) -> bool {
        self.scheme == other.scheme
            && self.authority.eq_ignore_ascii_case(&other.authority)
            && is_same_route(&self.path, &other.path)
    }
}

fn split_authority(rest: &str) -> (&str, &str) {
    rest.find('/').and_then(|slash| rest.split_at_checked(slash)).unwrap_or((rest, ""))
}

/// The host of `host[:port]` or `[address]:port`, as it stands there: compare without regard to case.
pub(crate) fn host_of(authority: &str) -> Option<&str> {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => authority.split(':').next().unwrap_or_default(),
    };
    (!host.is_empty() && !authority.contains('@')).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris_come_apart() {
        let parse = |uri: &str| RedirectUri::parse(uri).map(|parts| (parts.host, parts.path));
        let host = |host: &str| Some(host.to_owned());
        assert_eq!(parse("https://Shop.example/cb?a=b"), Some((host("shop.example"), "/cb".into())));
        assert_eq!(parse("http://localhost:8080"), Some((host("localhost"), "/".into())));
        assert_eq!(parse("http://[::1]:80/cb"), Some((host("::1"), "/cb".into())));
        assert_eq!(parse("com.example.app:/cb"), Some((None, "/cb".into())));
        for uri in
            ["", "/cb", "https:", "https:///cb", "https://a/b#c", "https://a b/", "https://u@h/", "ht tp://a/", ":a"]
        {
            assert_eq!(parse(uri), None, "{uri}");
        }
    }

    #[test]
    fn addresses_that_lead_to_one_route_are_the_same() {
        let same = |one: &str, other: &str| {
            RedirectUri::parse(one).unwrap().is_same_address(&RedirectUri::parse(other).unwrap())
        };
        for other in ["https://SHOP.example/cb", "https://shop.example/CB/", "https://shop.example/%63b?x=1"] {
            assert!(same("https://shop.example/cb", other), "{other}");
        }
        for other in ["https://shop.example/cb2", "https://shop.example:8443/cb", "http://shop.example/cb", "app:/cb"] {
            assert!(!same("https://shop.example/cb", other), "{other}");
        }
        assert!(!same("com.shop.ios:/cb", "com.shop.android:/cb"));
    }

    proptest::proptest! {
        #[test]
        fn no_address_panics(text: String) {
            let _ = RedirectUri::parse(&text);
            let _ = RedirectUri::parse(&format!("https://{text}"));
        }
    }
}
