//! A router for a flow whose states are signed and not encrypted.

use super::routes::{LoginRoutes, RoutesError};
use super::routes_builder::LoginRoutesBuilder;
use crate::flow::{FlowBuilder, PublicData};

impl<T: PublicData + serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static> LoginRoutesBuilder<T> {
    /// Builds a flow whose states anybody can read, and its routes; see [`FlowBuilder::build_signed_readable_by_anybody`].
    ///
    /// # Errors
    ///
    /// As [`LoginRoutesBuilder::build`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::{adapter::axum::LoginRoutes, App, Flow, Provider, SingleProcessGuard, testing};
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow)
    ///     .provider(Provider::github(), |begun| format!("https://github.com/login/oauth/authorize?state={}", begun.state))
    ///     .on_code(|_, _| async { "signed in" });
    /// assert!(routes.build_signed_readable_by_anybody().is_ok());
    /// # Ok::<(), oauth_state::NameError>(())
    /// ```
    pub fn build_signed_readable_by_anybody(self) -> Result<LoginRoutes<T>, RoutesError> {
        self.build_by(FlowBuilder::build_signed_readable_by_anybody)
    }
}
