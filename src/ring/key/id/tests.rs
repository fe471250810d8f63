use super::*;

#[test]
fn an_id_is_shown_as_a_ring_document_writes_it() {
    let id = RootKeyId::parse("00000000000000ff").unwrap();
    assert_eq!(
        (id.to_string(), format!("{id:?}")),
        ("00000000000000ff".to_owned(), "RootKeyId(00000000000000ff)".to_owned())
    );
}
