//! The settings of a login that is about to start.

use std::time::SystemTime;

use crate::claims::{Origin, ReturnTo, Tenant};
use crate::name::Purpose;
use crate::observe::CONNECTION;
use crate::provider::{LoginProvider, Provider};
use crate::reference::Reference;
use crate::refusal::Restart;

/// A login to start: its provider, tenant and the path to return to.
///
/// # Examples
///
/// ```
/// use oauth_state::{testing, Binding, Login, ReturnTo};
/// let login = Login::with("github").return_to("/projects/7".parse::<ReturnTo>()?);
/// let begun = testing::flow().begin(Binding::session(&[7; 16])?, login)?;
/// assert!(begun.state.len() <= 112 + 16);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a login begins when it is given to Flow::begin"]
pub struct Login<T = ()> {
    pub(crate) provider: String,
    /// The provider itself, if the application loaded it for this login.
    pub(crate) connection: Option<Provider>,
    pub(crate) purpose: Option<Purpose>,
    pub(crate) tenant: Option<Tenant>,
    pub(crate) redirect: Option<String>,
    pub(crate) return_to: Option<ReturnTo>,
    pub(crate) restarts: u8,
    pub(crate) data: T,
}

impl Login<()> {
    /// A login at the provider of this id, or at a provider that was loaded at run time (a [`Provider`] of the identity provider that a
    /// customer has set up, for example). Its callback is finished with [`Expect::connection`](crate::Expect::connection).
    pub fn with(provider: impl Into<LoginProvider>) -> Self {
        let LoginProvider { id: provider, connection } = provider.into();
        Self {
            provider,
            connection,
            purpose: None,
            tenant: None,
            redirect: None,
            return_to: None,
            restarts: 0,
            data: (),
        }
    }
}

impl<T> Login<T> {
    /// The name of its provider in events.
    pub(crate) fn label(&self) -> &str {
        if self.connection.is_some() { CONNECTION } else { &self.provider }
    }

    /// Sets the purpose, if the flow accepts several.
    pub fn purpose(self, purpose: Purpose) -> Self {
        Self { purpose: Some(purpose), ..self }
    }

    /// Sets the tenant.
    pub fn tenant(self, tenant: impl Into<Tenant>) -> Self {
        Self { tenant: Some(tenant.into()), ..self }
    }

    /// Sets the id of the redirect_uri for the authorization request.
    pub fn redirect(self, id: &str) -> Self {
        Self { redirect: Some(id.to_owned()), ..self }
    }

    /// Sets the path to return to after the login.
    pub fn return_to(self, path: ReturnTo) -> Self {
        Self { return_to: Some(path), ..self }
    }

    /// Sets your own data; the flow is built with [`FlowBuilder::carrying`](super::FlowBuilder::carrying) its type.
    pub fn data<U>(self, data: U) -> Login<U> {
        let Self { provider, connection, purpose, tenant, redirect, return_to, restarts, .. } = self;
        Login { provider, connection, purpose, tenant, redirect, return_to, restarts, data }
    }

    /// Splits the login into one without data, and the data, for a store of your own.
    pub fn split_data(self) -> (Login<()>, T) {
        let Self { provider, connection, purpose, tenant, redirect, return_to, restarts, data } = self;
        (Login { provider, connection, purpose, tenant, redirect, return_to, restarts, data: () }, data)
    }

    /// The origin that the callback will receive, and the data, for a store of your own. The default purpose is [`Purpose::Login`]. Set
    /// [`Origin::reference`] to that of the state; until then it is random.
    #[must_use]
    pub fn into_origin(self, issued_at: SystemTime) -> (Origin, T) {
        let Self { provider, purpose, tenant, redirect, return_to, restarts, data, .. } = self;
        let purpose = purpose.unwrap_or(Purpose::Login);
        (
            Origin {
                provider,
                tenant,
                redirect,
                return_to,
                purpose,
                restarts,
                issued_at,
                reference: Reference::random(),
            },
            data,
        )
    }

    /// Continues the login of a refused callback and counts the attempt. The fields of the restart (provider, purpose and, for the browser
    /// that started the login, tenant, redirect id and return path) replace the values that were set before.
    ///
    /// Call it at your login start with the [`Restart`] that [`Flow::restart`](crate::Flow::restart) returned for the request's token.
    pub fn restarting(self, restart: &Restart) -> Self {
        Self {
            provider: restart.provider().to_owned(),
            connection: self.connection.filter(|loaded| loaded.id() == restart.provider()),
            purpose: Some(restart.purpose()),
            tenant: restart.tenant().cloned().or(self.tenant),
            redirect: restart.redirect().map(str::to_owned).or(self.redirect),
            return_to: restart.return_to().cloned().or(self.return_to),
            restarts: restart.restarts().saturating_add(1),
            data: self.data,
        }
    }
}

impl Restart {
    /// The same login again: provider, purpose and, as far as is safe, tenant and path, with the count of restarts. If the provider is
    /// loaded at run time, load it again and use `Login::with(&loaded).restarting(&restart)`.
    pub fn login(&self) -> Login {
        Login::with(self.provider()).restarting(self)
    }
}
