use crate::ring::source::document::{KeyRingDocument, read};

const DOCUMENT: &str = r#"{ "version": 1, "serial": 7, "keys": [], "revoked": [] }"#;

fn said(bytes: &[u8]) -> String {
    read(bytes).ring.unwrap_err().to_string()
}

fn utf_16(text: &str, big: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

/// Each was "neither a root key nor a document" or "not UTF-8", and the operator had to guess.
#[test]
fn a_file_in_another_format_is_named() {
    for (bytes, name) in [
        (Vec::new(), "empty"),
        (b" \r\n\t".to_vec(), "empty"),
        (vec![0; 512], "empty"),
        ([b"\xef\xbb\xbf", DOCUMENT.as_bytes()].concat(), "byte order mark"),
        ([b"\xff\xfe".to_vec(), utf_16(DOCUMENT, false)].concat(), "UTF-16"),
        ([b"\xfe\xff".to_vec(), utf_16(DOCUMENT, true)].concat(), "UTF-16"),
        (utf_16(DOCUMENT, false), "UTF-16"),
        (utf_16(DOCUMENT, true), "UTF-16"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\xe6".to_vec(), "gzip"),
        (b"\x28\xb5\x2f\xfd\x04\x58\x41".to_vec(), "zstd"),
        (b"-----BEGIN PGP MESSAGE-----\n".to_vec(), "OpenPGP"),
        (b"eyAidmVyc2lvbiI6IDEsICJzZXJpYWwiOiA3LCAia2V5cyI6IFtdIH0=\n".to_vec(), "base64"),
        (b"<!doctype html><title>Sign in</title>".to_vec(), "HTML"),
    ] {
        assert!(said(&bytes).contains(name), "{name}: {}", said(&bytes));
    }
    // As a variable or a reply of a helper, which are text already.
    assert!("".parse::<KeyRingDocument>().unwrap_err().to_string().contains("empty"));
    assert!("\u{feff}{}".parse::<KeyRingDocument>().unwrap_err().to_string().contains("byte order mark"));
}

/// It was called JSON that is none, at a line where an editor shows nothing.
#[test]
fn bytes_of_zero_behind_a_document_are_named() {
    assert!(said(&[DOCUMENT.as_bytes(), b"\0"].concat()).contains("a NUL byte"));
}

#[test]
fn a_document_with_a_mistake_keeps_its_own_error() {
    assert!(said(DOCUMENT.as_bytes()).contains("missing field"), "{}", said(DOCUMENT.as_bytes()));
    assert!(said(b"password").contains("neither"));
    assert!(said(b"{\"note\": \"gel\xf6scht\"}").contains("not UTF-8"));
}
