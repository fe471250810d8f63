use super::*;

fn read(document: &[u8]) -> String {
    let mut text = characters(document);
    unescape(&mut text);
    text.iter().map(|character| if *character == ESCAPED_MARK { '!' } else { char::from(*character) }).collect()
}

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

/// Letters with one byte that equals a quotation mark, a bracket or a backslash: Т is U+0422, ѝ U+045D, 尀 U+5C00.
#[test]
fn utf_16_is_read_by_its_units_with_and_without_a_mark_and_cut_off() {
    let text = "{\"Тѝ尀 a\": 1}";
    for (unit, mark) in [(u16::to_le_bytes as fn(u16) -> [u8; 2], [0xff, 0xfe]), (u16::to_be_bytes, [0xfe, 0xff])] {
        let bytes = utf16(text, unit);
        assert_eq!(read(&bytes), "{\"    a\": 1}");
        let marked = [&mark[..], &bytes].concat();
        assert_eq!(read(&marked), "  {\"    a\": 1}");
        assert!(read(&marked[..marked.len() - 1]).starts_with("  {\"    a\": 1"));
    }
    let utf_32: Vec<u8> = text.chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect();
    assert_eq!(read(&utf_32), "{\"    a\": 1}");
}

#[test]
fn non_ascii_is_blank_and_nuls_are_skipped() {
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
    assert_eq!(read(br#"\"a"\""#), "!a\"!");
    assert_eq!(read(br#""a\"b"#), "\"a b");
    assert_eq!(read(br#"a\"b\\c\nd\u0022e\u005Bf\u00fcg"#), "a!b c d e f g");
    assert_eq!(read(br"a\u12 b\]c\0"), "a u12 b ]c 0");
    assert_eq!(read(br"a\"), "a");
}

fn found(bytes: &[u8]) -> Vec<String> {
    super::super::scan(bytes).iter().map(ToString::to_string).collect()
}

const ID: &str = "00112233aabbccdd";

/// A hole in a file must not count as half of every character.
#[test]
fn nuls_anywhere_hide_no_revocation() {
    let list = format!(r#""serial": 7, "revoked": ["{ID}"], "keys": ["#);
    let (front, back) = list.split_at(20);
    for number in [1, 2, 3, 4, 5, 512, 4_096, 4_097] {
        let nuls = vec![0; number];
        for hole in [
            [&nuls, list.as_bytes()].concat(),
            [front.as_bytes(), &nuls, back.as_bytes()].concat(),
            [list.as_bytes(), &nuls, b"{\"note\": 1}"].concat(),
            [b"{", list.as_bytes(), &nuls].concat(),
            [b"{".to_vec(), nuls.clone(), list.clone().into(), nuls.clone(), b"{".to_vec(), nuls.clone()].concat(),
        ] {
            assert_eq!(found(&hole), [ID], "{number}: {}", String::from_utf8_lossy(&hole));
        }
        for unit in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
            let behind = [utf16(&list, unit), nuls.clone(), utf16("{\"note\": 1}", unit)].concat();
            assert_eq!(found(&behind), [ID], "{number}");
            assert_eq!(found(&[nuls.clone(), utf16(&format!(" {{{list}"), unit)].concat()), [ID], "{number}");
        }
    }
}

/// A program that treats UTF-16 as bytes changes its line ends, or appends its own text.
#[test]
fn utf_16_that_lost_or_gained_a_byte_revokes() {
    let text = format!("{{\r\n  \"serial\": 7,\r\n  \"revoked\": [\"{ID}\"],\r\n  \"keys\": [\r\n");
    for unit in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
        for mark in ["", "\u{feff}"] {
            let bytes = utf16(&format!("{mark}{text}"), unit);
            let without: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != b'\r').collect();
            assert_eq!(found(&without), [ID]);
            let unix = utf16(&format!("{mark}{}", text.replace('\r', "")), unit);
            let more: Vec<u8> =
                unix.iter().flat_map(|byte| [b'\r', *byte][usize::from(*byte != b'\n')..].to_vec()).collect();
            assert_eq!(found(&more), [ID]);
            let open = utf16(&format!("{mark}{{\"serial\": 7,"), unit);
            let list = format!("\n\"revoked\": [\"{ID}\"]");
            assert_eq!(found(&[open, list.clone().into()].concat()), [ID]);
            let tail = utf16(&format!("{mark}{list},"), unit);
            assert_eq!(found(&[b"{\"serial\": 7,\n".to_vec(), tail].concat()), [ID]);
            // One byte is lost or added anywhere except close to the list.
            let (start, end) = (text.find("revoked").unwrap() * 2 - 8, text.find(ID).unwrap() * 2 + 36);
            for place in (0..bytes.len()).filter(|place| !(start..end + 2).contains(place)) {
                let (before, after) = bytes.split_at(place);
                assert_eq!(found(&[before, &after[1..]].concat()), [ID], "{place}");
                assert_eq!(found(&[before, b"\r", after].concat()), [ID], "{place}");
            }
        }
    }
}
