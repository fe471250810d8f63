//! A plaintext has one meaning, and claims have one plaintext: read, written and read again in both directions, against
//! an independent copy of the rules of `docs/wire-format.md`.
//!
//! It finds a second spelling of the same claims (a length in two bytes where one is enough, an unknown flag), a bound
//! that is not enforced, and a field that runs into the next.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oauth_state::fuzzing::Plaintext;
use oauth_state_fuzz::Bytes;

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    (1..=32).contains(&text.len()) && text.bytes().all(plain)
}

fn is_provider_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && !matches!(text, "." | "..")
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn is_valid(plaintext: &Plaintext<'_>) -> bool {
    let Plaintext { lifetime, kind, provider, tenant, redirect, .. } = plaintext;
    let names = is_provider_id(provider) && (redirect.is_empty() || is_name(redirect));
    (1..=3600).contains(lifetime) && *kind < 4 && names && tenant.len() <= 64
}

fn from_bytes(bytes: &[u8]) {
    let Some(plaintext) = Plaintext::read(bytes) else { return };
    assert!(is_valid(&plaintext), "{plaintext:?}");
    assert_eq!(plaintext.write().unwrap(), bytes, "one meaning has two spellings");
}

/// Each field as the fuzzer chooses, within the format's bounds or not.
fn from_fields(data: &[u8]) {
    let mut bytes = Bytes(data);
    let shape = bytes.byte();
    let issued_at = u32::from_be_bytes(bytes.array());
    let (lifetime, restarts) = (bytes.short(), bytes.byte());
    let (binding_tag, user, connection) = (bytes.array(), bytes.array(), bytes.array());
    let mut text = |most| std::str::from_utf8(bytes.some(most)).unwrap_or("other");
    let (provider, redirect, return_to) = (text(80), text(40), text(1100));
    let (tenant, data) = (bytes.some(80), bytes.0);
    let plaintext = Plaintext {
        issued_at,
        lifetime,
        restarts,
        kind: shape & 3,
        binding_tag,
        user_tag: (shape & 4 != 0).then_some(user),
        connection_tag: (shape & 8 != 0).then_some(connection),
        provider,
        tenant,
        redirect,
        return_to,
        data,
    };
    let written = plaintext.write().unwrap();
    let read = Plaintext::read(&written);
    assert_eq!(read, is_valid(&plaintext).then_some(plaintext));
}

fuzz_target!(|data: &[u8]| {
    from_bytes(data);
    from_fields(data);
});
