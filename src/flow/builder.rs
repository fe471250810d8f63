//! The configuration of a flow and its checks.

use std::collections::HashSet;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::accepted_app::{RenamedApp, checked_accepted};
use super::browsers::{Browsers, Transport, check_cookie};
use super::hosts::PublicHosts;
use super::keys::FlowKeys;
use super::{BeginError, ConfigError, Flow, FlowInner};
use crate::callback::is_response_parameter;
use crate::clock::{Clock, SystemClock, unix_seconds};
use crate::cookie::CookieFamilies;
use crate::guard::ReplayGuard;
use crate::name::{self, App, Purpose};
use crate::observe::{Observer as _, Observers};
use crate::provider::{Provider, Registered, is_loopback};
use crate::random;
use crate::refusal::FinishErrorKind;
use crate::ring::live::LiveKeyRing;
use crate::token::keys::SameKeyId;
use crate::token::wire::Form;

/// The default time between the click and the callback, in seconds.
const DEFAULT_LIFETIME: u16 = 600;

/// Configures a [`Flow`].
///
/// # Examples
///
/// ```
/// use oauth_state::{App, Binding, Flow, Login, Provider, SingleProcessGuard, testing};
/// use std::time::Duration;
///
/// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
///     .provider(Provider::github())
///     .provider(Provider::apple())
///     .lifetime(Duration::from_secs(300))
///     .build()?;
/// assert!(flow.begin(Binding::cookie_headers([]), Login::with("apple")).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a flow is made by build"]
pub struct FlowBuilder<T> {
    pub(super) settings: Settings,
    data: PhantomData<fn() -> T>,
}

/// The settings that do not depend on the data type.
pub(super) struct Settings {
    app: App,
    /// One at most; more are refused when the flow is built.
    pub(super) accepted_apps: Vec<RenamedApp>,
    keys: LiveKeyRing,
    guard: Arc<dyn ReplayGuard>,
    purposes: Vec<Purpose>,
    user_purposes: Vec<Purpose>,
    purposes_without_code: Vec<Purpose>,
    providers: Vec<Provider>,
    lifetime: Duration,
    clock: Box<dyn Clock>,
    observers: Observers,
    pub(super) browsers: Browsers,
    shared_callback: bool,
    loads_providers: bool,
}

impl FlowBuilder<()> {
    pub(super) fn new(app: App, keys: LiveKeyRing, guard: Arc<dyn ReplayGuard>) -> Self {
        let settings = Settings {
            app,
            accepted_apps: Vec::new(),
            keys,
            guard,
            purposes: Vec::new(),
            user_purposes: Vec::new(),
            purposes_without_code: Vec::new(),
            providers: Vec::new(),
            lifetime: Duration::from_secs(DEFAULT_LIFETIME.into()),
            clock: Box::new(SystemClock),
            observers: Observers::default(),
            browsers: Browsers::new(),
            shared_callback: false,
            loads_providers: false,
        };
        Self { settings, data: PhantomData }
    }
}

impl<T> FlowBuilder<T> {
    /// Sets the type of your own data in the states. It is stored as JSON, encrypted and authenticated, and counts toward the URL's length.
    /// In a flow that is [only signed](FlowBuilder::build_signed_not_encrypted) it is not encrypted, and its type must be marked as public.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, App, Binding, Flow, Login, Provider, SingleProcessGuard};
    ///
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Plan { seats: u32 }
    ///
    /// let flow: Flow<Plan> = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
    ///     .carrying::<Plan>()
    ///     .provider(Provider::github())
    ///     .build()?;
    /// let begun = flow.begin(Binding::session(&[7; 16])?, Login::with("github").data(Plan { seats: 3 }))?;
    /// assert!(begun.state.starts_with("ost1"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn carrying<U>(self) -> FlowBuilder<U> {
        FlowBuilder { settings: self.settings, data: PhantomData }
    }

    /// Accepts states for this purpose; call it once for each purpose. Without a call, the flow accepts [`Purpose::Login`] alone. The first
    /// purpose is the default of a [`Login`](crate::Login).
    pub fn purpose(mut self, purpose: Purpose) -> Self {
        if !self.settings.purposes.contains(&purpose) {
            self.settings.purposes.push(purpose);
        }
        self
    }

    /// Accepts states for this purpose, and gives it the rules of [`Purpose::Link`]: such a login needs the signed-in user at
    /// both ends ([`Binding::for_user`](crate::Binding::for_user)), starts only by a POST from the site's own pages, is never
    /// unbound and never restarts by itself.
    ///
    /// Use it for every [`Purpose::Custom`] whose callback changes something that belongs to an account: connecting a
    /// calendar or a repository, paying, granting access. Without it another site can start such a login in your user's
    /// browser and, with a provider that asks nothing, complete it with the attacker's identity (account-link fixation). A
    /// purpose that only signs users in needs no user, and [`Purpose::Login`] is refused when the flow is built.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, App, BeginError, Binding, Flow, Login, Provider, Purpose, SingleProcessGuard};
    /// let calendar = Purpose::Custom("connect-calendar");
    /// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
    ///     .purpose(Purpose::Login)
    ///     .purpose_for_user(calendar)
    ///     .provider(Provider::google())
    ///     .build()?;
    /// let error = flow.begin(Binding::session(&[7; 16])?, Login::with("google").purpose(calendar)).unwrap_err();
    /// assert!(matches!(error, BeginError::UserRequired(_)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn purpose_for_user(mut self, purpose: Purpose) -> Self {
        self.settings.user_purposes.push(purpose);
        self.purpose(purpose)
    }

    /// Accepts callbacks for a purpose of your own that may have neither code nor error, such as the installation of an application:
    /// they end in [`LoginOutcome::Returned`](crate::LoginOutcome::Returned). [`Purpose::Logout`] always may.
    pub fn purpose_without_code(mut self, purpose: Purpose) -> Self {
        self.settings.purposes_without_code.push(purpose);
        self.purpose(purpose)
    }

    /// Adds a provider.
    pub fn provider(mut self, provider: Provider) -> Self {
        self.settings.providers.push(provider);
        self
    }

    /// How long a user has between login start and callback: whole seconds, 600 by default, at most the ring's `lifetime_cap`. A state
    /// expires after this lifetime plus the ring's `skew` (60 seconds by default), because two servers' clocks may differ.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.lifetime = lifetime;
        self
    }

    /// Replaces the clock of the operating system.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.settings.clock = Box::new(clock);
        self
    }

    /// Sets the observers of this flow's logins; see [`observe`](crate::observe).
    pub fn observers(mut self, observers: Observers) -> Self {
        self.settings.observers = observers;
        self
    }

    /// Lets all providers share one callback address, where the state tells which provider a callback is from; see
    /// [`Expect::any_provider`](crate::Expect::any_provider). With two or more providers, it builds only if every one of them is declared
    /// to send `iss`.
    pub fn shared_callback(mut self) -> Self {
        self.settings.shared_callback = true;
        self
    }

    /// Builds even if no provider was added, for an application that loads all of them at run time and starts logins with
    /// [`Login::with(&loaded)`](crate::Login::with).
    pub fn loads_providers(mut self) -> Self {
        self.settings.loads_providers = true;
        self
    }

    /// Checks the configuration and derives the keys.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] says what cannot work and what to change.
    pub fn build(self) -> Result<Flow<T>, ConfigError> {
        self.build_form(Form::Sealed)
    }

    /// Builds a flow that seals and opens states of this form only.
    pub(super) fn build_form(self, form: Form) -> Result<Flow<T>, ConfigError> {
        Ok(Flow { inner: Arc::new(self.settings.build(form)?), data: PhantomData })
    }
}

impl Settings {
    fn build(mut self, form: Form) -> Result<FlowInner, ConfigError> {
        if self.purposes.is_empty() {
            self.purposes.push(Purpose::Login);
        }
        self.purposes.iter().try_for_each(|purpose| purpose.check())?;
        if self.user_purposes.contains(&Purpose::Login) {
            return Err(ConfigError::UserForLogin);
        }
        let signs_in = |purpose: &&Purpose| !matches!(purpose, Purpose::Custom(_) | Purpose::Logout);
        if let Some(purpose) = self.purposes_without_code.iter().find(signs_in) {
            return Err(ConfigError::CodelessPurpose(*purpose));
        }
        let cookies = self.browsers.cookies(&self.app)?;
        let accepted = checked_accepted(&self.accepted_apps, &self.app, self.clock.now())?;
        let accepted_cookies = self.browsers.cookies(accepted.as_ref().map_or(&self.app, |accepted| &accepted.app))?;
        self.check_providers(&cookies)?;
        let hosts = PublicHosts::new(&self.browsers.public_hosts, self.browsers.trusted_host_header.as_deref())?;
        self.check_own_addresses()?;
        self.providers.iter().try_for_each(|provider| check_hosts(provider, &hosts))?;

        let (now, given) = (unix_seconds(self.clock.now()), self.lifetime);
        let keys = FlowKeys::follow(self.keys, self.app, accepted, &self.purposes, form, |ring| {
            let lifetime = checked_lifetime(given, ring.timing().lifetime_cap)?;
            if ring.has_begun(now) { Ok(lifetime) } else { Err(ConfigError::NoActiveKey) }
        })?;
        let codes: Vec<_> = FinishErrorKind::ALL.iter().map(|kind| kind.code()).collect();
        let providers = self.providers.iter().map(Provider::id);
        let observers = self.observers.of_flow(providers, &BeginError::CODES, &codes);
        observers.event(&keys.load().ring().event(now));
        Ok(FlowInner {
            cookies,
            accepted_cookies,
            keys,
            purposes: self.purposes,
            user_purposes: self.user_purposes,
            purposes_without_code: self.purposes_without_code,
            providers: self.providers,
            hosts,
            transport: self.browsers.transport,
            trusted_origins: self.browsers.trusted_origins,
            frames: self.browsers.frames,
            shared_callback: self.shared_callback,
            clock: self.clock,
            guard: self.guard,
            random: random::operating_system,
            observers,
        })
    }

    fn check_providers(&self, cookies: &CookieFamilies) -> Result<(), ConfigError> {
        if self.providers.is_empty() && !self.loads_providers {
            return Err(ConfigError::NoProvider);
        }
        let mut ids = HashSet::new();
        for provider in &self.providers {
            if !ids.insert(provider.id()) {
                return Err(ConfigError::DuplicateProvider(provider.id().to_owned()));
            }
            check_provider(provider, cookies)?;
        }
        if self.shared_callback {
            self.refuse_mix_up()?;
        }
        Ok(())
    }

    /// Providers that share one address must all be told apart by `iss` (mix-up).
    fn refuse_mix_up(&self) -> Result<(), ConfigError> {
        let sharing = &self.providers;
        let silent = sharing.iter().find(|one| !matches!(one.issuer_rule(), Some((_, true))));
        let same =
            |a: &Provider, b: &Provider| a.issuer_rule().map(|rule| rule.0) == b.issuer_rule().map(|rule| rule.0);
        let doubled = sharing.iter().find(|one| sharing.iter().any(|two| two.id() != one.id() && same(one, two)));
        let Some(offender) = silent.or(doubled) else { return Ok(()) };
        match sharing.iter().find(|other| other.id() != offender.id()) {
            Some(other) => Err(ConfigError::MixUp(offender.id().to_owned(), other.id().to_owned())),
            None => Ok(()),
        }
    }

    /// Each callback address must lead to one provider.
    fn check_own_addresses(&self) -> Result<(), ConfigError> {
        self.providers.iter().try_for_each(|provider| check_addresses(provider, self.browsers.transport))?;
        if self.shared_callback {
            return Ok(());
        }
        // Two providers at one address cannot be told apart; with `shared_callback`, `iss` does it.
        for (position, provider) in self.providers.iter().enumerate() {
            if let Some(other) = self.providers.iter().take(position).find(|other| other.shares_address_with(provider))
            {
                return Err(ConfigError::MixUp(other.id().to_owned(), provider.id().to_owned()));
            }
        }
        Ok(())
    }
}

/// The checks of any provider, configured or loaded at run time.
pub(super) fn check_provider(provider: &Provider, cookies: &CookieFamilies) -> Result<(), ConfigError> {
    let id = || provider.id().to_owned();
    if provider.is_post_only() && !provider.uses_form_post() && !provider.reposts() {
        return Err(ConfigError::PostOnlyWithoutFormPost(id()));
    }
    if provider.code_name().is_some_and(is_response_parameter) {
        return Err(ConfigError::CodeParameter(id()));
    }
    check_cookie(provider, cookies)
}

/// Checks the callback addresses of one provider.
pub(super) fn check_addresses(provider: &Provider, transport: Transport) -> Result<(), ConfigError> {
    let addresses = provider.redirect_uris();
    if transport == Transport::LoopbackHttp && addresses.is_empty() {
        return Err(ConfigError::NotOnLoopback(provider.id().to_owned()));
    }
    for (position, at) in addresses.iter().enumerate() {
        at.id.iter().try_for_each(|id| name::check("redirect id", id))?;
        let named = || at.id.as_deref().unwrap_or(provider.id()).to_owned();
        let uri = at.uri.as_ref().ok_or_else(|| ConfigError::RedirectUri(named()))?;
        match transport {
            Transport::Https if uri.is_plain_http_elsewhere() => return Err(ConfigError::PlainHttp(named())),
            Transport::LoopbackHttp if !at.host().is_some_and(is_loopback) => {
                return Err(ConfigError::NotOnLoopback(named()));
            }
            _ => {}
        }
        if addresses.iter().take(position).any(|earlier| earlier.id == at.id) {
            return Err(ConfigError::DuplicateRedirect(named()));
        }
    }
    Ok(())
}

/// Browsers come back to public hosts only, and cookies are set on no other host.
pub(super) fn check_hosts(provider: &Provider, hosts: &PublicHosts) -> Result<(), ConfigError> {
    let public_hosts = hosts.names();
    let is_elsewhere = |host: &&str| !public_hosts.is_empty() && !public_hosts.iter().any(|public| public == host);
    match provider.redirect_uris().iter().filter_map(Registered::host).find(is_elsewhere) {
        Some(other) => {
            Err(ConfigError::CookieHost { redirect_host: other.to_owned(), public_hosts: public_hosts.to_vec() })
        }
        None => Ok(()),
    }
}

impl From<SameKeyId> for ConfigError {
    fn from(_: SameKeyId) -> Self {
        Self::KeyIdCollision
    }
}

fn checked_lifetime(lifetime: Duration, cap: u16) -> Result<u16, ConfigError> {
    let seconds = u16::try_from(lifetime.as_secs()).ok().filter(|seconds| (1..=cap).contains(seconds));
    let seconds = seconds.filter(|_| lifetime.subsec_nanos() == 0);
    seconds.ok_or(ConfigError::Lifetime { cap: cap.into() })
}
