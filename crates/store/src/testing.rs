//! Ready-made stores, for examples and for your tests.
//!
//! # Security
//!
//! Their ring is the public one of [`oauth_state::testing`]. Enable the feature `testing` only in `[dev-dependencies]`.

use oauth_state::testing::ring;
use oauth_state::{App, Flow, Provider, SingleProcessGuard};

use crate::{MemoryPayloadStore, StoredFlow};

/// A flow with GitHub that keeps its data in its own memory; its states start with `osm1`.
///
/// # Panics
///
/// Never: its configuration is valid.
#[must_use]
#[expect(clippy::expect_used, reason = "constant arguments that every test run checks")]
pub fn stored_flow() -> StoredFlow<String> {
    let app = App::new("shop", "test").expect("a name");
    let builder = Flow::builder(app, ring(), SingleProcessGuard::with_capacity(1_000)).provider(Provider::github());
    StoredFlow::new(builder.carrying(), MemoryPayloadStore::with_capacity(1_000)).expect("a configuration that builds")
}
