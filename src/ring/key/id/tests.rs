use super::*;

#[test]
fn an_id_is_shown_as_a_ring_document_writes_it() {
    let id = "00000000000000ff".parse::<RootKeyId>().unwrap();
    assert_eq!(
        (id.to_string(), format!("{id:?}")),
        ("00000000000000ff".to_owned(), "RootKeyId(00000000000000ff)".to_owned())
    );
}
