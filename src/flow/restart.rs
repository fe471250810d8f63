//! What a refused state still offers: to start the same login again.

use super::check::without_cookie;
use super::{Expect, Flow, FlowInner};
use crate::binding::{Binding, Comparison};
use crate::callback::Way;
use crate::open::{self, InContext};
use crate::provider::Provider;
use crate::refusal::{Restart, Whose};
use crate::token::wire::LONGEST_BYTES;

impl<T> Flow<T> {
    /// At your login start: what a refused state, sent along as [`Restart::token`], still offers this browser. Give it to
    /// [`Login::restarting`](crate::Login::restarting).
    ///
    /// `None` where [`Restart::is_automatic`] would be false, and if the state is not authentic, does not belong to `expect`, or
    /// expired longer ago than the ring's `lifetime_cap`: start the login as if there were no token. Anyone can send a token, so
    /// treat it as a hint and not as a permission. Only a [`Purpose::Login`](crate::Purpose::Login) restarts.
    ///
    /// Every layer between the callback and the login start has to keep the query. Without the token the count of restarts is lost,
    /// and a browser that keeps no cookies goes around in circles at a provider that asks nothing. A ring whose `lifetime_cap` is not
    /// longer than its `skew` restarts no expired login.
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
        let (now, table, context) = (inner.now(), inner.keys.load(), expect.context());
        let mut buffer = [0; LONGEST_BYTES];
        let authentic = open::authenticate(token, &table, now, &mut buffer).ok()?;
        let in_context = match authentic.check_time(now, table.ring().timing()) {
            Ok(timely) => timely.check_context(&context),
            Err(late) => late.check_context(&context),
        }
        .ok()?;
        let provider = inner.configured_provider(in_context).ok()?;
        let restart = inner.offer_restart(in_context, provider, binding, Way::Direct, token)?;
        // A login that restarted already, or one of another browser: a chain of tokens would keep its data for ever.
        restart.is_automatic().then_some(restart)
    }
}

impl FlowInner {
    /// What the state of a login that cannot be finished any more offers, if it would have belonged here in time.
    pub(super) fn offer_restart(
        &self,
        in_context: InContext<'_, '_>,
        provider: &Provider,
        binding: &Binding<'_>,
        way: Way,
        state: &str,
    ) -> Option<Restart> {
        let authentic = in_context.authentic();
        let whose = match self.compare(authentic, binding, provider) {
            Comparison::Same(_) if !self.is_same_user(in_context, binding) => return None,
            Comparison::Same(_) => Whose::ThisOne.by(authentic.claims.kind),
            Comparison::NoCookie => without_cookie(binding, way),
            Comparison::Other => Whose::Another,
        };
        let restart = Restart::new(authentic.origin(), whose, state.to_owned());
        let is_own = whose == Whose::ThisOne;
        Some(if is_own { self.carrying(restart, authentic.claims.data) } else { restart })
    }
}
