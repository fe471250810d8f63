//! How browsers reach the service: its hosts, its cookies, and frames.

use super::ConfigError;
use crate::cookie::{CookieFamilies, CookieName};
use crate::name::App;
use crate::provider::{Provider, canonical_host};

/// The settings about the browsers that use the flow.
pub(super) struct Browsers {
    pub(super) public_hosts: Vec<String>,
    pub(super) trusted_host_header: Option<String>,
    pub(super) trusted_origins: Vec<String>,
    pub(super) transport: Transport,
    pub(super) cookie_name: CookieName,
    pub(super) frames: Frames,
}

/// How browsers reach the service, which decides the attributes of its cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// Includes `http://localhost`, in the browsers that keep `Secure` cookies there.
    Https,
    /// `http://localhost` in every browser, and no other host.
    LoopbackHttp,
    /// Plain http on any host.
    PlainHttp,
}

/// The frames in which logins may start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frames {
    /// None.
    Refused,
    /// Frames in the service's own pages.
    SameOrigin,
    /// The same, and frames in pages of these origins.
    EmbeddedIn(Vec<String>),
}

impl Frames {
    pub(super) fn are_allowed(&self) -> bool {
        *self != Self::Refused
    }

    /// The value of the directive `frame-ancestors` (Content Security Policy Level 3, section 6.4.2).
    #[cfg(feature = "http")]
    pub(super) fn ancestors(&self) -> String {
        match self {
            Self::Refused => "'none'".to_owned(),
            Self::SameOrigin => "'self'".to_owned(),
            Self::EmbeddedIn(origins) => format!("'self' {}", origins.join(" ")),
        }
    }
}

impl Browsers {
    pub(super) fn new() -> Self {
        Self {
            public_hosts: Vec::new(),
            trusted_host_header: None,
            trusted_origins: Vec::new(),
            transport: Transport::Https,
            cookie_name: CookieName::Host,
            frames: Frames::Refused,
        }
    }

    /// The cookies of an application, if browsers take them and the settings do not contradict each other.
    pub(super) fn cookies(&self, app: &App) -> Result<CookieFamilies, ConfigError> {
        let secure = self.transport == Transport::Https;
        if !self.cookie_name.is_possible(secure) {
            return Err(ConfigError::CookieName);
        }
        if let Some(origin) = self.trusted_origins.iter().find(|origin| !is_https_origin(origin)) {
            return Err(ConfigError::TrustedOrigin(origin.clone()));
        }
        let embedding = match &self.frames {
            Frames::EmbeddedIn(origins) => origins.as_slice(),
            Frames::Refused | Frames::SameOrigin => &[],
        };
        if let Some(origin) = embedding.iter().find(|origin| !is_https_origin(origin)) {
            return Err(ConfigError::EmbeddingOrigin(origin.clone()));
        }
        // A configuration may leave the list empty by mistake. Any site could then start logins in frames, and none could show our pages.
        if self.frames == Frames::EmbeddedIn(Vec::new()) {
            return Err(ConfigError::EmbeddingOrigin(String::new()));
        }
        let cookies = CookieFamilies::new(app, secure, &self.cookie_name);
        // A cookie in a frame has attributes, and so a name, of its own.
        if self.frames.are_allowed() && (!secure || cookies.is_one()) {
            return Err(ConfigError::Frames);
        }
        Ok(cookies)
    }
}

/// Whether the browser sends the cookie with the response of a provider.
pub(super) fn check_cookie(provider: &Provider, cookies: &CookieFamilies) -> Result<(), ConfigError> {
    if !provider.uses_form_post() {
        return Ok(());
    }
    let id = || provider.id().to_owned();
    match cookies {
        cookies if !cookies.are_secure() => Err(ConfigError::FormPostOverPlainHttp(id())),
        cookies if cookies.is_one() => Err(ConfigError::FormPostWithOneCookie(id())),
        _ => Ok(()),
    }
}

/// Whether a text is an origin as browsers send it (RFC 6454 section 6.2): https, a canonical host, and a port only if it is not 443.
fn is_https_origin(origin: &str) -> bool {
    let Some(authority) = origin.strip_prefix("https://") else { return false };
    let (host, port) = authority.rsplit_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|number| number != 443 && number.to_string() == port);
    canonical_host(host).as_deref() == Some(host) && port.is_none_or(is_port)
}
