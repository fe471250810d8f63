//! The tenant and the redirect_uri of a request.

use oauth_state::Tenant;

/// The tenant and the redirect_uri of a request, as your application derives them from its host or path; see
/// [`RoutesBuilder::site`](crate::RoutesBuilder::site) for an example.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    pub(crate) tenant: Option<Tenant>,
    pub(crate) redirect: Option<String>,
}

impl Site {
    /// Sets the tenant.
    #[must_use]
    pub fn with_tenant(self, tenant: impl Into<Tenant>) -> Self {
        Self { tenant: Some(tenant.into()), ..self }
    }

    /// The tenant, if the site has one.
    #[must_use]
    pub fn tenant(&self) -> Option<&Tenant> {
        self.tenant.as_ref()
    }

    /// The id of the redirect_uri, if the site has one.
    #[must_use]
    pub fn redirect(&self) -> Option<&str> {
        self.redirect.as_deref()
    }

    /// Sets the id of the redirect_uri of this site; see
    /// [`Provider::named_redirect_uri`](oauth_state::Provider::named_redirect_uri).
    #[must_use]
    pub fn with_redirect(self, id: &str) -> Self {
        Self { redirect: Some(id.to_owned()), ..self }
    }
}
