//! Ready-made stores, for examples and for tests of an application's own.
//!
//! # Security
//!
//! Their ring is the public one of [`oauth_state::testing`]. Turn the feature `testing` on in `[dev-dependencies]` only.

use oauth_state::testing::ring;
use oauth_state::{App, Flow, Provider, SingleProcessGuard};

use crate::{MemoryPayloadStore, StoredFlow};

/// A flow at GitHub, whose data lies in a memory of its own.
///
/// # Panics
///
/// Never: its configuration is one that builds.
///
/// # Examples
///
/// ```
/// use oauth_state::{Binding, Login};
/// use oauth_state_store::testing::stored_flow;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let login = Login::with("github").data("a text".to_owned());
/// let begun = stored_flow().begin(Binding::session(&[7; 16])?, login).await?;
/// assert!(begun.state.starts_with("osm1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[must_use]
#[expect(clippy::expect_used, reason = "constant arguments that every test run checks")]
pub fn stored_flow() -> StoredFlow<String> {
    let app = App::new("shop", "test").expect("a name");
    let builder = Flow::builder(app, ring(), SingleProcessGuard::with_capacity(1_000)).provider(Provider::github());
    StoredFlow::new(builder.carrying(), MemoryPayloadStore::with_capacity(1_000)).expect("a configuration that builds")
}
