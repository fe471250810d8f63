//! What a callback's route expects of a state.

use crate::claims::Tenant;
use crate::name::Purpose;
use crate::open::{Context, Expected};

/// What the callback's route knows. What is not fixed here is learned from the state, once that is authentic.
///
/// # Examples
///
/// ```
/// use oauth_state::{Expect, Tenant};
/// let tenant = Tenant::from([7; 16]);
/// let expect = Expect::provider("github").tenant(&tenant).redirect("web");
/// assert!(format!("{expect:?}").contains("github"));
/// ```
#[derive(Clone, Debug)]
#[must_use = "give it to Flow::finish"]
pub struct Expect<'a> {
    pub(crate) provider: Option<&'a str>,
    pub(crate) tenant: Expected<&'a Tenant>,
    pub(crate) redirect: Expected<&'a str>,
    pub(crate) purpose: Option<Purpose>,
}

impl<'a> Expect<'a> {
    /// The provider whose callback address this is. It must come from the address itself, not from a parameter.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::Expect;
    /// assert!(format!("{:?}", Expect::provider("github")).contains("github"));
    /// ```
    pub fn provider(id: &'a str) -> Self {
        Self { provider: Some(id), ..Self::any_provider() }
    }

    /// Any provider of a flow that was built with [`FlowBuilder::shared_callback`](super::FlowBuilder::shared_callback),
    /// where `iss` tells them apart.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::Expect;
    /// assert!(format!("{:?}", Expect::any_provider()).contains("None"));
    /// ```
    pub fn any_provider() -> Self {
        Self { provider: None, tenant: Expected::Any, redirect: Expected::Any, purpose: None }
    }

    /// The tenant that the callback's address tells.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{Expect, Tenant};
    /// let tenant = Tenant::from([7; 16]);
    /// assert!(format!("{:?}", Expect::provider("github").tenant(&tenant)).contains("Tenant"));
    /// ```
    pub fn tenant(self, tenant: &'a Tenant) -> Self {
        Self { tenant: Expected::Exactly(Some(tenant)), ..self }
    }

    /// The id of the redirect_uri that this address is.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::Expect;
    /// assert!(format!("{:?}", Expect::provider("github").redirect("web")).contains("web"));
    /// ```
    pub fn redirect(self, id: &'a str) -> Self {
        Self { redirect: Expected::Exactly(Some(id)), ..self }
    }

    /// The one purpose that this address serves, where the flow accepts several.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{Expect, Purpose};
    /// assert!(format!("{:?}", Expect::provider("github").purpose(Purpose::Link)).contains("Link"));
    /// ```
    pub fn purpose(self, purpose: Purpose) -> Self {
        Self { purpose: Some(purpose), ..self }
    }

    pub(crate) fn context(&self) -> Context<'a> {
        let Self { provider, tenant, redirect, purpose } = *self;
        Context { provider, tenant, redirect, purpose }
    }
}
