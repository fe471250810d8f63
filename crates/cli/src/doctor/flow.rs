//! A service's settings for `FlowBuilder`, and the states and cookies that result.

use std::time::{Duration, SystemTime};

use super::check::Check;
use oauth_state::ring::{KeyRingDocument, RingTiming};
use oauth_state::{App, BeginError, ConfigError, Flow, FlowBuilder, KeyRing, Provider, Purpose, SingleProcessGuard};

use super::cookie::{WebOrigin, cookie, redirect_uri};
use super::provider::ProviderSpec;
use super::size::{AnyData, BoundBy, Sizes};

/// A service's settings, without its guard.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name and environment.
    pub app: App,
    /// The public address.
    pub origin: WebOrigin,
    /// In the order in which the service names them; empty for `login` alone.
    pub purposes: Vec<Purpose>,
    /// The providers.
    pub providers: Vec<ProviderSpec>,
    /// `FlowBuilder::lifetime`.
    pub lifetime: Duration,
    /// `FlowBuilder::shared_callback`.
    pub shared_callback: bool,
    /// `FlowBuilder::dangerously_allow_plain_http`.
    pub plain_http: bool,
    /// `FlowBuilder::build_signed_not_encrypted`.
    pub signed: bool,
    /// The store of its logins.
    pub bound_by: BoundBy,
    /// The content of its states.
    pub sizes: Sizes,
}

impl Service {
    /// Checks all of it, with the ring if there is one.
    #[must_use]
    pub fn examine(&self, document: Option<&KeyRingDocument>, now: SystemTime) -> Vec<Check> {
        // Sealed under a throw-away key, because a state's length and a cookie's attributes do not depend on the key.
        let timing = document.map_or_else(RingTiming::default, KeyRingDocument::timing);
        let trial = match KeyRingDocument::first(timing, now) {
            Ok(trial) => trial.ring().clone(),
            Err(error) => return vec![Check::error("randomness", error.to_string(), "try again")],
        };
        let (mut checks, mut providers, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for spec in &self.providers {
            checks.extend(spec.against_preset());
            match spec.provider() {
                Ok(provider) => {
                    checks.extend(self.examine_one(spec, &provider, &trial, &mut refused));
                    providers.push(provider);
                }
                Err(check) => checks.push(check),
            }
        }
        let ids = providers.iter().map(Provider::id).collect::<Vec<_>>().join(", ");
        let whole = |ring| {
            let builder = self.builder(ring, providers.iter().cloned()).lifetime(self.lifetime);
            self.build(if self.shared_callback { builder.shared_callback() } else { builder })
        };
        let built = match whole(document.map_or(&trial, KeyRingDocument::ring)) {
            // A separate finding about the ring, which hides none of the configuration's.
            Err(ConfigError::NoActiveKey) => whole(&trial),
            built => built,
        };
        match built {
            // Already reported for its provider; also for an unknown one.
            Err(error) if refused.contains(&error) => {}
            Err(ConfigError::NoProvider) if !self.providers.is_empty() => {}
            Err(error) => checks.push(cannot_work(&error)),
            Ok(_) => checks.push(Check::ok(
                "configuration",
                format!("the flow builds, with providers: {ids}; lifetime {} s", self.lifetime.as_secs()),
            )),
        }
        checks
    }

    fn builder(&self, ring: &KeyRing, providers: impl IntoIterator<Item = Provider>) -> FlowBuilder<AnyData> {
        let guard = SingleProcessGuard::with_capacity(1);
        let mut builder = Flow::builder(self.app.clone(), ring.clone(), guard);
        // Only a cookie has a host. An IPv6 address is a developer's own machine, and not a public host.
        if self.bound_by == BoundBy::Cookie && !self.origin.host().contains(':') {
            builder = builder.public_hosts([self.origin.host()]);
        }
        builder = self.purposes.iter().copied().fold(builder, FlowBuilder::purpose);
        builder = providers.into_iter().fold(builder, FlowBuilder::provider);
        let builder = if self.plain_http { builder.dangerously_allow_plain_http() } else { builder };
        builder.carrying()
    }

    fn build(&self, builder: FlowBuilder<AnyData>) -> Result<Flow<AnyData>, ConfigError> {
        if self.signed { builder.build_signed_not_encrypted() } else { builder.build() }
    }

    /// A flow with only this provider, so that one provider's error does not hide another's.
    fn examine_one(
        &self,
        spec: &ProviderSpec,
        provider: &Provider,
        trial: &KeyRing,
        refused: &mut Vec<ConfigError>,
    ) -> Vec<Check> {
        let id = provider.id();
        let uris = spec.redirect_uris.iter().filter(|_| self.bound_by == BoundBy::Cookie);
        let mut checks: Vec<Check> = uris.filter_map(|(_, uri)| redirect_uri(&self.origin, id, uri)).collect();
        let flow = match self.build(self.builder(trial, [provider.clone()])) {
            Ok(flow) => flow,
            Err(error) => {
                let check = cannot_work(&error);
                checks.push(Check { found: format!("{id}: {}", check.found), ..check }.about(id));
                refused.push(error);
                return checks;
            }
        };
        let purposes = if self.purposes.is_empty() { &[Purpose::Login][..] } else { &self.purposes };
        // A cookie is set whatever the state contains.
        if let Ok(Some(header)) =
            Sizes::default().begin(&flow, spec, purposes, self.bound_by).map(|begun| begun.set_cookie)
        {
            checks.push(cookie(&self.origin, id, spec.answers_by(), &header).about(id));
        }
        checks.push(
            match self.sizes.begin(&flow, spec, purposes, self.bound_by) {
                Ok(begun) => self.sizes.judge(provider, begun.state.len()),
                Err(BeginError::StateTooLong { actual, .. }) => self.sizes.judge(provider, actual),
                Err(error) => Check::error("begin", format!("{id}: {error}"), "correct what it names"),
            }
            .about(id),
        );
        checks
    }
}

fn cannot_work(error: &ConfigError) -> Check {
    let to_do = match error {
        ConfigError::NoProvider => "name the providers with --provider",
        ConfigError::DuplicateProvider(_) => {
            "name each provider once; two tenants of one product need two ids (Provider::oidc)"
        }
        ConfigError::Name(_) => "correct the name",
        ConfigError::Lifetime { .. } => "correct lifetime(), or raise lifetime_cap: oauth-state keys times",
        ConfigError::RedirectUri(_) => "correct the redirect_uri",
        ConfigError::DuplicateRedirect(_) => "give each redirect_uri a name of its own",
        ConfigError::MixUp(..) => {
            "give each provider a redirect_uri of its own, or all of them requires_iss, and build with shared_callback"
        }
        ConfigError::FormPostOverPlainHttp(_) => {
            "serve over https and take dangerously_allow_plain_http() out, or use response_mode=query where the provider \
             answers so"
        }
        ConfigError::CookieHost { .. } => {
            "let the login begin on the host of the redirect_uri, or redirect to this one"
        }
        ConfigError::PublicHost(_) => "give --origin as browsers see it",
        ConfigError::NoActiveKey => "let the first key's seal_from be its published_at or earlier",
        ConfigError::KeyIdCollision => "replace the newer one: oauth-state keys revoke, then rotate",
        _ => "correct what it names",
    };
    Check::error("configuration", error.to_string(), to_do)
}

#[cfg(test)]
mod tests;
