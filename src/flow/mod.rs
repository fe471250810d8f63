//! [`Flow`]: [`Flow::begin`] and [`Flow::finish`].

mod accepted_app;
mod accepted_app_setters;
mod admission;
mod begin;
mod begin_error;
mod browser_setters;
mod browsers;
mod builder;
mod callback;
mod checks;
mod config_error;
mod connection;
mod hosts;
mod keys;
mod login;
mod outcome;
mod payload;
mod request;
mod restart;
mod signed;
mod single_use;
mod verify;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

pub(crate) use crate::expect::Expect;
pub use begin_error::BeginError;
pub use builder::FlowBuilder;
pub use callback::{OpenedCallback, VerifiedCallback};
pub use config_error::ConfigError;
pub use login::Login;
pub use outcome::{
    Authorized, Code, CodeVerifier, Confirmed, DataError, Denied, LoginOutcome, Nonce, Returned, StaleAuthentication,
    StepUp,
};
pub use request::AuthorizationRequest;
pub use signed::PublicData;

use browsers::{Frames, Transport};
use hosts::PublicHosts;
use keys::FlowKeys;

use crate::binding::{Binding, Holder};
use crate::clock::{Clock, unix_seconds};
use crate::cookie::{CookieFamilies, CookieKind, MOST_EXPIRED};
use crate::guard::ReplayGuard;
use crate::name::{App, Purpose};
use crate::observe::{Event, Observer as _, Observers};
use crate::provider::Provider;
use crate::random::Randomness;
use crate::ring::live::LiveKeyRing;

/// Your own data that a state can carry, as JSON. Implemented for every type that can be serialized, deserialized and sent between threads.
pub trait LoginData: serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static {}

impl<T: serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static> LoginData for T {}

/// Starts logins and completes them, on any server that holds the same keys. A clone is cheap and shares everything.
///
/// `T` is the data that you get back at the callback, carried inside the state as JSON; `()` takes no room.
///
/// # Examples
///
/// ```
/// use oauth_state::testing::{self, TestBrowser, block_on};
/// use oauth_state::{App, Expect, Flow, Login, Provider, SingleProcessGuard};
///
/// let server = || {
///     let guard = SingleProcessGuard::with_capacity(1_000_000);
///     Flow::builder(App::new("shop", "production").unwrap(), testing::ring(), guard).provider(Provider::github()).build()
/// };
/// let (one, other) = (server()?, server()?);
///
/// let browser = TestBrowser::follow(&one.begin(TestBrowser::default().binding(), Login::with("github"))?);
/// let outcome = block_on(other.finish(browser.binding(), Expect::provider("github"), browser.callback()))?;
/// assert_eq!(outcome.origin().provider, "github");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Flow<T = ()> {
    inner: Arc<FlowInner>,
    data: PhantomData<fn() -> T>,
}

/// The state that all clones share.
pub(crate) struct FlowInner {
    keys: FlowKeys,
    /// The accepted purposes; the first is the default of a login.
    purposes: Vec<Purpose>,
    providers: Vec<Provider>,
    /// Custom purposes that need a signed-in user, as `link` does.
    user_purposes: Vec<Purpose>,
    /// Custom purposes whose callback may have neither code nor error.
    purposes_without_code: Vec<Purpose>,
    cookies: CookieFamilies,
    /// Those of the application that is accepted during a renaming; without one, the flow's own.
    accepted_cookies: CookieFamilies,
    hosts: PublicHosts,
    transport: Transport,
    /// More origins whose pages may start links and step-ups.
    trusted_origins: Vec<String>,
    frames: Frames,
    shared_callback: bool,
    clock: Box<dyn Clock>,
    guard: Arc<dyn ReplayGuard>,
    random: Randomness,
    observers: Observers,
}

impl FlowInner {
    /// The default purpose.
    fn first_purpose(&self) -> Purpose {
        self.purposes.first().copied().unwrap_or(Purpose::Login)
    }

    fn now(&self) -> u64 {
        unix_seconds(self.clock.now())
    }

    fn provider(&self, id: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.id() == id)
    }

    /// Whether logins of this purpose belong to the signed-in user and start only from the site's own pages.
    fn needs_user(&self, purpose: Purpose) -> bool {
        purpose.needs_user() || self.user_purposes.contains(&purpose)
    }
}

impl Flow<()> {
    /// Starts the configuration of a flow with its application, its keys and its replay guard. There is no default guard, because each has
    /// its price; see [`SingleProcessGuard`](crate::SingleProcessGuard).
    pub fn builder(app: App, keys: impl Into<LiveKeyRing>, guard: impl ReplayGuard) -> FlowBuilder<()> {
        FlowBuilder::new(app, keys.into(), Arc::new(guard))
    }
}

impl<T> Flow<T> {
    /// The ring's fingerprint, for health checks: servers with the same document have the same fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.inner.keys.handle().fingerprint()
    }

    /// Tells the observers that you exchanged the code of a callback that had passed, or could not: `ok` means that the callback passed,
    /// and a client secret that has expired shows only here. The routes call it by themselves.
    ///
    /// A made-up code also fails, and any user can send one with a login of their own: alert on the share that works, not on one failure.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::testing;
    /// # fn exchange() -> Result<(), &'static str> { Ok(()) }
    ///
    /// let flow = testing::flow();
    /// let exchanged = exchange(); // the request to the token endpoint
    /// flow.exchanged("github", exchanged.is_ok());
    /// ```
    pub fn exchanged(&self, provider: &str, worked: bool) {
        let provider = self.inner.label(provider);
        self.inner.observers.event(&Event::Exchanged { provider, worked });
    }

    /// Whether a text looks like a state of this flow, judged by its first characters, its length and its alphabet. Use it to choose
    /// between two flows or stores.
    #[must_use]
    pub fn owns(&self, state: &str) -> bool {
        self.inner.keys.load().form().is_form_of(state)
    }

    /// The providers that the flow was built with.
    pub fn providers(&self) -> impl Iterator<Item = &Provider> {
        self.inner.providers.iter()
    }

    /// Whether the flow accepts this purpose.
    #[cfg(feature = "http")]
    pub(crate) fn accepts(&self, purpose: Purpose) -> bool {
        self.inner.purposes.contains(&purpose)
    }

    #[cfg(feature = "http")]
    pub(crate) fn has_secure_cookies(&self) -> bool {
        self.inner.cookies.are_secure()
    }

    /// The sources that may show a page in a frame, if the flow allows frames.
    #[cfg(feature = "http")]
    pub(crate) fn frame_ancestors(&self) -> Option<String> {
        self.inner.frames.are_allowed().then(|| self.inner.frames.ancestors())
    }

    /// Whether a return path is a callback address of this flow or of a provider that was loaded.
    #[cfg(feature = "http")]
    pub(crate) fn returns_to_callback(&self, return_to: &crate::claims::ReturnTo, loaded: Option<&Provider>) -> bool {
        self.inner.returns_to_callback_of(return_to.checked(), loaded)
    }

    /// The host that the browser used, in lower case and without port, if the settings allow it: a public host or, without public hosts,
    /// the host of a redirect URI of the configured providers. Any other host is text that the client chose.
    #[cfg(feature = "http")]
    pub(crate) fn host_of_request(&self, headers: &http::HeaderMap) -> Option<String> {
        let (headers, hosts) = (crate::binding::RequestHeaders::Map(headers), &self.inner.hosts);
        let known = hosts.known(hosts.named_by(&headers))?.to_ascii_lowercase();
        let mut redirect_uris = self.providers().flat_map(Provider::redirect_uris);
        let is_allowed = hosts.are_named() || redirect_uris.any(|at| at.host() == Some(known.as_str()));
        is_allowed.then_some(known)
    }

    /// The values of `Set-Cookie` headers for the response to a callback that passed: they delete surplus cookies. The routes send them by
    /// themselves; [`AuthorizationRequest::surplus_cookies`] has those of a login start.
    ///
    /// Tabs that start their first login at the same moment, such as those that a browser restores, get a cookie each. Without this, they
    /// stay until they expire, and the `Cookie` header can become too long for a proxy. A browser keeps the eight cookies of a kind that
    /// come first by name; new logins are bound to the first. A login under way whose cookie is deleted has to start again. At most 32
    /// are deleted at once, less than 3 KiB of headers.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{Binding, testing};
    /// let headers = http::HeaderMap::new(); // those of the callback
    /// assert!(testing::flow().surplus_cookies(&Binding::cookies(&headers)).is_empty()); // as nearly always
    /// ```
    #[must_use]
    pub fn surplus_cookies(&self, binding: &Binding<'_>) -> Vec<String> {
        let Holder::Cookies(headers) = &binding.holder else { return Vec::new() };
        let cookies = &self.inner.cookies;
        let of_kind = |kind| {
            let found = headers.candidates(cookies, kind);
            cookies.expire_surplus(kind, &found).collect::<Vec<_>>()
        };
        let all = CookieKind::ALL.into_iter().flat_map(of_kind);
        // `Set-Cookie: ` and the line's end, 14 bytes.
        let within = |bytes: &mut usize, header: String| {
            *bytes = bytes.saturating_add(header.len()).saturating_add(14);
            (*bytes < 3_072).then_some(header)
        };
        all.take(MOST_EXPIRED).scan(0, within).collect()
    }

    /// The observers of this flow's logins, for events of your own routes.
    #[must_use]
    pub fn observers(&self) -> &Observers {
        &self.inner.observers
    }

    /// Replaces the source of randomness, to count its calls and to make it fail.
    #[cfg(test)]
    pub(crate) fn with_randomness(mut self, random: Randomness) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.random = random;
        }
        self
    }
}

impl<T> Clone for Flow<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), data: PhantomData }
    }
}

impl<T> fmt::Debug for Flow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow")
            .field("purposes", &self.inner.purposes)
            .field("providers", &self.inner.providers.iter().map(Provider::id).collect::<Vec<_>>())
            .field("ring", self.inner.keys.load().ring())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod worked_example;
