//! The expectations of a callback's route.

use crate::claims::codec::Claims;
use crate::claims::{Origin, Tenant};
use crate::name::Purpose;
use crate::observe::CONNECTION;
use crate::provider::Provider;
use crate::refusal::{FinishError, FinishErrorKind};

/// The values that the callback's route knows and accepts. It fails closed: a state that names a tenant, a redirect id or a purpose is
/// refused unless the route names the same one, or accepts any explicitly.
///
/// # Examples
///
/// ```
/// use oauth_state::testing::{self, TestBrowser};
/// use oauth_state::{Expect, Login, Tenant};
///
/// let (flow, acme) = (testing::flow(), Tenant::from([7; 16]));
/// let login = Login::with("github").tenant(acme.clone());
/// let browser = TestBrowser::follow(&flow.begin(TestBrowser::default().binding(), login)?);
///
/// let check = |expect| flow.check(browser.binding(), expect, browser.callback());
/// assert!(check(Expect::provider("github").tenant(&acme)).is_ok());
/// assert!(check(Expect::provider("github").any_tenant()).is_ok());
/// assert_eq!(check(Expect::provider("github")).unwrap_err().code(), "wrong_tenant");
/// assert_eq!(check(Expect::provider("gitlab").tenant(&acme)).unwrap_err().code(), "wrong_provider");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "give it to Flow::finish"]
pub struct Expect<'a> {
    pub(crate) provider: Option<&'a str>,
    /// The provider itself, if the application loaded it for this callback.
    pub(crate) connection: Option<&'a Provider>,
    pub(crate) issuer: Option<&'a str>,
    pub(crate) tenant: Expected<&'a Tenant>,
    pub(crate) redirect: Expected<&'a str>,
    /// `Exactly(None)` is the flow's first purpose.
    pub(crate) purpose: Expected<Purpose>,
}

/// The requirement for a value that a state may have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expected<T> {
    /// Any value; it is learned from the state.
    Any,
    /// Exactly this value; with `None`, a state that has one is refused.
    Exactly(Option<T>),
}

impl<'a> Expect<'a> {
    /// The provider of this callback address. It must come from the address itself, not from a parameter.
    pub fn provider(id: &'a str) -> Self {
        Self { provider: Some(id), ..Self::any_provider() }
    }

    /// A provider that was loaded at run time ([`Login::with`](crate::Login::with)), in its current form: if its issuer, client id,
    /// authorization endpoint or redirect_uri has changed since the login started, the callback is refused as `connection_changed`. Its own
    /// tenant ([`Provider::for_tenant`](crate::Provider::for_tenant)) is expected, too. Load it by the id in the callback's path, or by
    /// [`OpenedCallback::provider`](crate::OpenedCallback::provider).
    ///
    /// # Security
    ///
    /// However you load it, the callback must have arrived at the provider's redirect_uri, so make it with
    /// [`Callback::from_parts`](crate::Callback::from_parts), or with [`Callback::arrived_at`](crate::Callback::arrived_at) and the path of
    /// the request. Declare connections that share an address with [`at_shared_callback`](crate::Provider::at_shared_callback), whose
    /// documentation lists the checks for when a customer saves one, and with [`requires_iss`](crate::Provider::requires_iss). Give a
    /// connection that moves to another provider a new id, and remove its redirect_uri at the old provider: otherwise codes that the old
    /// one still sends go to the new one.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::testing::{self, TestBrowser, block_on};
    /// use oauth_state::{Expect, Login, Provider};
    ///
    /// let flow = testing::flow(); // it knows nothing of this provider
    /// let load = |client_id| {
    ///     let uri = "https://shop.example/auth/01JDQ8ZK3M7Y5V2W9X4R6T1B0C/callback";
    ///     Provider::oidc("01JDQ8ZK3M7Y5V2W9X4R6T1B0C", "https://login.acme.example").map(|it| it.client_id(client_id).redirect_uri(uri))
    /// };
    /// let acme = load("client-7")?;
    /// let browser = TestBrowser::follow(&flow.begin(TestBrowser::default().binding(), Login::with(&acme))?);
    /// let callback = || browser.callback().arrived_at("/auth/01JDQ8ZK3M7Y5V2W9X4R6T1B0C/callback");
    ///
    /// let edited = load("client-8")?;
    /// let refused = flow.check(browser.binding(), Expect::connection(&edited), callback()).unwrap_err();
    /// assert_eq!(refused.code(), "connection_changed");
    /// assert!(block_on(flow.finish(browser.binding(), Expect::connection(&acme), callback())).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn connection(loaded: &'a Provider) -> Self {
        let tenant = Expected::Exactly(loaded.tenant());
        Self { provider: Some(loaded.id()), connection: Some(loaded), tenant, ..Self::any_provider() }
    }

    /// The provider's name in events.
    pub(crate) fn label(&self) -> Option<&'a str> {
        if self.connection.is_some() { Some(CONNECTION) } else { self.provider }
    }

    /// Any provider of a flow that was built with [`FlowBuilder::shared_callback`](crate::FlowBuilder::shared_callback), where `iss` tells
    /// them apart.
    pub fn any_provider() -> Self {
        Self {
            provider: None,
            connection: None,
            issuer: None,
            tenant: Expected::Exactly(None),
            redirect: Expected::Exactly(None),
            purpose: Expected::Exactly(None),
        }
    }

    /// The issuer of this login's provider, if one provider stands for several: an `iss` in the callback must equal it as a string (RFC
    /// 9207 section 2.4). It replaces the provider's configured issuer.
    pub fn issuer(self, identifier: &'a str) -> Self {
        Self { issuer: Some(identifier), ..self }
    }

    /// The tenant that the callback's address names.
    pub fn tenant(self, tenant: &'a Tenant) -> Self {
        Self { tenant: Expected::Exactly(Some(tenant)), ..self }
    }

    /// Any tenant, or none: only the state says whose login it is.
    ///
    /// # Security
    ///
    /// A login of one tenant then finishes at the address of another. Compare [`Origin::tenant`](crate::Origin::tenant) with the tenant of
    /// this page, unless all tenants share one page.
    pub fn any_tenant(self) -> Self {
        Self { tenant: Expected::Any, ..self }
    }

    /// The redirect id of this address.
    pub fn redirect(self, id: &'a str) -> Self {
        Self { redirect: Expected::Exactly(Some(id)), ..self }
    }

    /// Any redirect id, or none.
    ///
    /// # Security
    ///
    /// A login that was sent to one of your addresses then finishes at another.
    pub fn any_redirect(self) -> Self {
        Self { redirect: Expected::Any, ..self }
    }

    /// The one purpose that this address serves; by default the flow's first, normally `login`.
    pub fn purpose(self, purpose: Purpose) -> Self {
        Self { purpose: Expected::Exactly(Some(purpose)), ..self }
    }

    /// Any purpose that the flow accepts, for an address that serves several. Check [`Origin::purpose`](crate::Origin::purpose) before you
    /// sign a user in.
    pub fn any_purpose(self) -> Self {
        Self { purpose: Expected::Any, ..self }
    }

    /// The provider's id, if the route names one.
    #[must_use]
    pub fn provider_id(&self) -> Option<&'a str> {
        self.provider
    }

    /// Whether a login with this origin may finish here, by the rules of a flow, for a store of your own. `first` is the default purpose.
    ///
    /// # Errors
    ///
    /// `wrong_purpose`, `wrong_provider`, `wrong_redirect` and `wrong_tenant`, checked in this order. [`Expect::connection`] is always
    /// refused as `wrong_provider`: an origin has no tag that shows whether the connection is still the one that the login started with.
    pub fn check_origin(&self, origin: &Origin, first: Purpose) -> Result<(), FinishError> {
        if self.connection.is_some() {
            return Err(refused(FinishErrorKind::WrongProvider, Some(NO_TAG)));
        }
        let tenant = origin.tenant.as_ref().map_or(&[][..], Tenant::as_bytes);
        let redirect = origin.redirect.as_deref().unwrap_or_default();
        self.check(&Sealed { provider: &origin.provider, tenant, redirect, purpose: origin.purpose }, first)
    }

    pub(crate) fn check_claims(
        &self,
        claims: &Claims<'_>,
        purpose: Purpose,
        first: Purpose,
    ) -> Result<(), FinishError> {
        let Claims { provider, tenant, redirect, .. } = *claims;
        self.check(&Sealed { provider, tenant, redirect, purpose }, first)
    }

    fn check(&self, sealed: &Sealed<'_>, first: Purpose) -> Result<(), FinishError> {
        match self.purpose {
            Expected::Exactly(expected) if expected.unwrap_or(first) != sealed.purpose => {
                return Err(refused(FinishErrorKind::WrongPurpose, expected.is_none().then_some(NO_PURPOSE)));
            }
            Expected::Exactly(_) | Expected::Any => {}
        }
        // Mix-up: a code of one provider must not go to another's token endpoint (RFC 9700 section 4.4).
        if self.provider.is_some_and(|provider| provider != sealed.provider) {
            return Err(FinishErrorKind::WrongProvider.into());
        }
        if !self.redirect.accepts(|redirect| redirect == sealed.redirect, sealed.redirect.is_empty()) {
            return Err(refused(FinishErrorKind::WrongRedirect, self.redirect.is_unnamed().then_some(NO_REDIRECT)));
        }
        // A login of one tenant must not be finished at another tenant's address.
        if !self.tenant.accepts(|tenant| tenant.as_bytes() == sealed.tenant, sealed.tenant.is_empty()) {
            return Err(refused(FinishErrorKind::WrongTenant, self.tenant.is_unnamed().then_some(NO_TENANT)));
        }
        Ok(())
    }
}

/// The compared values; an absent value is empty.
struct Sealed<'s> {
    provider: &'s str,
    tenant: &'s [u8],
    redirect: &'s str,
    purpose: Purpose,
}

const NO_TAG: &str =
    "providers that are loaded at run time need sealed states: a store's entry has no tag of the connection";
const NO_PURPOSE: &str = "the state has another purpose than the flow's first, and the callback names none: say which one this address \
    serves with Expect::purpose, or accept all of them with Expect::any_purpose";
const NO_REDIRECT: &str = "the state names a redirect id, and the callback names none: say which address this is with \
    Expect::redirect, or accept all of them with Expect::any_redirect";
const NO_TENANT: &str = "the state belongs to a tenant, and the callback names none: say whose page this is with Expect::tenant, or \
    accept all of them with Expect::any_tenant";

fn refused(kind: FinishErrorKind, diagnosis: Option<&'static str>) -> FinishError {
    diagnosis.map_or_else(|| kind.into(), |diagnosis| FinishError::because(kind, diagnosis))
}

impl<T> Expected<T> {
    /// Whether the state's value, or its absence, meets the requirement.
    fn accepts(self, is_sealed: impl FnOnce(T) -> bool, is_absent: bool) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(Some(expected)) => is_sealed(expected),
            Self::Exactly(None) => is_absent,
        }
    }

    fn is_unnamed(&self) -> bool {
        matches!(self, Self::Exactly(None))
    }
}
