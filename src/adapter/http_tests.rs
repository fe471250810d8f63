use super::*;

#[test]
fn nothing_but_a_click_consumes() {
    let code = |builder: http::request::Builder| {
        let parts = builder.uri("/callback?state=s&code=c").body(()).unwrap().into_parts().0;
        Callback::from_parts(&parts, b"state=s&code=c").map_or_else(|error| error.code(), |_| "taken")
    };
    let get = http::Request::get;
    assert_eq!(code(get("/")), "taken");
    assert_eq!(code(http::Request::post("/")), "taken");
    for method in ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "get"] {
        assert_eq!(code(http::Request::builder().method(method)), "not_consumed", "{method}");
    }
    for value in ["prefetch", "prefetch;prerender", "prefetch;anonymous-client-ip"] {
        assert_eq!(code(get("/").header("sec-purpose", value)), "not_consumed");
    }
    assert_eq!(code(get("/").header("purpose", "prefetch")), "not_consumed");
    assert_eq!(code(get("/").header("sec-purpose", "x").header("sec-purpose", "prefetch")), "not_consumed");
}

/// Apple's answer must not be taken from the address, where anybody can put one beside the form.
#[test]
fn the_query_of_a_post_is_not_looked_at() {
    let parts = http::Request::post("/callback?state=s&code=c").body(()).unwrap().into_parts().0;
    assert_eq!(Callback::from_parts(&parts, b"").unwrap_err().code(), "missing_state");
}
