//! `keys list` and `fingerprint`.

use std::time::SystemTime;

use oauth_state::ring::{KeyInfo, KeyRole};
use serde_json::json;

use crate::failure::Failure;
use crate::output::{Report, table};
use crate::sources::Source;
use crate::text::{harmless, unix_seconds, utc};

const HEAD: [&str; 6] = ["KEY", "ROLE", "PUBLISHED", "SEALS FROM", "ACCEPTED UNTIL", "NOTE"];

pub fn list(source: &Source, now: SystemTime) -> Result<Report, Failure> {
    let loaded = source.load()?;
    let (document, ring) = (&loaded.document, loaded.document.ring());
    let mut keys: Vec<KeyInfo> = document.list(now).collect();
    // These keys open nothing, whatever their place in the schedule.
    keys.iter_mut().filter(|key| key.role == KeyRole::Revoked).for_each(|key| key.accept_until = None);
    let revoked: Vec<String> = document.revoked().iter().map(ToString::to_string).collect();
    let timing = document.timing();
    let seconds = [timing.propagation, timing.skew, timing.lifetime_cap].map(|duration| duration.as_secs());
    let [propagation, skew, lifetime_cap] = seconds;

    let mut text = format!("serial {}, fingerprint {}\n", ring.serial(), ring.fingerprint());
    text += &match ring.serial() {
        0 => format!("a bare root key: skew {skew} s, lifetime_cap {lifetime_cap} s\n"),
        _ => format!("propagation {propagation} s, skew {skew} s, lifetime_cap {lifetime_cap} s\n"),
    };
    let mut rows = vec![HEAD.map(ToOwned::to_owned).to_vec()];
    rows.extend(keys.iter().map(row));
    text += &format!("\n{}", table(&rows));
    if !revoked.is_empty() {
        text += &format!("\nrevoked: {}\n", revoked.join(", "));
    }
    let json = json!({
        "source": source.name(),
        "serial": ring.serial(),
        "fingerprint": ring.fingerprint(),
        "propagation": propagation,
        "skew": skew,
        "lifetime_cap": lifetime_cap,
        "keys": keys.iter().map(|key| json!({
            "id": key.id.to_string(),
            "role": key.role.to_string(),
            "published_at": dated(key.published_at),
            "seal_from": dated(key.seal_from),
            "accept_until": key.accept_until.map(utc),
            "emergency": key.emergency,
            "note": key.note.as_deref().map(harmless),
        })).collect::<Vec<_>>(),
        "revoked": revoked,
    });
    Ok(Report { text, json, ..Report::default() })
}

/// A bare key has no dates.
fn dated(at: SystemTime) -> Option<String> {
    (unix_seconds(at) > 0).then(|| utc(at))
}

fn row(key: &KeyInfo) -> Vec<String> {
    let emergency = if key.emergency { "emergency " } else { "" };
    let note = format!("{emergency}{}", key.note.as_deref().map(harmless).unwrap_or_default());
    let or_none = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    vec![
        key.id.to_string(),
        key.role.to_string(),
        or_none(dated(key.published_at).unwrap_or_default()),
        dated(key.seal_from).unwrap_or_else(|| "ever".to_owned()),
        or_none(key.accept_until.map(utc).unwrap_or_default()),
        or_none(note.trim_end().to_owned()),
    ]
}

pub fn fingerprint(source: &Source) -> Result<Report, Failure> {
    let document = source.load()?.document;
    let ring = document.ring();
    Ok(Report {
        text: format!("{}\n", ring.fingerprint()),
        json: json!({ "serial": ring.serial(), "fingerprint": ring.fingerprint() }),
        ..Report::default()
    })
}
