use oauth_state::outcome::{Code, CodeVerifier};
use oauth_state::ring::{RootKey, SecretString};

fn main() {}

fn prints(code: Code, verifier: CodeVerifier, key: RootKey, text: SecretString) {
    println!("{code}");
    println!("{verifier}");
    println!("{key}");
    println!("{text}");
}
