use super::*;

const ID: &str = "00112233aabbccdd";
const OTHER: &str = "8899aabbccddeeff";
/// A key whose revocation would be an outage.
const ACTIVE: &str = "0f1e2d3c4b5a6978";

fn found(document: impl AsRef<[u8]>) -> Vec<String> {
    scan(document.as_ref()).iter().map(ToString::to_string).collect()
}

#[track_caller]
fn finds(document: impl AsRef<[u8]>, ids: &[&str]) {
    let document = document.as_ref();
    assert_eq!(found(document), ids, "{}", String::from_utf8_lossy(document).trim());
}

/// A whole document around a list, with an active key named in a note.
fn around(list: &str) -> String {
    format!(
        r#"{{"version": 1, "serial": 7, {list}, "propagation": 300, "skew": 60, "lifetime_cap": 600, "keys": [
        {{"key": "osk1.a-b_c.d", "published_at": "2026-11-01T09:00:00Z", "seal_from": "2026-11-01T09:00:00Z",
        "note": "revoked: the other, not {ACTIVE}, see [1]", "emergency": false}}]}}"#
    )
}

#[test]
fn a_revocation_is_found_whatever_the_punctuation() {
    for list in [
        format!(r#""revoked": ["{ID}"]"#),
        // Quotation marks.
        format!(r#""revoked: ["{ID}"]"#),
        format!(r#"revoked": ["{ID}"]"#),
        format!(r#"revoked: ["{ID}"]"#),
        format!("'revoked': ['{ID}']"),
        format!(r#""revoked': ["{ID}"]"#),
        format!(r#"“revoked”: [“{ID}”]"#),
        format!(r#""revoked": [{ID}]"#),
        format!(r#""revoked": ["{ID}]"#),
        format!(r#""revoked": [{ID}"]"#),
        format!(r#""revoked": [""{ID}""]"#),
        // Brackets and separators.
        format!(r#""revoked": "{ID}""#),
        format!(r#""revoked": {ID}"#),
        format!(r#""revoked": ["{ID}""#),
        format!(r#""revoked": "{ID}"]"#),
        format!(r#""revoked": [["{ID}"]]"#),
        format!(r#""revoked": [[], "{ID}"]"#),
        format!(r#""revoked": ("{ID}")"#),
        format!(r#""revoked": {{"{ID}": "leaked"}}"#),
        format!(r#""revoked": [{{"id": "{ID}"}}]"#),
        format!(r#""revoked" = ["{ID}"]"#),
        format!(r#""revoked"; ["{ID}"]"#),
        format!(r#""revoked" => ["{ID}"]"#),
        format!(r#""revoked" ["{ID}"]"#),
        format!(r#""revoked":: ["{ID}"]"#),
        format!(r#""revoked":, ["{ID}"]"#),
        format!(r#""revoked": [, "{ID}",]"#),
        format!(r#", "revoked": ["{ID}"],"#),
        // Other spellings of the id and of the name.
        format!(r#""revoked" : [ " {} " ]"#, ID.to_uppercase()),
        format!(r#""Revoked": ["{ID}"]"#),
        format!(r#""\u0072evoked": ["{ID}"]"#),
        format!(r#""\u0072\u0065\u0076\u006f\u006B\u0065\u0064": ["{ID}"]"#),
        format!(r#""revoked": ["\u0030\u0030{}"]"#, &ID[2..]),
        format!(r#""revoked": ["{}\u0064\u0064"]"#, &ID[..14]),
        // Next to words that are no id.
        format!(r#""revoked": ["no id", 7, null, {{"a":1}}, "{ID}"]"#),
        format!(r#""revoked": [], "revoked": ["{ID}"]"#),
        format!(r#""revoked": ["{ID}"], "revoked": []"#),
        // A mistake just before it.
        format!(r#""note": "abc" "revoked": ["{ID}"]"#),
        format!(r#""note": "abc, "revoked": ["{ID}"]"#),
        format!(r#""note": abc", "revoked": ["{ID}"]"#),
        format!(r#""note: "abc", "revoked": ["{ID}"]"#),
        format!(r#""note": "an "old" key", "revoked": ["{ID}"]"#),
        format!(r#""note": it's, "revoked": ["{ID}"]"#),
        format!(r#""skew": 60 "revoked": ["{ID}"]"#),
        format!(r#""skew": true "revoked": ["{ID}"]"#),
        format!(r#""skew": , "revoked": ["{ID}"]"#),
        format!("\"skew\":\n \"revoked\": [\"{ID}\"]"),
    ] {
        finds(around(&list), &[ID]);
        finds(format!("{{{list}}}"), &[ID]);
        finds(format!("{{\"serial\": 7,,\n{list}"), &[ID]);
        finds(&list, &[ID]);
    }
}

#[test]
fn every_id_of_a_list_is_found_behind_brackets_in_strings_and_comments() {
    for list in [
        format!(r#""revoked": ["{ID}", "{OTHER}"]"#),
        format!(r#""revoked": ["{ID}, "{OTHER}"]"#),
        format!(r#""revoked": ["{ID}", {OTHER}"]"#),
        format!(r#""revoked": ["{ID}" "{OTHER}"]"#),
        format!(r#""revoked": ["{ID}"; "{OTHER}"]"#),
        format!(r#""revoked": "{ID} {OTHER}""#),
        format!(r#""revoked": "{ID}", "{OTHER}""#),
        format!(r#""revoked": ["{ID}", "see ticket [42]", "{OTHER}"]"#),
        format!(r#""revoked": ["{ID} ]", "{OTHER}"]"#),
        format!(r#"'revoked': ['{ID}', 'see ] 42', '{OTHER}']"#),
        format!(r#""revoked": ["{ID}", "an escaped \" ]", "{OTHER}"]"#),
        format!(r#""revoked": ["{ID}", "\u005d", "{OTHER}"]"#),
        format!(r#""revoked": ["{ID}", /* ] */ "{OTHER}"]"#),
        format!(r#""revoked": /* [] */ ["{ID}", "{OTHER}"]"#),
        format!(r#""revoked" /* [] */ : ["{ID}", "{OTHER}"]"#),
        format!("\"revoked\": [\"{ID}\", // ] of old, don't ask\n \"{OTHER}\"]"),
        format!("\"revoked\": [\"{ID}\", # ] of old \"\n \"{OTHER}\"]"),
        format!("/* [\"x */ \"revoked\": [\"{ID}\", \"{OTHER}\"]"),
        format!("// [\"revoked\n \"revoked\": [\"{ID}\", \"{OTHER}\"]"),
        format!("\"revoked\": [\"{ID}\",\n \"{OTHER}\n]"),
        format!("\"revoked\":\n  - {ID}\n  - {OTHER}\n"),
        format!(r#""revoked": [#{ID}, #{OTHER}]"#),
    ] {
        finds(around(&list), &[ID, OTHER]);
        finds(format!("{{{list}}}"), &[ID, OTHER]);
    }
}

#[test]
fn a_document_in_another_encoding_revokes() {
    let text = around(&format!(r#""revoked": ["{ID}"], "note": "gelöscht: „Т“ ]""#));
    let latin_1: Vec<u8> = text.chars().map(|letter| u8::try_from(letter).unwrap_or(0x81)).collect();
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for document in [
        [&[0xef, 0xbb, 0xbf][..], text.as_bytes()].concat(),
        [b"{\"note\": \"\xfc\", \"skew\": 60, ", &latin_1[1..]].concat(),
        [&[0xff, 0xfe][..], &little].concat(),
        [&[0xfe, 0xff][..], &big].concat(),
        [text.as_bytes(), &[0; 10_000]].concat(),
        [&[0xff; 100][..], text.as_bytes()].concat(),
        // Escaped by a shell, or with the quotation marks removed by one.
        text.replace('"', "\\\"").into_bytes(),
        text.replace('"', "").replace(": the other, not", "").into_bytes(),
        text.replace('\n', "\\n").into_bytes(),
        latin_1,
        little,
        big,
    ] {
        finds(document, &[ID]);
    }
}

/// Each of these has a mistake, or none, and the active key keeps sealing.
#[test]
fn nothing_but_the_list_revokes() {
    for text in [
        String::new(),
        "osk1.x.y".to_owned(),
        around(r#""revoked": []"#),
        around(r#""revoked": [,]"#),
        around(r#""revoked": [],,"#),
        around(r#""revoked":, "#),
        around(r#""revoked": null"#),
        around(r#""revoked": """#),
        around(r#""revoked": ["#),
        around(r#""revoked": [[]"#),
        around(r#""revoked": [{"#),
        around(r#""revoked": []]"#),
        around(r#""revoked: []"#),
        around("revoked: []"),
        // The word counts only in the place of a field's name.
        around(&format!(r#""note": "revoked: {ACTIVE}""#)),
        around(&format!(r#""note": "revoked {ACTIVE}",,"#)),
        around(&format!(r#""note": "leaked, revoked: {ACTIVE}""#)),
        around(&format!(r#""note": "\"revoked\": [\"{ACTIVE}\"]""#)),
        around(&format!(r#""note": "leaked, \"revoked\": [\"{ACTIVE}\"]""#)),
        around(&format!(r#""note": "'revoked': ['{ACTIVE}']""#)),
        around(&format!(r#""note": "leaked, 'revoked': ['{ACTIVE}']""#)),
        around(&format!(r#""note": "{{revoked: [{ACTIVE}]}}""#)),
        around(&format!(r#""note": "revoked = {ACTIVE}""#)),
        around(&format!(r#""note" "revoked: {ACTIVE}""#)),
        around(&format!(r#""note": "leaked, revoked: {ACTIVE}"#)),
        around(&format!(r#""note": leaked, revoked: {ACTIVE}""#)),
        around(&format!(r#""note: "revoked: {ACTIVE}""#)),
        around(&format!(r#"note": "revoked: {ACTIVE}""#)),
        around(&format!("\"note\":\n\"revoked: {ACTIVE}\"")),
        around(&format!(r#""note": "the first line,{}revoked: {ACTIVE}""#, '\n')),
        around(&format!(r#""note": 'it is revoked: {ACTIVE}'"#)),
        around(&format!("/* revoked: {ACTIVE} */ \"note\": null")),
        around(&format!("// \"revoked\": [\"{ACTIVE}\"]\n \"note\": null")),
        around(&format!("\"revoked\": [ // not {ACTIVE}\n]")),
        around(&format!(r#""unrevoked": ["{ACTIVE}"]"#)),
        around(&format!(r#""revoked_by": ["{ACTIVE}"]"#)),
        around(&format!(r#""revoked keys": ["{ACTIVE}"]"#)),
        around(&format!(r#""revoked": [], "active": ["{ACTIVE}"]"#)),
        around(&format!(r#""revoked": [], "keys": ["{ACTIVE}"]"#)),
        around(&format!(r#""revoked": [ "keys": ["{ACTIVE}"]"#)),
        around(&format!(r#""revoked": [ "note": "{ACTIVE}""#)),
        around(&format!(r#""revoked": [ '\u006beys': ["{ACTIVE}"]"#)),
        around(&format!(r#""revoked": [ KEYS = ["{ACTIVE}"]"#)),
        around(&format!(r#""tags": ["revoked", "{ACTIVE}"]"#)),
        format!("version: 1\nrevoked: []\nnote: leaked, revoked: {ACTIVE}\n"),
    ] {
        finds(text, &[]);
    }
}

/// Without its first or last quotation mark a note is prose, and no word in it is a field.
#[test]
fn a_note_that_lost_a_quotation_mark_revokes_nothing() {
    for note in [
        "2026-12-01, revoked: ACT",
        "2026-12-01; revoked: ACT",
        "утечка, revoked: ACT",
        "see [INC-42], revoked: ACT",
        "see [INC-42], revoked: [ACT]",
        "(INC-42), revoked: ACT",
        "{42}, revoked: ACT",
        "42, revoked: ACT",
        "true, revoked: ACT",
        "null, revoked = ACT",
        "he said \"no\", revoked: ACT",
        "12:30, revoked: ACT",
        "see https://x.test/a, revoked: ACT",
        "the skew: 60, revoked: ACT",
        "leaked; revoked: ACT",
    ] {
        for name in ["note", "Note", "comment"] {
            for list in [
                format!(r#""{name}": {note}""#),
                format!(r#""{name}": {note}"#),
                format!(r#"{name}: {note}"#),
                format!(r#"'{name}': {note}'"#),
                format!(r#""{name}" = {note}""#),
                format!("“{name}”: “{note}”"),
            ] {
                let list = list.replace("ACT", ACTIVE);
                for revoked in ["\"revoked\": [], ", "", "\"revoked\": [],\n "] {
                    finds(around(&format!("{revoked}{list}")), &[]);
                    // Text in the next line or in quotation marks counts.
                    let next = format!(r#""revoked": ["{ID}"]"#);
                    finds(around(&format!("{revoked}{list},\n{next}")), &[ID]);
                }
            }
        }
    }
    for list in [
        r#""note: "утечка, revoked: ACT""#,
        r#""note: "(42), revoked: ACT""#,
        r#""note: "'revoked': no, ACT""#,
        r#""note" "\"revoked\": no, ACT""#,
        r#""note": "he said "leaked", revoked: ACT""#,
        r#""note": "see "x", revoked: not ACT""#,
        r#""note": "утечка", revoked: ACT""#,
        r#""note": ""утечка, revoked: ACT""#,
        r#""note": "утечка", revoked = "ACT""#,
        r#""note" утечка, revoked: ACT""#,
        r#""note" "\"revoked\": [\"ACT\"]""#,
        r#""note":was in \"revoked\": ["ACT"]""#,
    ] {
        finds(around(&format!(r#""revoked": [], {}"#, list.replace("ACT", ACTIVE))), &[]);
    }
}

/// The last line has no line end after it, or only one that is dropped.
#[test]
fn a_comment_in_the_last_line_revokes_nothing() {
    for comment in [
        r#"// "revoked": ["ACT"]"#,
        r#"# "revoked": ["ACT"]"#,
        "# 2026-12-01, revoked: ACT",
        "// revoked: ACT",
        "//revoked: ACT",
        "// \"revoked\": [\"ACT\"], \"version\": 1}",
    ] {
        for end in ["", "\n", "\r\n\r\n", " \0"] {
            finds(format!("{}\n{comment}{end}", around(r#""revoked": [],"#)).replace("ACT", ACTIVE), &[]);
        }
    }
    finds(format!("revoked:\n - {ID}  # replaced by {ACTIVE}"), &[ID]);
    finds(format!("{{\"revoked\": [\"{ID}\" // replaced by {ACTIVE}"), &[ID]);
}

/// In any document that parses, the scan must find the same ids as the parser.
#[test]
fn where_the_parser_finds_a_list_the_scan_finds_the_same() {
    let vectors = include_str!("../../../../../tests/vectors/rings.json");
    let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
    let texts = vectors["vectors"].as_array().unwrap().iter().map(|vector| vector["text"].as_str().unwrap());
    let mut lists = 0;
    for (text, ring) in texts.filter_map(|text| Some((text, text.parse::<crate::KeyRing>().ok()?))) {
        assert_eq!(scan(text.as_bytes()), newest(ring.revoked().to_vec()), "{text}");
        lists += usize::from(!ring.revoked().is_empty());
    }
    assert!(lists >= 5, "{lists}");
}

/// An id is a word of sixteen digits, not part of a longer word.
#[test]
fn a_part_of_a_longer_word_is_no_id() {
    for text in [
        format!("{ID}0"),
        format!("x{ID}"),
        format!("{ID}_"),
        format!("0x{ID}"),
        ID[..15].to_owned(),
        format!("osk1.{ID}.{OTHER}"),
        format!("osk1.abc-{ID}-def.{OTHER}"),
    ] {
        finds(format!(r#"{{"revoked": ["{text}"]}}"#), &[]);
    }
    finds(format!(r#"{{"revoked": ["osk1.{ID}.abc", "{OTHER}"]}}"#), &[OTHER]);
}

#[test]
fn the_last_1024_distinct_ids_are_found() {
    let ids: Vec<String> = (0..2_000).map(|number| format!("{number:016x}")).collect();
    for end in ["", "}"] {
        let list = |ids: &[String]| format!(r#"{{"revoked": ["{}"]{end}"#, ids.join("\",\""));
        assert_eq!(found(list(&ids)), ids[2_000 - 1_024..]);
        // One id again and again.
        assert_eq!(found(list(&[&ids[..2], &vec![ids[5].clone(); 3_000], &ids[2..3]].concat())).len(), 4);
    }
}

/// The limit applies even if it falls inside a character, and the text before it counts.
#[test]
fn a_document_without_end_is_scanned_as_far_as_its_limit() {
    let list = format!(r#""revoked": ["{ID}"]"#);
    for letter in ["x", "ü", "€", "😀"] {
        for shift in 0..4 {
            let filling = |bytes: usize| letter.repeat(bytes / letter.len() + 1);
            let late = format!("{}\"{}\", {list}", " ".repeat(shift), filling(MOST_SCANNED));
            assert!(found(&late).is_empty());
            let (before, behind) = (filling(LARGEST), filling(MOST_SCANNED));
            finds(format!("{}\"{before}\", {list}, \"{behind}\"", " ".repeat(shift)), &[ID]);
        }
    }
}

/// A document that makes the scan go back and forth would keep the refresh task busy.
#[test]
fn the_scan_takes_steps_in_proportion_to_the_length() {
    for piece in [
        "\"revoked\":[",
        "\"revoked\": [ ",
        "revoked",
        "revoked ",
        "revoked:",
        "\"",
        "\" ",
        "'\"",
        "\"\\\"",
        "\\",
        "/*",
        "/**/",
        "/*/",
        "//",
        "// \n",
        "# ",
        "[",
        "{]",
        "\u{fc}",
        " \n",
        "a\"  \"",
        "00112233aabbccdd ",
        "osk1.",
        "note:a ",
    ] {
        let mut text = characters(piece.repeat(262_144 / piece.len()).as_bytes());
        unescape(&mut text);
        let text = [&text, &b"\n*/"[..]].concat();
        for text in [&text[..], &text[..text.len() - 3]] {
            let mut scan = Scan::new(text);
            scan.run();
            assert!(scan.steps <= 4 * text.len() + 4, "{piece:?}: {} steps", scan.steps);
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, cut in 0_usize..200) {
        scan(&bytes);
        scan(&[b"{\"revoked\": [\"", &bytes[..]].concat());
        let text = around(&format!(r#""revoked": ["{ID}"]"#));
        scan(&text.as_bytes()[..cut]);
    }
}

/// One character that is missing, doubled or wrong, at any position of documents as they are written: the revocation is found, and the
/// active key, which the notes name, is not revoked.
#[test]
fn no_single_mistake_hides_a_revocation_or_makes_one() {
    let notes = [format!("revoked: the other, not {ACTIVE}"), format!("the other leaked, revoked: not {ACTIVE}")];
    let keys =
        notes.map(|note| format!(r#"{{"key":"osk1.a-b_c.d","published_at":"2026-11-01T09:00:00Z","note":"{note}"}}"#));
    let list = format!(r#""revoked":["{ID}"]"#);
    let rest = format!(r#""serial":7,"skew":60,"keys":[{}]"#, keys.join(","));
    for text in [
        format!(r#"{{"version":1,{list},{rest}}}"#),
        format!(r#"{{"version":1,{rest},{list}}}"#),
        format!(r#"{{"version":1,{rest},{list}}}"#).replace(',', ",\n ").replace(':', ": "),
    ] {
        assert_eq!(found(&text), [ID]);
        let (at_id, at_name) = (text.find(ID).unwrap(), text.find("revoked\"").unwrap());
        let spared = |place: &usize| (at_id..at_id + 16).contains(place) || (at_name..at_name + 7).contains(place);
        for (place, letter) in text.char_indices().filter(|(place, _)| !spared(place)) {
            let (before, after) = (&text[..place], &text[place + letter.len_utf8()..]);
            let mut mistakes = vec![String::new(), format!("{letter}{letter}")];
            mistakes.extend("[]{}\"',:;=#/\\ \n\u{fc}".chars().map(String::from));
            // A letter next to the name or the id makes another word.
            if !(at_name - 1..=at_id + 16).contains(&place) {
                mistakes.extend(["a".to_owned(), "1".to_owned()]);
            }
            for mistake in mistakes {
                let mistaken = format!("{before}{mistake}{after}");
                // These make the name another word, or the list empty.
                if !mistaken.contains("\\revoked") && !mistaken.contains("[]0") && !mistaken.contains("[ ]0") {
                    finds(mistaken, &[ID]);
                }
            }
        }
    }
}
