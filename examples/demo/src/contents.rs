//! The contents of a state, decoded with the servers' keys, as rows for a page.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauth_state::inspect::{Inspection, StateContents};
use oauth_state::ring::RootKeyId;
use oauth_state::{FinishError, KeyRing, Purpose};

use crate::Failure;
use crate::settings::{self, BegunOn};

/// A state, and what the holder of the keys can read in it.
pub struct Contents {
    /// The sealed state, as it travels.
    pub sealed: String,
    /// Name and value of each row, in the order of the page.
    pub rows: Vec<(&'static str, String)>,
    /// The root key that sealed it, if the ring has it.
    pub key: Option<RootKeyId>,
    /// The server on which the login started.
    pub begun_on: Option<String>,
}

impl Contents {
    /// Decodes a state. Only a server that has the keys can do this.
    pub fn read(ring: &KeyRing, state: &str, now: SystemTime) -> Result<Self, Failure> {
        let inspection = ring.inspect(state, &settings::app()?, &[Purpose::Login], now)?;
        let begun_on = inspection
            .contents
            .as_ref()
            .and_then(|contents| Some(serde_json::from_slice::<BegunOn>(&contents.data).ok()?.server));
        Ok(Self {
            sealed: state.to_owned(),
            key: inspection.sealed_by.map(|sealed_by| sealed_by.id),
            rows: rows(&inspection, state),
            begun_on,
        })
    }
}

fn rows(inspection: &Inspection, state: &str) -> Vec<(&'static str, String)> {
    let mut rows =
        vec![("reference", inspection.reference.to_string()), ("length", format!("{} characters", state.len()))];
    match &inspection.contents {
        Some(contents) => tell(contents, &mut rows),
        None => rows.push(("contents", "not readable: the seal does not open".to_owned())),
    }
    if let Some(sealed_by) = &inspection.sealed_by {
        rows.push(("key id", format!("{} ({})", sealed_by.id, sealed_by.role)));
    }
    let refused = inspection.refused.as_ref().map(FinishError::code);
    rows.push(("validity", refused.unwrap_or("valid key, seal and time").to_owned()));
    rows
}

fn tell(contents: &StateContents, rows: &mut Vec<(&'static str, String)>) {
    let origin = &contents.origin;
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
    let lifetime = contents.expires_at.duration_since(origin.issued_at).unwrap_or_default();
    rows.extend([
        ("provider", origin.provider.clone()),
        ("purpose", origin.purpose.to_string()),
        ("return path", or_none(origin.return_to.as_ref().map(ToString::to_string))),
        ("data", String::from_utf8_lossy(&contents.data).into_owned()),
        ("issued", time_of_day(origin.issued_at)),
        ("expires", format!("{}, {} s later", time_of_day(contents.expires_at), lifetime.as_secs())),
        ("bound by", contents.bound_by.to_string()),
    ]);
}

/// The time of day, such as `09:05:00 UTC`.
pub fn time_of_day(at: SystemTime) -> String {
    let seconds = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let part = |length: u64, modulus: u64| seconds.checked_div(length).and_then(|part| part.checked_rem(modulus));
    let [hour, minute, second] = [part(3600, 24), part(60, 60), part(1, 60)].map(Option::unwrap_or_default);
    format!("{hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_has_hours_minutes_and_seconds() {
        assert_eq!(time_of_day(UNIX_EPOCH + Duration::from_secs(86_400 + 9 * 3_600 + 5 * 60 + 7)), "09:05:07 UTC");
    }
}
