//! What must not stand on a command line.

use std::ffi::OsString;

use crate::failure::Failure;

/// Arguments can be read by every user of the machine, and stay in the shell's history. Looked for before anything repeats
/// an argument in an error.
pub fn refuse_secrets(given: &[OsString]) -> Result<(), Failure> {
    let given: Vec<String> = given.iter().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let holds = |sign: &str| given.iter().any(|argument| argument.contains(sign));
    let in_base64url = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    // Of whatever form: sealed, signed, or a handle.
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

/// `scheme://user:password@host`, `?password=` or `password=… host=…`. A password may hold any character, as long as nobody
/// has encoded it: what matters is a `:` and an `@` behind it.
fn has_password(argument: &str) -> bool {
    let user_info = argument.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@')).map(|(before, _)| before);
    // Blanks around the sign are taken as none by those who read such an address.
    let plain: String = argument.to_ascii_lowercase().split_whitespace().collect();
    user_info.is_some_and(|before| before.contains(':')) || plain.contains("password=")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_password_is_refused_and_not_repeated() {
        for secret in [
            "redis://:s3cret@10.0.0.1:6379",
            "--redis=rediss://user:s3cret@cache.example",
            "redis://user:s3/cr#et?@cache.example",
            "postgres://user:s3cret@10.0.0.1,10.0.0.2/shop",
            "postgres://10.0.0.1/shop?user=shop&password=s3cret",
            "host=10.0.0.1 user=shop PASSWORD=s3cret",
            "host=10.0.0.1 user=shop password = s3cret",
        ] {
            let failure = refuse_secrets(&["oauth-state".into(), secret.into()]).unwrap_err();
            assert_eq!(failure.code, "password_as_argument", "{secret}");
            assert!(!format!("{failure:?}").contains("s3"), "{failure:?}");
        }
        for well in ["redis://user@10.0.0.1:6379/0", "https://shop.example:8443", "env:REDIS_URL", "file:/run/a@b:c"] {
            assert!(refuse_secrets(&["oauth-state".into(), well.into()]).is_ok(), "{well}");
        }
    }

    #[test]
    fn an_error_about_a_secret_argument_does_not_repeat_it() {
        let states =
            ["ost1", "oss1", "osm1", "osr1", "osp1", "osx1"].map(|form| format!("{form}abc{}", "A".repeat(60)));
        let as_options = states.clone().map(|state| format!("--at={state}"));
        let others = ["osk1.abc", "--out=osk1.abc", "https://shop.example/cb?state=abc"].map(str::to_owned);
        for secret in states.into_iter().chain(as_options).chain(others) {
            let failure = refuse_secrets(&["oauth-state".into(), secret.into()]).unwrap_err();
            assert!(!format!("{failure:?}").contains("abc"), "{failure:?}");
        }
        assert!(refuse_secrets(&["oauth-state".into(), "/srv/host1/ost1/ring.json".into()]).is_ok());
    }
}
