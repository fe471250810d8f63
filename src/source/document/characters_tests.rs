use super::*;

fn read(document: &[u8]) -> String {
    let text = characters(document);
    text.iter().map(|character| if *character == ESCAPED_MARK { '!' } else { char::from(*character) }).collect()
}

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

/// Letters of which one byte is that of a quotation mark, a bracket or a backslash: Т is U+0422, ѝ U+045D, 尀 U+5C00.
#[test]
fn utf_16_is_read_by_its_units_with_and_without_a_mark_and_cut_off() {
    let text = "{\"Тѝ尀 a\": 1}";
    for (unit, mark) in [(u16::to_le_bytes as fn(u16) -> [u8; 2], [0xff, 0xfe]), (u16::to_be_bytes, [0xfe, 0xff])] {
        let bytes = utf16(text, unit);
        assert_eq!(read(&bytes), "{\"    a\": 1}");
        let marked = [&mark[..], &bytes].concat();
        assert_eq!(read(&marked), " {\"    a\": 1}");
        assert!(read(&marked[..marked.len() - 1]).starts_with(" {\"    a\": 1"));
    }
    let utf_32: Vec<u8> = text.chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect();
    assert_eq!(read(&utf_32), "{\"    a\": 1}");
}

#[test]
fn what_is_not_ascii_is_blank_and_nuls_are_passed_over() {
    assert_eq!(read(b"a\xfcb\x07c\td\r\ne"), "a b c d\n\ne");
    assert_eq!(read("aüb".as_bytes()), "a  b");
    assert_eq!(read(b"abcd\0efgh"), "abcdefgh");
    // A file whose end was never written.
    assert_eq!(read(&[&b"abc"[..], &[0; 4_096]].concat()), "abc");
    assert_eq!(read(&[0; 64]), "");
    assert_eq!(read(b"  a \n\n"), "  a");
}

#[test]
fn an_escape_is_a_letter_a_blank_or_a_mark_of_its_own() {
    assert_eq!(read(br"\u0072\u0065v\u006F\u006bed"), "revoked");
    assert_eq!(read(br#"a\"b\\c\nd\u0022e\u005Bf\u00fcg"#), "a!b c d e f g");
    assert_eq!(read(br"a\u12 b\]c\0"), "a u12 b ]c 0");
    assert_eq!(read(br"a\"), "a");
}
