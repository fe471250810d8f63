//! What a callback's route expects of a state.

use crate::claims::codec::Claims;
use crate::claims::{Origin, Tenant};
use crate::name::Purpose;
use crate::refusal::{FinishError, FinishErrorKind};

/// What the callback's route knows of the login, and what it accepts. It fails closed: a state that names a tenant, a
/// redirect id or a purpose is refused unless the route names the same one, or accepts any by name.
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
    pub(crate) tenant: Expected<&'a Tenant>,
    pub(crate) redirect: Expected<&'a str>,
    /// `Exactly(None)` is the flow's first purpose.
    pub(crate) purpose: Expected<Purpose>,
}

/// What a callback requires of a value that a state may or may not carry.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expected<T> {
    /// Learned from the state.
    Any,
    /// Exactly this value; with `None`, a state that carries one is refused.
    Exactly(Option<T>),
}

impl<'a> Expect<'a> {
    /// The provider whose callback address this is. It must come from the address itself, not from a parameter.
    pub fn provider(id: &'a str) -> Self {
        Self { provider: Some(id), ..Self::any_provider() }
    }

    /// Any provider of a flow that was built with
    /// [`FlowBuilder::shared_callback`](crate::FlowBuilder::shared_callback), where `iss` tells them apart.
    pub fn any_provider() -> Self {
        Self {
            provider: None,
            tenant: Expected::Exactly(None),
            redirect: Expected::Exactly(None),
            purpose: Expected::Exactly(None),
        }
    }

    /// The tenant that the callback's address tells.
    pub fn tenant(self, tenant: &'a Tenant) -> Self {
        Self { tenant: Expected::Exactly(Some(tenant)), ..self }
    }

    /// Any tenant, or none: the state alone says whose login it is.
    ///
    /// # Security
    ///
    /// A login of one tenant then finishes at the address of another. Compare [`Origin::tenant`](crate::Origin::tenant) with the
    /// tenant whose page this is, unless all tenants share one.
    pub fn any_tenant(self) -> Self {
        Self { tenant: Expected::Any, ..self }
    }

    /// The id of the redirect_uri that this address is.
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

    /// The one purpose that this address serves; the flow's first, normally `login`, unless it is said here.
    pub fn purpose(self, purpose: Purpose) -> Self {
        Self { purpose: Expected::Exactly(Some(purpose)), ..self }
    }

    /// Any purpose that the flow accepts, for an address that serves several. Look at
    /// [`Origin::purpose`](crate::Origin::purpose) before you sign anyone in.
    pub fn any_purpose(self) -> Self {
        Self { purpose: Expected::Any, ..self }
    }

    /// The provider's id, if one is named.
    #[must_use]
    pub fn provider_id(&self) -> Option<&'a str> {
        self.provider
    }

    /// Whether a login with this origin may finish here, as a flow asks of a state, for a store of your own. `first` is the purpose
    /// that is expected if none is named.
    ///
    /// # Errors
    ///
    /// `wrong_purpose`, `wrong_provider`, `wrong_redirect` and `wrong_tenant`, looked at in this order.
    pub fn check_origin(&self, origin: &Origin, first: Purpose) -> Result<(), FinishError> {
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

/// What is compared; an absent value is empty.
struct Sealed<'s> {
    provider: &'s str,
    tenant: &'s [u8],
    redirect: &'s str,
    purpose: Purpose,
}

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
    /// Whether what the state carries, or its absence, is what is required.
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
