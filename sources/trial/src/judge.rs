//! Whether a failed login was an honest one.

use std::collections::HashMap;

use crate::clock::{PROPAGATION, timing};

/// The operator's actions on one source.
#[derive(Default)]
pub struct History {
    /// When the key was revoked, by the trial's clock, in Unix seconds.
    pub revoked: HashMap<String, u64>,
    /// When a document with an immediately sealing key was published.
    pub emergencies: Vec<(String, u64)>,
}

/// A server's line about a failed login.
pub struct Failed {
    pub code: String,
    pub key: String,
    pub at: u64,
}

impl History {
    /// Why the failure was expected; the failure of an honest login never is.
    ///
    /// Two failures are expected: under a revoked key, and under its replacement at a server that has not read the
    /// document yet. A login start never fails.
    pub fn expects(&self, failed: &Failed) -> bool {
        let reach = PROPAGATION.as_secs() + 2 * timing().skew.as_secs() + 1;
        let soon_after = |at: &u64| (*at..=*at + reach).contains(&failed.at);
        match failed.code.as_str() {
            // The key of a login start during a swap is not named.
            "key_revoked" if failed.key == "-" => self.revoked.values().any(soon_after),
            "key_revoked" => self.revoked.contains_key(&failed.key),
            "unknown_key" => {
                let replaced = |(key, at): &(String, u64)| (failed.key == "-" || *key == failed.key) && soon_after(at);
                self.revoked.contains_key(&failed.key) || self.emergencies.iter().any(replaced)
            }
            _ => false,
        }
    }
}
