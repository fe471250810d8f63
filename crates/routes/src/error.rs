//! The errors of building the routes.

use oauth_state::error::UrlError;

/// Why the routes cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoutesError {
    /// A provider lacks a setting that its authorization URL needs.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The path given with `mount_at` is not a plain path.
    #[error(
        "mount_at needs a path such as /auth: a leading '/', no trailing '/', and only letters, digits, '/', '.', '_', '-'"
    )]
    MountPath,
    /// `connections` serves every path below that of the routes, so that path must not be the site's root.
    #[error("the `connections` hook needs a path of its own: give mount_at one such as /auth")]
    ConnectionsAtRoot,
    /// The redirect_uri of a provider does not end in the path of its callback.
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
    #[error("no on_login hook to exchange the code and open a session; add one with RoutesBuilder::on_login")]
    MissingOnLogin,
    /// The flow accepts `reauthenticate`, and `on_step_up` was not called.
    #[error(
        "no on_step_up hook, although the flow accepts the purpose reauthenticate: nothing would confirm when the user authenticated; add \
         one with RoutesBuilder::on_step_up"
    )]
    MissingOnStepUp,
    /// The flow has no provider, and there is no `connections` hook.
    #[error(
        "the flow has no provider: add one with FlowBuilder::provider, or load them with RoutesBuilder::connections"
    )]
    MissingConnections,
    /// `hand_over` was called with a redirect id that no provider has.
    #[error("no provider has the redirect id {0:?} of hand_over: register it with Provider::named_redirect_uri")]
    UnknownRedirect(String),
    /// The path given with `default_return_to` is a login route, so one login would follow another.
    #[error("default_return_to must not be a login route: give it the path of one of your pages")]
    DefaultReturnTo,
    /// The app link of `hand_over` is not an address that opens an app.
    #[error(
        "an app link has a scheme that browsers do not handle themselves, such as com.shop.app:/signed-in, or is an https address that is \
         no callback of a provider; it holds no space, control character or fragment"
    )]
    AppLink,
    /// `build_steps` was called with an `on_…` hook, which never runs there.
    #[error("build_steps runs no on_login, on_step_up, on_denied or on_returned: respond to Step::Finished instead")]
    OutcomeHookInSteps,
}
