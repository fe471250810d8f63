use super::*;

const NONCE: [u8; 24] = [9; 24];

fn derived(key: u8, kind: BindingKind, secret: u8, nonce: u8) -> [String; 3] {
    let secrets = FlowSecrets::derive(&HmacKey::new(&[key; 32]), kind, &[secret; 32], &[nonce; 24]);
    [base64url::encode(secrets.binding_tag()), secrets.code_verifier(), secrets.nonce()]
}

#[test]
fn the_verifier_needs_the_key_the_secret_and_the_nonce() {
    let [tag, verifier, nonce] = derived(1, BindingKind::Cookie, 2, 3);
    assert_eq!((tag.len(), verifier.len(), nonce.len()), (22, 43, 22));
    for other in [
        derived(9, BindingKind::Cookie, 2, 3),
        derived(1, BindingKind::Session, 2, 3),
        derived(1, BindingKind::Cookie, 9, 3),
        derived(1, BindingKind::Cookie, 2, 9),
    ] {
        assert!(tag != other[0] && verifier != other[1] && nonce != other[2]);
    }
}

#[test]
fn the_challenge_is_s256_of_the_verifier() {
    let secrets = FlowSecrets::derive(&HmacKey::new(&[1; 32]), BindingKind::Cookie, &[2; 32], &NONCE);
    let oracle =
        oauth2::PkceCodeChallenge::from_code_verifier_sha256(&oauth2::PkceCodeVerifier::new(secrets.code_verifier()));
    assert_eq!(secrets.code_challenge(), oracle.as_str());
}

/// A user id must not be able to spell another's, nor a binding tag.
#[test]
fn user_tags_differ_by_user_and_by_login() {
    let flow = HmacKey::new(&[1; 32]);
    let tag = user_tag(&flow, &NONCE, b"ann");
    assert_ne!(tag, user_tag(&flow, &NONCE, b"anna"));
    assert_ne!(tag, user_tag(&flow, &NONCE, b"ann\0"));
    assert_ne!(tag, user_tag(&flow, &[8; 24], b"ann"));
}
