//! `doctor`.

mod check;
mod cookie;
mod file;
mod flow;
#[cfg(any(feature = "redis", feature = "postgres"))]
mod guard;
mod options;
mod place;
mod provider;
mod ring;
mod size;
mod store;
mod store_address;

use std::time::SystemTime;

use oauth_state::App;
use oauth_state::ring::{KeyRingDocument, RingTiming};
use serde_json::json;

pub use check::{Check, Level};
use flow::Service;
pub use options::Doctor;
pub use place::place;
pub use ring::ring;
use size::Sizes;

use crate::failure::{Exit, Failure};
use crate::output::Report;
use crate::sources::Loaded;
use crate::text::harmless;

pub fn doctor(options: &Doctor, now: SystemTime) -> Result<Report, Failure> {
    let app = App::new(&options.app, &options.environment).map_err(|error| {
        Failure::usage("name", error.to_string(), "use the names that the service passes to App::new")
    })?;
    let service = Service {
        app,
        origin: options.origin.clone(),
        purposes: options.purpose.clone(),
        providers: options.provider.clone(),
        lifetime: options.lifetime,
        shared_callback: options.shared_callback,
        plain_http: options.dangerously_allow_plain_http,
        signed: options.signed_readable_by_anybody,
        bound_by: options.binding,
        sizes: Sizes {
            tenant: options.tenant_bytes.into(),
            return_to: options.return_to_chars.into(),
            data: options.data_bytes.into(),
        },
    };
    let loaded = options.keys.load();
    let document = loaded.as_ref().ok().map(|loaded| &loaded.document);
    let mut checks = keys(options, &loaded, now);
    checks.extend(service.examine(document, now));
    let timing = document.map_or_else(RingTiming::default, KeyRingDocument::timing);
    checks.extend(store::guard(options, timing.skew));
    Ok(report(&checks, options.strict))
}

/// The source, its file's permissions, and the ring.
fn keys(options: &Doctor, loaded: &Result<Loaded, Failure>, now: SystemTime) -> Vec<Check> {
    let mut checks = Vec::new();
    let source = options.keys.name();
    match loaded {
        Ok(_) => checks.push(Check::ok("source", format!("{source} holds a ring"))),
        Err(failure) => {
            let name = if failure.exit == Exit::Document { "ring" } else { "source" };
            checks.push(Check::error(name, failure.message.clone(), failure.to_do.clone()));
        }
    }
    let Ok(loaded) = loaded else {
        checks.extend(options.keys.path().map(file::file).unwrap_or_default());
        return checks;
    };
    checks.extend(place(&options.keys, loaded));
    let document = &loaded.document;
    let found = ring(document, now, options.max_age, options.minimum_serial);
    if found.is_empty() {
        let (serial, fingerprint) = (document.ring().serial(), document.ring().fingerprint());
        checks.push(Check::ok("ring", format!("serial {serial}, fingerprint {fingerprint}")));
    }
    checks.extend(found);
    checks
}

fn report(checks: &[Check], strict: bool) -> Report {
    let count = |level| checks.iter().filter(|check| check.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    let well = errors == 0 && (warnings == 0 || !strict);
    let mut text = String::new();
    for Check { level, name, found, to_do, .. } in checks {
        let to_do = to_do.as_deref().map(|to_do| format!("; to do: {to_do}")).unwrap_or_default();
        text += &format!("{level:<7} {name}: {}\n", harmless(&format!("{found}{to_do}")));
    }
    text += &format!("errors: {errors}, warnings: {warnings}\n");
    let json = json!({
        "version": 1,
        "well": well,
        "errors": errors,
        "warnings": warnings,
        "checks": checks.iter().map(|check| json!({
            "level": check.level.to_string(),
            "name": check.name,
            "about": check.about.as_deref().map(harmless),
            "found": harmless(&check.found),
            "to_do": check.to_do.as_deref().map(harmless),
        })).collect::<Vec<_>>(),
    });
    Report { text, json, not_well: !well, ..Report::default() }
}
