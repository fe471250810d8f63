use oauth_state::outcome::{Code, CodeVerifier};
use oauth_state::ring::{RootKey, SecretText};

fn main() {}

fn prints(code: Code, verifier: CodeVerifier, key: RootKey, text: SecretText) {
    println!("{code}");
    println!("{verifier}");
    println!("{key}");
    println!("{text}");
}
