//! `keys generate`.

use std::time::SystemTime;

use oauth_state::ring::source::SourceErrorKind;
use oauth_state::ring::{KeyRingDocument, RingTiming, RootKey, SecretString, StepError};
use serde_json::json;

use crate::arguments::Generate;
use crate::failure::{Exit, Failure};
use crate::output::{Report, may_show_here};
use crate::sources::Source;
use crate::text;

pub fn generate(options: &Generate, now: SystemTime) -> Result<Report, Failure> {
    let Some(out) = &options.out else {
        return Err(Failure::usage(
            "no_out",
            "no destination for the new key",
            "add --out ring.json, --out SCHEME:LOCATION such as aws:prod/oauth-state, or --out - for a pipe",
        ));
    };
    let to_standard_output = matches!(out, Source::StandardInput);
    if to_standard_output {
        may_show_here(options.show_key_material)?;
    } else if !out.is_writable() {
        return Err(Failure { to_do: "choose a file, a helper or -".to_owned(), ..out.read_only() });
    }
    let (written, mut report) = if options.bare { bare()? } else { document(options, now)? };
    if to_standard_output {
        report.document = Some(written);
        return Ok(report);
    }
    out.store(&written, None).map_err(|failure| match failure.exit {
        Exit::Conflict => Failure {
            message: format!("{} already exists; nothing was written", out.name()),
            to_do: "rotate it with oauth-state keys rotate, or choose another location".to_owned(),
            ..failure
        },
        _ if failure.code == SourceErrorKind::Missing.code() => {
            Failure { to_do: "create the folder or the secret first, or fix the name".to_owned(), ..failure }
        }
        _ => failure,
    })?;
    report.text += &format!("written to {}\n", out.name());
    if let Some(object) = report.json.as_object_mut() {
        object.insert("written_to".to_owned(), json!(out.name()));
    }
    if out.path().is_some() {
        report.notes.push(format!("{} contains keys: keep mode 0600, and keep it out of version control", out.name()));
    }
    Ok(report)
}

fn document(options: &Generate, now: SystemTime) -> Result<(SecretString, Report), Failure> {
    let Generate { propagation, skew, lifetime_cap, .. } = *options;
    let mut document = KeyRingDocument::first(RingTiming { propagation, skew, lifetime_cap }, now)?;
    document = document.with_serial(options.serial)?;
    let key = document.list(now).next().map(|key| key.id);
    if let (Some(id), Some(note)) = (key, &options.note) {
        document = document.with_note(id, note)?;
    }
    let id = key.map(|id| id.to_string()).unwrap_or_default();
    let (serial, fingerprint) = (document.serial(), document.ring().fingerprint());
    let report = Report {
        text: format!("key {id} seals at once\nserial {serial}, fingerprint {fingerprint}\n"),
        json: json!({ "key": id, "serial": serial, "fingerprint": fingerprint, "at": text::utc(now) }),
        ..Report::default()
    };
    Ok((document.to_secret_text(), report))
}

fn bare() -> Result<(SecretString, Report), Failure> {
    let key = RootKey::generate().map_err(StepError::from)?;
    let id = key.id().to_string();
    let report = Report {
        text: format!("bare root key {id}\n"),
        json: json!({ "key": id, "serial": 0, "fingerprint": oauth_state::KeyRing::from(key.clone()).fingerprint() }),
        ..Report::default()
    };
    // With a line end, as text files have one.
    let mut line = String::with_capacity(64);
    line.push_str(key.to_secret_text().expose());
    line.push('\n');
    Ok((SecretString::from(line), report))
}
