use super::*;
use crate::ring::key::material::SAMPLE_KEYS;

#[test]
fn debug_shows_no_key_bytes() {
    assert_eq!(format!("{:?}", HmacKey::new(&[7; 32])), "HmacKey([redacted])");
}

/// RFC 4231 section 4.3 has a key of 4 bytes; padded with zeros it is the same HMAC key.
#[test]
fn hmac_agrees_with_rfc_4231_test_case_2() {
    let mut key = [0; 32];
    key[..4].copy_from_slice(b"Jefe");
    let tag = HmacKey::new(&key).tag(&[b"what do ya want ", b"for nothing?"]);
    assert_eq!(tag[..6], [0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60]);
    assert_eq!(tag[26..], [0x58, 0xb9, 0x64, 0xec, 0x38, 0x43][..]);
}

/// RFC 4231 section 4.3 again, with the one-block function.
#[test]
fn hmac_of_one_block_agrees_with_rfc_4231_test_case_2() {
    let mut key = [0; 32];
    key[..4].copy_from_slice(b"Jefe");
    let tag = HmacKey::new(&key).tag_of_one_block(b"what do ya want for nothing?");
    assert_eq!(tag[..6], [0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60]);
    assert_eq!(tag[26..], [0x58, 0xb9, 0x64, 0xec, 0x38, 0x43][..]);
}

/// With padding that is off by one, it would be another HMAC that no other implementation computes.
#[test]
fn one_block_and_any_length_agree_at_every_length_in_use() {
    fn agree<const N: usize>() {
        let key = HmacKey::new(&std::array::from_fn(|at| at as u8));
        let message: [u8; N] = std::array::from_fn(|at| 255 - at as u8);
        assert_eq!(key.tag_of_one_block(&message), key.tag(&[&message]), "{N}");
    }
    agree::<0>();
    agree::<1>();
    agree::<32>();
    agree::<53>();
    agree::<54>();
    agree::<55>();
}

/// RFC 5869, appendix A.3: without salt and info; its first 32 of 42 bytes.
#[test]
fn hkdf_agrees_with_rfc_5869_test_case_3() {
    let okm = hkdf(&[0x0b; 22], b"");
    assert_eq!(okm.expose()[..8], [0x8d, 0xa4, 0xe7, 0x75, 0xa5, 0x63, 0xc1, 0x8f]);
    assert_eq!(okm.expose()[24..], [0xc3, 0x45, 0x4e, 0x5f, 0x3c, 0x73, 0x8d, 0x2d]);
}

/// A root key that is weak, or equals the material, is worse than none.
#[test]
fn key_material_is_held_to_the_rules_of_a_key() {
    let drawn = RootKey::generate().unwrap();
    let derived = RootKey::derive_from_key_material(drawn.expose()).unwrap();
    assert_ne!(derived.expose(), drawn.expose());
    assert_eq!(RootKey::derive_from_key_material(drawn.expose()).unwrap().id(), derived.id());
    let long = [drawn.expose().as_slice(), &[7; 40]].concat();
    assert!(RootKey::derive_from_key_material(&long).is_ok());
    let refused = |material: &[u8]| RootKey::derive_from_key_material(material).unwrap_err();
    assert_eq!(refused(&drawn.expose()[..31]), RootKeyError::Short);
    assert_eq!(refused(b"0123456789abcdef0123456789abcdef0123456789abcdef"), RootKeyError::Printable);
    assert_eq!(refused(&[7; 48]), RootKeyError::Step);
    assert_eq!(refused(&SAMPLE_KEYS[0]), RootKeyError::Sample);
    assert_eq!(RootKey::from_secret_bytes(drawn.expose()).unwrap().id(), drawn.id());
    assert_eq!(RootKey::from_secret_bytes(&SAMPLE_KEYS[1]).unwrap_err(), RootKeyError::Sample);
}

/// Key confusion: a state of one purpose, application or environment must not open as another.
#[test]
fn every_part_of_the_derivation_changes_the_keys_and_the_id() {
    let root = RootKey::from_public_bytes(SAMPLE_KEYS[0]);
    let other_root = RootKey::from_public_bytes(SAMPLE_KEYS[1]);
    let app = App::new("shop", "production").unwrap();
    let of = |root, purpose, app| (derive(root, "enc", purpose, app), key_id(root, purpose, app));
    let (key, id) = of(&root, Purpose::Login, &app);
    let others = [
        of(&other_root, Purpose::Login, &app),
        of(&root, Purpose::Link, &app),
        of(&root, Purpose::Custom("login"), &app),
        of(&root, Purpose::Login, &App::new("shop", "staging").unwrap()),
        of(&root, Purpose::Login, &App::new("shopp", "roduction").unwrap()),
    ];
    for (other_key, other_id) in others {
        assert_ne!(key.expose(), other_key.expose());
        assert_ne!(id, other_id);
    }
    let labels = ["enc", "sign", "flow", "key-id"];
    let keys = labels.map(|label| *derive(&root, label, Purpose::Login, &app).expose());
    assert_eq!(keys.iter().collect::<std::collections::BTreeSet<_>>().len(), labels.len(), "one key for two uses");
}
