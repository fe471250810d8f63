//! `keys check`.

use std::time::SystemTime;

use crate::doctor::{Check as Found, Level};
use serde_json::json;

use crate::arguments::Check;
use crate::doctor;
use crate::failure::Failure;
use crate::output::Report;

pub fn check(options: &Check, now: SystemTime) -> Result<Report, Failure> {
    let loaded = options.source.load()?;
    let mut found = doctor::ring(&loaded.document, now, options.max_age, options.minimum_serial);
    found.extend(doctor::place(&options.source, &loaded));
    found.retain(|found| found.level > Level::Ok);

    let count = |level| found.iter().filter(|found| found.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    let well = errors == 0 && (warnings == 0 || !options.deny_warnings);
    let mut text = String::new();
    for Found { level, name, found, to_do, .. } in &found {
        text += &format!("{level} {name}: {found}\n  to do: {}\n", to_do.as_deref().unwrap_or_default());
    }
    let (serial, fingerprint) = (loaded.document.ring().serial(), loaded.document.ring().fingerprint());
    text += &match found.is_empty() {
        true => format!("no problem found: serial {serial}, fingerprint {fingerprint}\n"),
        false => format!("errors: {errors}, warnings: {warnings}\n"),
    };
    let json = json!({
        "source": options.source.name(),
        "serial": serial,
        "fingerprint": fingerprint,
        "well": well,
        "findings": found.iter().map(|found| json!({
            "severity": found.level.to_string(),
            "code": found.name,
            "key": found.about,
            "message": found.found,
            "to_do": found.to_do,
        })).collect::<Vec<_>>(),
    });
    Ok(Report { text, json, not_well: !well, ..Report::default() })
}
