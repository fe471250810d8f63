//! What a caller says of a login that is to begin.

use crate::claims::{ReturnTo, Tenant};
use crate::name::Purpose;
use crate::refusal::Restart;

/// A login to begin: at which provider, for whom, and where to afterwards.
///
/// # Examples
///
/// ```
/// use oauth_state::{testing, Binding, Login, ReturnTo};
/// let login = Login::with("github").return_to(ReturnTo::parse("/projects/7")?);
/// let begun = testing::flow().begin(Binding::session(&[7; 16])?, login)?;
/// assert!(begun.state.len() <= 112 + 16);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a login begins when it is given to Flow::begin"]
pub struct Login<T = ()> {
    pub(crate) provider: String,
    pub(crate) purpose: Option<Purpose>,
    pub(crate) tenant: Option<Tenant>,
    pub(crate) redirect: Option<String>,
    pub(crate) return_to: Option<ReturnTo>,
    pub(crate) restarts: u8,
    pub(crate) data: T,
}

impl Login<()> {
    /// A login at the provider of this id.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, Binding, Login};
    /// assert!(testing::flow().begin(Binding::session(&[7; 16])?, Login::with("github")).is_ok());
    /// # Ok::<(), oauth_state::error::BindingError>(())
    /// ```
    pub fn with(provider: impl Into<String>) -> Self {
        let provider = provider.into();
        Self { provider, purpose: None, tenant: None, redirect: None, return_to: None, restarts: 0, data: () }
    }
}

impl<T> Login<T> {
    /// What it is for, where the flow accepts several purposes.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, BeginError, Binding, Login, Purpose};
    /// let login = Login::with("github").purpose(Purpose::Link);
    /// let error = testing::flow().begin(Binding::session(&[7; 16])?, login).unwrap_err();
    /// assert!(matches!(error, BeginError::PurposeNotAccepted(Purpose::Link)));
    /// # Ok::<(), oauth_state::error::BindingError>(())
    /// ```
    pub fn purpose(self, purpose: Purpose) -> Self {
        Self { purpose: Some(purpose), ..self }
    }

    /// The tenant that it is for.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, Binding, Login};
    /// let begun = testing::flow().begin(Binding::session(&[7; 16])?, Login::with("github").tenant([7; 16]))?;
    /// assert!(begun.state.len() <= 112 + 22);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tenant(self, tenant: impl Into<Tenant>) -> Self {
        Self { tenant: Some(tenant.into()), ..self }
    }

    /// The id of the redirect_uri that the authorization request names.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, Binding, Login};
    /// assert!(testing::flow().begin(Binding::session(&[7; 16])?, Login::with("github").redirect("web")).is_ok());
    /// # Ok::<(), oauth_state::error::BindingError>(())
    /// ```
    pub fn redirect(self, id: &str) -> Self {
        Self { redirect: Some(id.to_owned()), ..self }
    }

    /// Where to send the person afterwards.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, Binding, Login, ReturnTo};
    /// let login = Login::with("github").return_to(ReturnTo::parse("/home")?);
    /// assert!(testing::flow().begin(Binding::session(&[7; 16])?, login).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn return_to(self, path: ReturnTo) -> Self {
        Self { return_to: Some(path), ..self }
    }

    /// The caller's own data; the flow is built with [`FlowBuilder::carrying`](super::FlowBuilder::carrying) its type.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::Login;
    /// let login: Login<u32> = Login::with("github").data(42);
    /// assert!(format!("{login:?}").contains("42"));
    /// ```
    pub fn data<U>(self, data: U) -> Login<U> {
        let Self { provider, purpose, tenant, redirect, return_to, restarts, .. } = self;
        Login { provider, purpose, tenant, redirect, return_to, restarts, data }
    }

    /// The provider's id, as the caller gave it.
    pub(crate) fn provider_id(&self) -> &str {
        &self.provider
    }

    /// The data, and the login without it.
    pub(crate) fn split(self) -> (T, Login<()>) {
        let Self { provider, purpose, tenant, redirect, return_to, restarts, data } = self;
        (data, Login { provider, purpose, tenant, redirect, return_to, restarts, data: () })
    }

    /// Continues the login that a refused callback belonged to, with the attempt counted. What the restart names (provider,
    /// purpose and, for the browser that started the login, tenant, redirect id and return path) replaces what was set before.
    ///
    /// Call it at your login start with what [`Flow::restart`](crate::Flow::restart) made of the token in the request.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, Binding, Login};
    /// let flow = testing::flow();
    /// let (token, binding) = (testing::sample_restart().token().to_owned(), Binding::session(&[7; 16])?); // from the request
    ///
    /// let login = Login::with("github");
    /// let login = match flow.restart(&token, &binding, oauth_state::Expect::provider("github")) {
    ///     Some(restart) => login.restarting(&restart),
    ///     None => login,
    /// };
    /// assert!(flow.begin(binding, login).is_ok());
    /// # Ok::<(), oauth_state::error::BindingError>(())
    /// ```
    pub fn restarting(self, restart: &Restart) -> Self {
        Self {
            provider: restart.provider().to_owned(),
            purpose: Some(restart.purpose()),
            tenant: restart.tenant().cloned().or(self.tenant),
            redirect: restart.redirect().map(str::to_owned).or(self.redirect),
            return_to: restart.return_to().cloned().or(self.return_to),
            restarts: restart.restarts().saturating_add(1),
            data: self.data,
        }
    }
}
