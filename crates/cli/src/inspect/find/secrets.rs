//! Secrets that a user pasted along with the state.

use percent_encoding::percent_decode_str;

use super::decode::{quoted_printable, unescaped_backslashes, unescaped_html, unescaped_json};
use crate::text::holds_key;

/// The base64 of `osk1.` at each of its three offsets, as in a dumped Kubernetes secret.
const KEY_IN_BASE64: [&str; 3] = ["b3NrMS", "9zazEu", "vc2sxL"];
/// Those of `PRIVATE KEY`.
const PRIVATE_IN_BASE64: [&str; 3] = ["UFJJVkFURSBLRV", "BSSVZBVEUgS0VZ", "QUklWQVRFIEtFW"];
/// How often escapes are taken away.
const DEEPEST: usize = 3;

/// Whether the text contains a root key: plain, escaped, percent-encoded or in base64.
pub fn has_key(given: &str) -> bool {
    KEY_IN_BASE64.iter().any(|sign| given.contains(sign)) || in_any_form(given, holds_key)
}

/// Whether the text contains a private key of another kind: PEM, or a JSON Web Key.
pub fn has_private_key(given: &str) -> bool {
    let holds = |text: &str| {
        let armored = text.match_indices("-----BEGIN ").any(|(at, _)| {
            let line = text.get(at..).and_then(|rest| rest.lines().next()).unwrap_or_default();
            line.split("\\n").next().unwrap_or_default().contains("PRIVATE KEY")
        });
        armored || (text.contains("\"kty\"") && text.contains("\"d\""))
    };
    PRIVATE_IN_BASE64.iter().any(|sign| given.contains(sign)) || in_any_form(given, holds)
}

type Taking<'a> = &'a dyn Fn(&str) -> Option<String>;

fn in_any_form(given: &str, holds: impl Fn(&str) -> bool) -> bool {
    let percent = |text: &str| Some(percent_decode_str(text).decode_utf8_lossy().into_owned());
    let takings: [Taking<'_>; 4] = [&percent, &unescaped_html, &unescaped_json, &unescaped_backslashes];
    let mut text = zeroize::Zeroizing::new(given.to_owned());
    for _ in 0..=DEEPEST {
        if holds(&text) || quoted_printable(&text).is_some_and(|plain| holds(&zeroize::Zeroizing::new(plain))) {
            return true;
        }
        let before = text.clone();
        for take in takings {
            if let Some(plain) = take(&text) {
                text = zeroize::Zeroizing::new(plain);
            }
        }
        if text == before {
            break;
        }
    }
    false
}
