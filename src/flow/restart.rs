//! Restarting the login of a refused state.

use std::sync::Arc;

use super::checks::{check_response_mode, without_cookie};
use super::outcome::LoginOutcome;
use super::{Expect, Flow, FlowInner};
use crate::binding::{Binding, Comparison};
use crate::callback::{Callback, Way};
use crate::claims::data;
use crate::open::{self, Authentic, Opened};
use crate::provider::Provider;
use crate::refusal::{FinishError, Restart, Whose};
use crate::token::wire::LONGEST_BYTES;

impl<T> Flow<T> {
    /// The [`Restart`] of a refused state at your login start, where `token` is the [`Restart::token`] that the browser sent. Pass it to
    /// [`Login::restarting`](crate::Login::restarting).
    ///
    /// `None` if [`Restart::is_automatic`] would be false, or if the state is not authentic, does not belong to `expect`, or expired longer
    /// ago than the ring's `lifetime_cap`: start the login as if there were no token. Anyone can send a token, so treat it as a hint and
    /// not as a permission. Only a [`Purpose::Login`](crate::Purpose::Login) restarts.
    ///
    /// Every layer between the callback and the login start must keep the query. Without the token the count of restarts is lost, and a
    /// browser that stores no cookies loops at a provider that asks nothing. If the ring's `lifetime_cap` is not longer than its `skew`,
    /// expired logins do not restart.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, Binding, Expect, Login};
    /// let flow = testing::flow();
    /// let refused = flow.begin(Binding::session(&[7; 16])?, Login::with("github"))?.state;
    ///
    /// let binding = Binding::session(&[7; 16])?;
    /// let restart = flow.restart(&refused, &binding, Expect::provider("github")).unwrap();
    /// assert!(flow.begin(binding, Login::with("github").restarting(&restart)).is_ok());
    /// assert!(flow.restart("not a state", &Binding::session(&[7; 16])?, Expect::provider("github")).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn restart(&self, token: &str, binding: &Binding<'_>, expect: Expect<'_>) -> Option<Restart> {
        let inner = &*self.inner;
        let (now, keys) = (inner.now(), inner.keys.load());
        let mut buffer = [0; LONGEST_BYTES];
        let authentic = open::authenticate(token, &keys, now, &mut buffer).ok()?;
        if authentic.check_time(now, keys.ring().timing()).is_err_and(|late| !late.may_restart) {
            return None;
        }
        let provider = inner.belongs_here(&authentic, &expect)?;
        let (_, restart) = inner.offer_restart(&authentic, provider, binding, Way::Direct, token)?;
        // Not for a login that restarted already, or of another browser: a chain of tokens would keep its data forever.
        restart.is_automatic().then_some(restart)
    }
}

/// An authentic state that has expired, before it is known who asks.
pub(super) struct Unasked {
    flow: Arc<FlowInner>,
    opened: Opened,
    callback: Callback,
    may_restart: bool,
}

impl Unasked {
    pub(super) fn new(flow: Arc<FlowInner>, opened: Opened, callback: Callback, may_restart: bool) -> Self {
        Self { flow, opened, callback, may_restart }
    }

    /// An expired state still tells whose it was, so its own browser can start again at once, but only if the state would have belonged
    /// here otherwise (except for `iss`, which is checked last). The refusal keeps the callback's other parameters only if the callback
    /// passes every other check.
    fn offer(self, late: FinishError, binding: &Binding<'_>, expect: &Expect<'_>) -> FinishError {
        let Self { flow, opened, callback, may_restart } = self;
        let keys = flow.keys.load();
        let offer = || {
            let authentic = opened.under(&keys, flow.now()).ok().filter(|_| may_restart)?;
            let provider = flow.belongs_here(&authentic, expect)?;
            check_response_mode(provider, callback.way).ok()?;
            let (whose, restart) = flow.offer_restart(&authentic, provider, binding, callback.way, &callback.state)?;
            Some((authentic, whose, restart))
        };
        let Some((authentic, whose, restart)) = offer() else { return late };
        let late = late.with_restart(restart);
        if !whose.is_own() {
            return late;
        }
        match flow.check_in_order(&authentic, callback, binding, expect) {
            Ok(passed) => late.with_own_parameters(whose, passed.parameters),
            Err(_) => late,
        }
    }
}

impl FinishError {
    /// Adds to a refusal of [`Flow::open`], once you know who asks: an expired state still offers its own browser a restart
    /// ([`FinishError::restart`], [`FinishError::own_parameters`]). Other refusals, and all codes, stay as they are. [`Flow::finish`] and
    /// the routes call it themselves.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::testing::ManualClock;
    /// use oauth_state::{testing, App, Binding, Callback, Expect, Flow, Login, Provider, SingleProcessGuard};
    /// let clock = ManualClock::at(1_800_000_000);
    /// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let flow = flow.clock(clock.clone()).provider(Provider::github()).build()?;
    /// let state = flow.begin(Binding::session(&[7; 16])?, Login::with("github"))?.state;
    ///
    /// clock.advance(std::time::Duration::from_secs(1_000));
    /// let error = flow.open(Callback::from_pairs([("code", "code"), ("state", &state)])?).unwrap_err();
    /// let error = error.seen_by(&Binding::session(&[7; 16])?, Expect::provider("github"));
    /// assert_eq!(error.code(), "expired");
    /// assert!(error.restart().unwrap().is_automatic());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn seen_by(mut self, binding: &Binding<'_>, expect: Expect<'_>) -> Self {
        match self.take_opened::<Unasked>() {
            Some(unasked) => unasked.offer(self, binding, &expect),
            None => self,
        }
    }
}

impl FlowInner {
    /// The provider of a state that belongs to this callback, whenever it was sealed.
    fn belongs_here<'a>(&'a self, authentic: &Authentic<'_>, expect: &Expect<'a>) -> Option<&'a Provider> {
        expect.check_claims(&authentic.claims, authentic.keys.purpose, self.first_purpose()).ok()?;
        self.check_provider(authentic, expect).ok()
    }

    /// The restart that the state of a dead login offers, and to whom, if it would have belonged here in time.
    fn offer_restart(
        &self,
        authentic: &Authentic<'_>,
        provider: &Provider,
        binding: &Binding<'_>,
        way: Way,
        state: &str,
    ) -> Option<(Whose, Restart)> {
        let whose = match self.compare(authentic, binding, provider) {
            Comparison::Same(_) if !self.is_same_user(authentic, binding) => return None,
            Comparison::Same(_) => Whose::ThisOne.by(authentic.claims.kind),
            Comparison::NoCookie => without_cookie(binding, way),
            Comparison::Other => Whose::Another,
        };
        let restart = Restart::new(authentic.origin(), whose, state.to_owned());
        Some((whose, self.carrying(restart, whose, authentic.claims.data)))
    }

    /// A refusal after all checks, with its restart.
    pub(super) fn offering<T: serde::Serialize>(
        &self,
        error: FinishError,
        finished: LoginOutcome<T>,
        whose: Whose,
        state: String,
    ) -> FinishError {
        let (origin, data, parameters) = finished.into_parts();
        let restart = Restart::new(origin, whose, state);
        let mut json = Vec::new();
        let restart = match data::write(&data, &mut json) {
            Ok(()) => self.carrying(restart, whose, &json),
            Err(_) => restart,
        };
        error.with_restart(restart).with_own_parameters(whose, parameters)
    }

    /// Adds the data of a state that carries its own, for its own browser only: an attacker may have started any other login. A handle's
    /// data is in a store.
    pub(super) fn carrying(&self, restart: Restart, whose: Whose, json: &[u8]) -> Restart {
        if whose.is_own() && !self.keys.load().form().is_handle() { restart.carrying(json) } else { restart }
    }
}
