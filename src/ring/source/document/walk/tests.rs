use super::super::scan;

const ID: &str = "00112233aabbccdd";
const OTHER: &str = "8899aabbccddeeff";
/// A key whose revocation would be an outage.
const ACTIVE: &str = "0f1e2d3c4b5a6978";

#[track_caller]
fn finds(document: &str, ids: &[&str]) {
    let document = document.replace("ACT", ACTIVE).replace("OTHER", OTHER).replace("ID", ID);
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    // In any encoding.
    let utf16: Vec<u8> = document.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [document.as_bytes(), format!("\u{feff}{document}\n\0\0").as_bytes(), &utf16] {
        let found: Vec<String> = scan(bytes).iter().map(ToString::to_string).collect();
        assert_eq!(found, ids, "{document}");
    }
}

#[test]
fn json_that_is_refused_for_its_form_revokes_only_what_its_list_holds() {
    for document in [
        r#"{"version": 1, "revoked": null, "active": "ACT"}"#,
        r#"{"version": 1, "revoked": 0, "active": "ACT"}"#,
        r#"{"version": 1, "revoked": false, "active": "ACT"}"#,
        r#"{"version": 1, "revoked": "", "active": "ACT"}"#,
        r#"{"version": 1, "revoked": "none", "active": "ACT"}"#,
        r#"{"version": 1, "revoked": "replaced by ACT"}"#,
        r#"{"version": 1, "revoked": {"ACT": false}}"#,
        r#"{"version": 1, "revoked": {"ACT": null}}"#,
        r#"{"version": 1, "revoked": ["osk1.ACT.ACT"]}"#,
        r#"{"keys": [{"key": "osk1.a.b", "revoked": false, "id": "ACT"}]}"#,
        r#"{"comment": ["see below", "revoked [ACT]? no"]}"#,
        r#"{"note": ["2026", "revoked [ACT]"]}"#,
        r#"{"note": {"revoked": false, "id": "ACT"}}"#,
        r#"{"note": {"revoked": ["ACT"]}}"#,
        r#"{"note": "{\"revoked\": [\"ACT\"]}"}"#,
        r#"{"keys": [{"note": "{\"revoked\": [\"ACT\"]}"}]}"#,
        r#"{"revoked": [], "ring": {"revoked": ["ACT"]}}"#,
        r#"{"revoked": [], "ring": "{\"revoked\": [\"ACT\"]}"}"#,
        r#"{"comment": "leaked, revoked: ACT", "tags": ["revoked", "ACT"]}"#,
        r#"["revoked", ["ACT"]]"#,
        r#""revoked: ACT""#,
    ] {
        finds(document, &[]);
    }
    finds(r#"{"version": 1, "revoked": [{"id": "ID", "note": "replaced by ACT"}], "active": "ACT"}"#, &[ID]);
    finds(r#"{"revoked": {"ID": "leaked", "ACT": false, "OTHER": true}}"#, &[ID, OTHER]);
    finds(r#"{"revoked": [" ID ", "ID, OTHER", ["OTHER"]], "keys": ["ACT"]}"#, &[ID, OTHER]);
    finds(r#"{"revoked": [1122334455667788, 112233445566778, -1122334455667788]}"#, &["1122334455667788"]);
}

#[test]
fn a_document_in_another_revokes() {
    let document =
        format!(r#"{{"version": 1, "revoked": ["{ID}"], "keys": [{{"note": "not \"ACT\", revoked: ACT"}}]}}"#);
    let escaped = |text: &str| serde_json::to_string(text).unwrap();
    let broken = document.replace(", \"keys\"", ",, \"keys\"");
    for inner in [&document, &broken] {
        let (once, twice) = (escaped(inner), escaped(&escaped(inner)));
        for outer in [
            once.clone(),
            twice.clone(),
            escaped(&twice),
            format!(r#"{{"ring": {once}}}"#),
            format!(r#"{{"ring": {twice}}}"#),
            format!(r#"{{"key": {once}, "note": "revoked: ACT"}}"#),
            format!(r#"{{"data": {{"data": {{"OAUTH_STATE_KEYS": {once}}}}}, "active": "ACT"}}"#),
            format!("[1, {once}]"),
            escaped(&format!("\n {inner}")),
            format!(r#"{{"ring": {}}}"#, escaped(&format!(r#"{{"ring": {once}}}"#))),
        ] {
            finds(&outer, &[ID]);
        }
        let deep = (0..4).fold(inner.clone(), |text, _| escaped(&text));
        finds(&deep, &[]);
    }
    finds(&format!(r#"{{"ring": {document}}}"#), &[ID]);
    finds(&format!(r#"{{"a": [{{"revoked": ["OTHER"]}}], "ring": {document}}}"#), &[OTHER, ID]);
}

/// Nothing says which of the two counts, so both do.
#[test]
fn a_name_that_stands_twice_hides_no_revocation() {
    finds(r#"{"revoked": ["ID"], "revoked": []}"#, &[ID]);
    finds(r#"{"revoked": [], "\u0072evoked": ["ID"]}"#, &[ID]);
    finds(r#"{"a": {"x": 1, "x": 2}, "revoked": ["ID"]}"#, &[ID]);
}

#[test]
fn nothing_that_is_nested_too_deep_exhausts_the_stack() {
    let document = format!(r#"{{"revoked": ["{ID}"]}}"#);
    for depth in [1, 16, 17, 100, 126, 127, 128, 5_000] {
        let nested = |text: &str| format!("{}{text}{}", "[".repeat(depth), "]".repeat(depth));
        let once = nested(&serde_json::to_string(&document).unwrap());
        let twice = nested(&serde_json::to_string(&once).unwrap());
        // At a depth of 128 or more it is not JSON.
        finds(&once, if depth <= 16 || depth >= 128 { &[ID] } else { &[] });
        finds(&twice, &[]);
        let list = format!(r#"{{"revoked": {}}}"#, nested(r#""ID""#));
        finds(&list, &[ID]);
    }
}

/// A whole document in quotation marks whose closing marks are missing, or in a file of variables.
#[test]
fn a_wrapped_document_that_is_no_json_revokes_what_it_lists() {
    let note = format!(r#"leaked: \"revoked\": [\"{ACTIVE}\"]"#);
    let document = format!("{{\"version\": 1,\n \"revoked\": [\"{ID}\"], \"keys\": [{{\"note\": \"{note}\"}}]}}");
    let (once, number) = (serde_json::to_string(&document).unwrap(), document.len());
    let twice = serde_json::to_string(&once).unwrap();
    for text in [
        once[..number].to_owned(),
        twice[..number].to_owned(),
        format!("KEYS={once}"),
        format!("export KEYS={once}\nNEXT=\"{{\\\"revoked\\\": [\\\"{ACTIVE}\\\"]}}\"\n"),
        format!("- name: KEYS\n  value: {once}\n"),
        format!("KEYS='{document}'\n"),
        format!("KEYS={twice}"),
        format!("\u{feff}{once},"),
    ] {
        finds(&text, &[ID]);
    }
}
