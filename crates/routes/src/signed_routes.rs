//! Routes for a flow whose states are signed and not encrypted.

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
    pub fn build_signed_not_encrypted(self) -> Result<Routes<W, T>, RoutesError> {
        self.build_by(FlowBuilder::build_signed_not_encrypted)
    }
}
