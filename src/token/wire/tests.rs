use super::*;

fn sample() -> Vec<u8> {
    let mut bytes = Vec::new();
    write_head(Form::Sealed, KeyId([1, 2, 3, 4]), &[5; 24], &mut bytes);
    bytes.extend([6; 10]);
    bytes.extend([7; 16]);
    bytes
}

#[test]
fn a_token_starts_with_ost1_and_is_parsed_back() {
    let text = base64url::encode(sample());
    assert!(text.starts_with("ost1"));
    let mut buffer = [0; LONGEST_BYTES];
    let parts = read(&text, &mut buffer).unwrap();
    assert_eq!((parts.key_id, parts.nonce, parts.tag), (KeyId([1, 2, 3, 4]), [5; 24], Tag::Aead([7; 16])));
    assert_eq!(parts.text, [6; 10]);
}

#[test]
fn each_form_is_known_by_its_first_four_characters_and_by_nothing_else() {
    for form in Form::ALL {
        let mut bytes = Vec::new();
        write_head(form, KeyId([1, 2, 3, 4]), &[5; 24], &mut bytes);
        bytes.extend(vec![7; form.tag_bytes()]);
        let text = base64url::encode(&bytes);
        assert!(text.starts_with(form.prefix()), "{text}");
        let (mut buffer, tag) = ([0; LONGEST_BYTES], vec![7; form.tag_bytes()]);
        let parts = read(&text, &mut buffer).unwrap();
        assert_eq!((parts.form, parts.text.len(), parts.tag.as_bytes()), (form, 0, &tag[..]));
        for other in Form::ALL {
            assert_eq!(other.is_form_of(&text), other == form, "{other:?}");
        }
        assert!(!form.is_form_of(&text[..text.len() - 1]), "cut short");
        let cut = base64url::encode(&bytes[..bytes.len() - 1]);
        assert_eq!(read(&cut, &mut [0; LONGEST_BYTES]).err(), Some(NotAToken::TooShort), "{form:?}");
        assert!(!form.is_form_of(&format!("{text}=")) && !form.is_form_of(&format!("{text}{}", "A".repeat(2048))));
    }
}

#[test]
fn every_other_form_is_refused_for_its_own_reason() {
    let refusal = |text: &str| read(text, &mut [0; LONGEST_BYTES]).err();
    assert_eq!(refusal(""), Some(NotAToken::OtherMagic));
    assert_eq!(refusal("ost1"), Some(NotAToken::TooShort));
    assert_eq!(refusal(&base64url::encode(&sample()[..46])), Some(NotAToken::TooShort));
    assert_eq!(refusal("osz1AAAA"), Some(NotAToken::OtherMagic));
    assert_eq!(refusal("ost1="), Some(NotAToken::NotBase64Url));
    assert_eq!(refusal(&"A".repeat(2049)), Some(NotAToken::TooLong));
    assert_eq!(refusal(&"A".repeat(2048)), Some(NotAToken::OtherMagic));
    assert_eq!(refusal(&"é".repeat(1000)), Some(NotAToken::NotBase64Url));
}
