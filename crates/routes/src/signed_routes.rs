//! A router for a flow whose states are signed and not encrypted.

use oauth_state::FlowBuilder;
use oauth_state::inspect::PublicData;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::builder::RoutesBuilder;
use crate::error::RoutesError;
use crate::framework::Framework;
use crate::routes::Routes;

impl<W: Framework, T: PublicData + Serialize + DeserializeOwned + Send + Sync + 'static> RoutesBuilder<W, T> {
    /// Builds a flow whose states anyone can read, and its routes; see [`FlowBuilder::build_signed_not_encrypted`].
    ///
    /// # Errors
    ///
    /// As [`RoutesBuilder::build`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow)
    ///     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
    ///     .on_login(|_, _| async { Response::new("signed in") });
    /// assert!(routes.build_signed_not_encrypted().is_ok());
    /// # Ok::<(), oauth_state::error::NameError>(())
    /// ```
    pub fn build_signed_not_encrypted(self) -> Result<Routes<W, T>, RoutesError> {
        self.build_by(FlowBuilder::build_signed_not_encrypted)
    }
}
