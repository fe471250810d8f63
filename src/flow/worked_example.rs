//! The worked examples of `docs/worked-examples.md`, computed by the code: the page must show these very values.

use super::begin::SealedWith;
use crate::base64url;
use crate::binding::{Binding, Connection, FlowSecrets, Holder, connection_tag, user_tag};
use crate::claims::codec::{BindingKind, Claims};
use crate::name::{App, Purpose};
use crate::payload::HandleKind;
use crate::ring::key::derive::derive;
use crate::ring::key::material::{RootKey, SAMPLE_KEYS};
use crate::ring::key::ring::KeyRing;
use crate::seal;
use crate::token::keys::KeyTable;
use crate::token::wire::Form;
use std::fmt::Write;

const PAGE: &str = include_str!("../../docs/worked-examples.md");

/// Lower-case hexadecimal, 32 bytes a line.
fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (position, byte) in bytes.iter().enumerate() {
        if position > 0 && position % 32 == 0 {
            text.push_str("\n                  ");
        }
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

fn examples() -> String {
    let root = RootKey::from_public_bytes(SAMPLE_KEYS[0]);
    let app = App::new("shop", "production").unwrap();
    let table = KeyTable::new(KeyRing::from(root.clone()), &[Purpose::Login], &app, Form::Sealed).unwrap();
    let keys = table.sealing(Purpose::Login, 1_800_000_000).unwrap();
    let nonce: [u8; 24] = std::array::from_fn(|position| position as u8);
    let Holder::Session(secret) = Binding::session(b"0123456789abcdef").unwrap().holder else { unreachable!() };
    let secrets = FlowSecrets::new(BindingKind::Session, secret.expose(), &nonce);
    let bare = Claims {
        issued_at: 1_800_000_000,
        lifetime: 600,
        restarts: 0,
        kind: BindingKind::Session,
        binding_tag: secrets.binding_tag(&keys.flow),
        user_tag: None,
        connection_tag: None,
        provider: "github",
        tenant: b"",
        redirect: "",
        return_to: "",
        data: b"",
    };
    let tag = user_tag(&keys.flow, &nonce, b"user-42");
    let path = format!("/{}", "p".repeat(129));
    let full = Claims { restarts: 1, user_tag: Some(tag), tenant: &[7; 16], redirect: "web", return_to: &path, ..bare };
    let plaintext = |claims: &Claims<'_>, data: &str| {
        let mut out = Vec::new();
        claims.write_without_data(&mut out);
        out.extend_from_slice(data.as_bytes());
        out
    };
    let seal = |claims: &Claims<'_>, data: Option<u8>| seal::seal(keys, &nonce, claims, &data, 2048).unwrap();
    let (bare_state, full_state) = (seal(&bare, None), seal(&full, Some(42)));
    let table =
        KeyTable::new(KeyRing::from(root.clone()), &[Purpose::Login], &app, Form::Handle(HandleKind::REDIS)).unwrap();
    let of_handles = table.sealing(Purpose::Login, 1_800_000_000).unwrap();
    let handle = seal::seal(of_handles, &nonce, &bare, &(), 2048).unwrap();
    let sealed_with = SealedWith {
        keys: of_handles,
        nonce: &nonce,
        secrets: &secrets,
        now: 1_800_000_000,
        expires_at: 1_800_000_600,
        skew: 60,
    };
    let row = sealed_with.payload(b"42".to_vec()).unwrap();
    let table = KeyTable::new(KeyRing::from(root.clone()), &[Purpose::Login], &app, Form::Signed).unwrap();
    let of_signed = table.sealing(Purpose::Login, 1_800_000_000).unwrap();
    let signed = seal::seal(of_signed, &nonce, &bare, &(), 2048).unwrap();
    let signed_bytes = base64url_bytes(&signed);
    let loaded = Connection {
        issuer: "https://login.acme.example",
        client_id: "client-7",
        authorization_endpoint: "https://login.acme.example/authorize",
        redirect_uri: "https://shop.example/auth/acme/callback",
    };
    let connection = connection_tag(&keys.flow, &nonce, loaded);
    let lines: [(&str, String); 29] = [
        ("root key", hex(&SAMPLE_KEYS[0])),
        ("as text", root.to_secret_text().expose().to_owned()),
        ("root key id", root.id().to_string()),
        ("K_enc", hex(derive(&root, "enc", Purpose::Login, &app).expose())),
        ("K_flow", hex(derive(&root, "flow", Purpose::Login, &app).expose())),
        ("key id", hex(&keys.id.0)),
        ("associated data", hex(&keys.associated_data)),
        ("nonce", hex(&nonce)),
        ("session id", "0123456789abcdef".to_owned()),
        ("secret", hex(secret.expose())),
        ("binding tag", hex(&secrets.binding_tag(&keys.flow))),
        ("code_verifier", secrets.code_verifier(&keys.flow)),
        ("code_challenge", secrets.code_challenge(&keys.flow)),
        ("OIDC nonce", secrets.nonce(&keys.flow)),
        ("plaintext 1", hex(&plaintext(&bare, ""))),
        ("state 1", bare_state.clone()),
        ("bytes 1", hex(&base64url_bytes(&bare_state))),
        ("user tag", hex(&tag)),
        ("connection tag", hex(&connection)),
        ("plaintext 2", hex(&plaintext(&full, "42"))),
        ("state 2", full_state),
        ("handle", handle),
        ("K_row", hex(secrets.row_key(&of_handles.flow).expose())),
        ("row assoc. data", hex(&of_handles.row_associated_data)),
        ("row value", hex(row.value())),
        ("K_sign", hex(derive(&root, "sign", Purpose::Login, &app).expose())),
        ("sig. assoc. data", hex(&of_signed.associated_data)),
        ("tag", hex(&signed_bytes[signed_bytes.len() - 32..])),
        ("signed state", signed),
    ];
    lines.iter().fold(String::new(), |text, (name, value)| format!("{text}{name:<16}  {value}\n"))
}

fn base64url_bytes(text: &str) -> Vec<u8> {
    let mut buffer = [0; 2048];
    base64url::decode_into(text.as_bytes(), &mut buffer).unwrap().to_vec()
}

#[test]
fn the_page_on_the_wire_format_shows_what_the_code_computes() {
    let examples = examples();
    assert!(PAGE.contains(&examples), "the page should show:\n\n{examples}");
}
