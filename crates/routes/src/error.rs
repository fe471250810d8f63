//! Why routes do not build.

use oauth_state::ConfigError;
use oauth_state::error::UrlError;

/// Why the routes do not build.
///
/// # Examples
///
/// ```
/// use oauth_state_routes::{LoginRoutes, RoutesError};
/// use oauth_state::{App, Flow, SingleProcessGuard, testing};
/// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(1));
/// assert!(matches!(LoginRoutes::builder(flow).build().unwrap_err(), RoutesError::MissingOnLogin));
/// # Ok::<(), oauth_state::error::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoutesError {
    /// The flow itself does not build.
    #[error(transparent)]
    Flow(#[from] ConfigError),
    /// A provider lacks what its authorization URL is made of.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The path given with `mount_at` is not a plain path.
    #[error(
        "the routes lie at a path such as /auth: one '/' first, none last, and of letters, digits, '/', '.', '_', '-'"
    )]
    MountPath,
    /// The provider sends people back to a path that is not the callback's.
    #[error(
        "the redirect_uri of {provider:?} does not end in {callback}, where its callback is; change one of the two (see \
         RoutesBuilder::mount_at)"
    )]
    RedirectUri {
        /// The provider's id.
        provider: String,
        /// The callback's path.
        callback: String,
    },
    /// `on_login` was not called.
    #[error("nothing would exchange the code and open a session: say what does with RoutesBuilder::on_login")]
    MissingOnLogin,
    /// `on_denied` was called before `each_login`.
    #[error("RoutesBuilder::each_login changes what on_denied is given: call that one after it")]
    RefusalTakenTooEarly,
}
