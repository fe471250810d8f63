//! What must not stand on a command line.

use std::ffi::OsString;

use crate::failure::Failure;

/// Arguments can be read by every user of the machine, and stay in the shell's history. Looked for before anything repeats
/// an argument in an error.
pub fn refuse_secrets(given: &[OsString]) -> Result<(), Failure> {
    let given: Vec<String> = given.iter().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let holds = |sign: &str| given.iter().any(|argument| argument.contains(sign));
    let in_base64url = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_state = |word: &str| word.starts_with("ost1") && word.len() > 40;
    let has_state = given.iter().flat_map(|argument| argument.split(|c| !in_base64url(c))).any(is_state);
    if holds("osk1.") {
        return Err(Failure::usage(
            "key_as_argument",
            "a key is never an argument",
            "replace that key, which other users could read; give keys by a file, a variable or standard input",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_about_a_secret_argument_does_not_repeat_it() {
        let state = format!("ost1abc{}", "A".repeat(60));
        for secret in
            ["osk1.abc", "--out=osk1.abc", &state, &format!("--at={state}"), "https://shop.example/cb?state=abc"]
        {
            let failure = refuse_secrets(&["oauth-state".into(), secret.into()]).unwrap_err();
            assert!(!format!("{failure:?}").contains("abc"), "{failure:?}");
        }
        assert!(refuse_secrets(&["oauth-state".into(), "/srv/host1/ost1/ring.json".into()]).is_ok());
    }
}
