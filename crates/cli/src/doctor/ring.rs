//! The ring: its document, and whether it is an old one.

use std::time::{Duration, SystemTime};

use super::check::Check;
use oauth_state::ring::KeyRingDocument;

/// The problems of a document, errors first; empty if there are none.
#[must_use]
pub fn ring(document: &KeyRingDocument, now: SystemTime, oldest: Duration, least_serial: u64) -> Vec<Check> {
    let serial = document.serial();
    let mut checks = Vec::new();
    // An old document has no problem in itself.
    if serial < least_serial {
        checks.push(Check::error(
            "serial_low",
            format!("the serial is {serial}, and {least_serial} is the least: an old document was put back"),
            "put the present one back, and rotate or revoke on that",
        ));
    }
    checks.extend(document.lint(now, oldest).into_iter().map(|finding| Check {
        level: finding.severity().into(),
        name: finding.code(),
        about: finding.key().map(|id| id.to_string()),
        found: finding.to_string(),
        to_do: Some(finding.remedy().to_owned()),
    }));
    checks
}
