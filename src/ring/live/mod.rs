//! Rings that change while a service runs: the steps from one document to the next, the checks between two of them, and the
//! handle for flows.

mod change;
mod keys;
mod lint;
pub(crate) mod reader;
#[cfg(feature = "refresh")]
mod refresh;
mod state;
mod status;
mod steps;
mod timeline;
mod transition;

pub use change::{Change, Step, StepError};
pub use keys::LiveKeyRing;
pub use lint::{Lint, LintLevel};
#[cfg(feature = "refresh")]
pub use refresh::{Refresh, Refresher};
pub use state::Update;
pub use status::RingStatus;
pub use timeline::{KeyInfo, RingEvent, RingEventKind};

#[cfg(test)]
mod simulation;
