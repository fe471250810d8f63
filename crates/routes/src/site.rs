//! Which tenant's site a request belongs to.

use oauth_state::Tenant;

/// The tenant and the redirect_uri that a request belongs to, as the application derives them from its host or path; see
/// [`RoutesBuilder::site`](crate::RoutesBuilder::site).
///
/// # Examples
///
/// ```
/// use oauth_state_routes::Site;
/// let site = Site::default().with_tenant([7; 16]).with_redirect("web");
/// assert!(site != Site::default());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    pub(crate) tenant: Option<Tenant>,
    pub(crate) redirect: Option<String>,
}

impl Site {
    /// The tenant whose site it is.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_routes::Site;
    /// assert!(Site::default().with_tenant([7; 16]) != Site::default().with_tenant([8; 16]));
    /// ```
    #[must_use]
    pub fn with_tenant(self, tenant: impl Into<Tenant>) -> Self {
        Self { tenant: Some(tenant.into()), ..self }
    }

    /// The id of the redirect_uri that lies on this site; see
    /// [`Provider::named_redirect_uri`](oauth_state::Provider::named_redirect_uri).
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_routes::Site;
    /// assert!(Site::default().with_redirect("web") != Site::default());
    /// ```
    #[must_use]
    pub fn with_redirect(self, id: &str) -> Self {
        Self { redirect: Some(id.to_owned()), ..self }
    }
}
