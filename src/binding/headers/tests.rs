use super::*;

#[test]
fn an_empty_cookie_header_counts_as_no_cookie() {
    let any = |headers: &[&[u8]]| RequestHeaders::CookiesOnly(headers.into()).any_cookie();
    assert!(any(&[b"a=b"]) && any(&[b"", b"a=b"]));
    assert!(!any(&[]) && !any(&[b""]));
}

#[test]
fn speculative_loads_are_detected() {
    for value in ["prefetch", "prefetch;prerender", "prefetch;anonymous-client-ip", "Prefetch", "preview"] {
        assert!(is_speculative_purpose(value.as_bytes()), "{value}");
    }
    assert!(!is_speculative_purpose(b"") && !is_speculative_purpose(b"navigate"));
}
