use super::*;

const NONCE: [u8; 24] = [9; 24];

fn key(byte: u8) -> HmacKey {
    HmacKey::new(&[byte; 32])
}

/// Every value derived from a secret, in base64url.
fn derived(key_byte: u8, kind: BindingKind, secret: u8, nonce: u8) -> [String; 5] {
    let (flow, secrets) = (key(key_byte), FlowSecrets::new(kind, &[secret; 32], &[nonce; 24]));
    let row = base64url::encode(secrets.row_key(&flow).expose());
    let tag = base64url::encode(secrets.binding_tag(&flow));
    [tag, secrets.code_verifier(&flow), secrets.code_challenge(&flow), secrets.nonce(&flow), row]
}

#[test]
fn every_value_needs_the_key_the_kind_the_secret_and_the_nonce() {
    let values = derived(1, BindingKind::Cookie, 2, 3);
    assert_eq!(values.each_ref().map(String::len), [22, 43, 43, 43, 43]);
    for other in [
        derived(9, BindingKind::Cookie, 2, 3),
        derived(1, BindingKind::Session, 2, 3),
        derived(1, BindingKind::Cookie, 9, 3),
        derived(1, BindingKind::Cookie, 2, 9),
    ] {
        assert!(values.iter().zip(other).all(|(value, other)| *value != other));
    }
}

const CONNECTION: Connection<'_> = Connection {
    issuer: "https://a.example",
    client_id: "client",
    authorization_endpoint: "https://a.example/authorize",
    redirect_uri: "https://shop.example/auth/a/callback",
};

/// Two values with the same label would publish each other: the nonce and the challenge are in the URL, the tag is compared, and a verifier
/// or the key of a payload is never sent to the browser.
#[test]
fn no_value_is_part_of_another() {
    let values = derived(1, BindingKind::Cookie, 2, 3);
    let flow = key(1);
    let tags = [
        base64url::encode(user_tag(&flow, &[3; 24], &[2; 32])),
        base64url::encode(connection_tag(&flow, &[3; 24], CONNECTION)),
    ];
    let all: Vec<&str> = values.iter().chain(&tags).map(|value| &value[..8]).collect();
    assert!(all.iter().enumerate().all(|(at, value)| !all[..at].contains(value)), "{all:?}");
}

#[test]
fn the_challenge_is_s256_of_the_verifier() {
    let secrets = FlowSecrets::new(BindingKind::Cookie, &[2; 32], &NONCE);
    let verifier = oauth2::PkceCodeVerifier::new(secrets.code_verifier(&key(1)));
    let oracle = oauth2::PkceCodeChallenge::from_code_verifier_sha256(&verifier);
    assert_eq!(secrets.code_challenge(&key(1)), oracle.as_str());
}

/// A user id must not be able to imitate another user's tag, nor a binding tag.
#[test]
fn user_tags_differ_by_user_and_by_login() {
    let flow = key(1);
    let tag = user_tag(&flow, &NONCE, b"ann");
    assert_ne!(tag, user_tag(&flow, &NONCE, b"anna"));
    assert_ne!(tag, user_tag(&flow, &NONCE, b"ann\0"));
    assert_ne!(tag, user_tag(&flow, &[8; 24], b"ann"));
}

/// A swapped connection must not keep its tag, wherever one name ends and the next begins.
#[test]
fn connection_tags_differ_by_every_part_and_by_login() {
    let tag = |connection| connection_tag(&key(1), &[9; 24], connection);
    let tags = [
        tag(CONNECTION),
        connection_tag(&key(1), &[8; 24], CONNECTION),
        tag(Connection { issuer: "https://b.example", ..CONNECTION }),
        tag(Connection { client_id: "other", ..CONNECTION }),
        tag(Connection { authorization_endpoint: "https://a.example/other", ..CONNECTION }),
        tag(Connection { redirect_uri: "https://shop.example/auth/callback", ..CONNECTION }),
        tag(Connection { issuer: "https://a.examplec", client_id: "lient", ..CONNECTION }),
        tag(Connection { issuer: "", client_id: "https://a.exampleclient", ..CONNECTION }),
        tag(Connection { client_id: "", authorization_endpoint: "clienthttps://a.example/authorize", ..CONNECTION }),
    ];
    assert!(tags.iter().enumerate().all(|(at, tag)| !tags[..at].contains(tag)));
}
