//! Secrets that must not be on a command line.

use std::ffi::OsString;

use crate::failure::Failure;

/// Every user of the machine can read arguments, and they stay in the shell's history. This is checked before an error
/// could repeat an argument.
pub fn refuse_secrets(given: &[OsString]) -> Result<(), Failure> {
    let given: Vec<String> = given.iter().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let holds = |sign: &str| given.iter().any(|argument| argument.contains(sign));
    let in_base64url = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    // Of any form: sealed, signed, or a handle.
    let of_a_form = |word: &str| word.starts_with("os") && word.as_bytes().get(3) == Some(&b'1');
    let is_state = |word: &str| of_a_form(word) && word.len() > 40;
    let has_state = given.iter().flat_map(|argument| argument.split(|c| !in_base64url(c))).any(is_state);
    if holds("osk1.") {
        return Err(Failure::usage(
            "key_as_argument",
            "a key is never an argument",
            "replace that key, which other users could read; give keys by a file, a variable or standard input",
        ));
    }
    if given.iter().any(|argument| has_password(argument)) {
        return Err(Failure::usage(
            "password_as_argument",
            "an address with a password is never an argument",
            "replace that password, which other users could read; give the address by a variable or a file: --redis env:NAME",
        ));
    }
    if has_state || holds("state=") {
        return Err(Failure::usage(
            "state_as_argument",
            "a state is never an argument: it is a live credential",
            "give it on standard input: oauth-state inspect < callback.txt",
        ));
    }
    Ok(())
}

/// `scheme://user:password@host`, `?password=` or `password=… host=…`. An unencoded password may contain any character,
/// so only a `:` followed by an `@` counts.
fn has_password(argument: &str) -> bool {
    let user_info = argument.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@')).map(|(before, _)| before);
    // Readers of such an address ignore blanks around the sign.
    let plain: String = argument.to_ascii_lowercase().split_whitespace().collect();
    user_info.is_some_and(|before| before.contains(':')) || plain.contains("password=")
}

#[cfg(test)]
mod tests;
