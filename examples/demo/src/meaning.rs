//! The meaning of each code, in words for the user of the demonstration.

use oauth_state::FinishError;
use oauth_state::error::FinishErrorKind;

/// The meaning of a code. A real service shows `public_text` and logs the code.
pub fn of(code: &str) -> &'static str {
    match code {
        "already_used" => {
            "This link was used before. A double click, the back button and an attacker all look the same here, so a \
             link works once."
        }
        "other_browser" => {
            "The login started in another browser: its cookie is not the one that came. Without this check, an \
             attacker could sign you in to their account by sending you a link. The owner's login is untouched."
        }
        "cookie_missing" => {
            "The login started in a browser that has its cookie; this browser sent none. The owner's login is \
             untouched."
        }
        "forged" => "The state was changed, so the seal does not open. The server believes nothing in the link.",
        "malformed" => "This is not a link of this service.",
        "expired" => "The answer came too late. An old link in a browser's history must not sign an attacker in.",
        "missing_state" => "The link has no state, so this service did not start the login.",
        "issuer_mismatch" => {
            "The answer names another provider than the one the login started with. An attacker's provider must not \
             pass its code off as another's (mix-up attack)."
        }
        "key_revoked" => {
            "The operator revoked the key that sealed this login, as after a leak. A login under way has to start \
             again, under the new key."
        }
        "unknown_key" => {
            "This server does not have the key that sealed the login: it has not read the new key yet, or the key is \
             retired. The user can start again."
        }
        "access_denied" => "The user canceled at the provider.",
        "invalid_grant" => {
            "The provider refused the code, because a code works once. This server had not seen the link before; with \
             a shared replay guard it refuses the link itself."
        }
        code => {
            let kind = FinishErrorKind::ALL.iter().find(|kind| kind.code() == code);
            kind.map_or("The provider failed.", |kind| FinishError::from(*kind).diagnosis())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_a_meaning_of_its_own() {
        for kind in FinishErrorKind::ALL {
            assert_ne!(of(kind.code()), of("provider_error"), "{}", kind.code());
        }
    }
}
