//! `keys check`.

use std::path::Path;
use std::time::SystemTime;

use oauth_state::{Finding, Severity};
use serde_json::json;

use crate::arguments::Check;
use crate::failure::Failure;
use crate::output::Report;

/// A finding of the library, or one about the file.
struct Found {
    severity: Severity,
    code: &'static str,
    key: Option<String>,
    message: String,
    to_do: String,
}

impl From<Finding> for Found {
    fn from(finding: Finding) -> Self {
        Self {
            severity: finding.severity(),
            code: finding.code(),
            key: finding.key().map(|id| id.to_string()),
            message: finding.to_string(),
            to_do: finding.to_do().to_owned(),
        }
    }
}

pub fn check(options: &Check, now: SystemTime) -> Result<Report, Failure> {
    let loaded = options.source.load()?;
    let mut found: Vec<Found> = loaded.document.lint(now, options.max_age).into_iter().map(Found::from).collect();
    found.extend(options.source.path().and_then(open_to_others));
    let (serial, least) = (loaded.document.serial(), options.minimum_serial);
    if serial < least {
        let found_low = Found {
            severity: Severity::Error,
            code: "serial_low",
            key: None,
            message: format!("the serial is {serial}, and {least} is the least: an old document was put back"),
            to_do: "put the present one back, and rotate or revoke on that".to_owned(),
        };
        found.insert(0, found_low);
    }

    let count = |severity| found.iter().filter(|found| found.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let well = errors == 0 && (warnings == 0 || !options.deny_warnings);
    let mut text = String::new();
    for Found { severity, code, message, to_do, .. } in &found {
        text += &format!("{severity} {code}: {message}\n  to do: {to_do}\n");
    }
    let (serial, fingerprint) = (loaded.document.ring().serial(), loaded.document.ring().fingerprint());
    text += &match found.is_empty() {
        true => format!("all is well: serial {serial}, fingerprint {fingerprint}\n"),
        false => format!("errors: {errors}, warnings: {warnings}\n"),
    };
    let json = json!({
        "source": options.source.name(),
        "serial": serial,
        "fingerprint": fingerprint,
        "well": well,
        "findings": found.iter().map(|found| json!({
            "severity": found.severity.to_string(),
            "code": found.code,
            "key": found.key,
            "message": found.message,
            "to_do": found.to_do,
        })).collect::<Vec<_>>(),
    });
    Ok(Report { text, json, not_well: !well, ..Report::default() })
}

#[cfg(unix)]
fn open_to_others(path: &Path) -> Option<Found> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then(|| Found {
        severity: Severity::Warning,
        code: "file_mode",
        key: None,
        message: format!("the file has mode {mode:04o}: others than its owner can reach the keys"),
        to_do: format!("chmod 600 {}", path.display()),
    })
}

#[cfg(not(unix))]
fn open_to_others(_: &Path) -> Option<Found> {
    None
}
