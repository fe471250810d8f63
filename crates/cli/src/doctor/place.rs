//! The place of the ring: its file, what killed writers left next to it, and its clock.

use super::check::Check;
use super::file::file;
use crate::clock;
use crate::sources::{Loaded, Source};

/// The checks of a source that was read.
pub fn place(source: &Source, loaded: &Loaded) -> Vec<Check> {
    let mut checks = source.path().map(file).unwrap_or_default();
    for left in source.leftovers() {
        let path = left.display();
        checks.push(if left.extension().is_some_and(|ending| ending == "lock") {
            Check::warning(
                "stale_lock",
                format!("{path} is left from a writer that was killed, or from an older release; no process holds it"),
                format!("rm {path}; the next rotation takes it over as well"),
            )
        } else {
            Check::warning(
                "leftover_copy",
                format!("{path} is left from a writer that was killed, and contains keys"),
                format!("rm {path}; the next rotation removes it as well"),
            )
        });
    }
    if let Some(found) = clock::disagreement(source, loaded) {
        checks.push(Check::warning("clock", found, "set the clock that is wrong: keys are scheduled by it"));
    }
    checks
}
