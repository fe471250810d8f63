use oauth_state::{Code, CodeVerifier, RootKey, SecretText};

fn main() {}

fn prints(code: Code, verifier: CodeVerifier, key: RootKey, text: SecretText) {
    println!("{code}");
    println!("{verifier}");
    println!("{key}");
    println!("{text}");
}
