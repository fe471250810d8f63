use super::*;

#[test]
fn whether_any_cookie_came_is_told_of_headers_that_hold_something() {
    let any = |headers: &[&[u8]]| RequestHeaders::CookiesOnly(headers.into()).any_cookie();
    assert!(any(&[b"a=b"]) && any(&[b"", b"a=b"]));
    assert!(!any(&[]) && !any(&[b""]));
}

#[test]
fn loads_ahead_of_the_click_are_told_apart() {
    for value in ["prefetch", "prefetch;prerender", "prefetch;anonymous-client-ip", "Prefetch", "preview"] {
        assert!(is_speculative_purpose(value.as_bytes()), "{value}");
    }
    assert!(!is_speculative_purpose(b"") && !is_speculative_purpose(b"navigate"));
}
