use super::*;

fn text_of(bytes: [u8; 32]) -> String {
    RootKey::from_public_bytes(bytes).to_secret_text().expose().to_owned()
}

fn refusal(bytes: [u8; 32]) -> Option<RootKeyError> {
    text_of(bytes).parse::<RootKey>().err()
}

#[test]
fn a_key_made_by_hand_is_refused_with_the_reason() {
    assert_eq!(refusal(*b"0123456789abcdef0123456789abcdeX"), Some(RootKeyError::Printable));
    assert_eq!(refusal(*b"correct horse battery staple 123"), Some(RootKeyError::Printable));
    assert_eq!(refusal([0; 32]), Some(RootKeyError::Step));
    assert_eq!(refusal(std::array::from_fn(|i| i as u8)), Some(RootKeyError::Step));
    assert_eq!(refusal(std::array::from_fn(|i| (250u8).wrapping_sub(7 * i as u8))), Some(RootKeyError::Step));
    assert_eq!(refusal(std::array::from_fn(|i| ((i % 16) as u8 * 11) ^ 0x83)), Some(RootKeyError::Period));
    assert_eq!(refusal(std::array::from_fn(|i| ((i * i + i / 5) % 16) as u8)), Some(RootKeyError::FewDistinctBytes));
    for sample in SAMPLE_KEYS {
        assert_eq!(refusal(sample), Some(RootKeyError::Sample));
    }
}

#[test]
fn the_sample_keys_are_what_their_comment_says() {
    for (number, sample) in (1..).zip(SAMPLE_KEYS) {
        assert_eq!(<[u8; 32]>::from(Sha256::digest(format!("oauth-state sample key {number}"))), sample);
    }
}

#[test]
fn copying_mistakes_are_refused() {
    let text = RootKey::generate().unwrap().to_secret_text();
    let text = text.expose();
    assert!(text.parse::<RootKey>().is_ok());
    for cut in 0..text.len() {
        assert!(text[..cut].parse::<RootKey>().is_err());
    }
    for (position, old) in text.char_indices() {
        let new = if old == 'A' { 'B' } else { 'A' };
        let changed = format!("{}{new}{}", &text[..position], &text[position + 1..]);
        assert!(changed.parse::<RootKey>().is_err(), "position {position}");
    }
    for extended in [format!("{text} "), format!("{text}A"), format!(" {text}"), text.to_uppercase()] {
        assert!(extended.parse::<RootKey>().is_err());
    }
}

#[test]
fn debug_shows_the_id_and_no_key() {
    let key = RootKey::generate().unwrap();
    let shown = format!("{key:?}");
    assert!(shown.contains(&key.id().to_string()));
    assert!(!shown.contains(&key.to_secret_text().expose()[5..20]));
}
