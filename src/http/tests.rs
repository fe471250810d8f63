use super::*;

#[test]
fn only_a_navigation_uses_up_a_login() {
    let code = |builder: http::request::Builder| {
        let is_post = builder.method_ref() == Some(&Method::POST);
        let uri = if is_post { "/callback" } else { "/callback?state=s&code=c" };
        let parts = builder.uri(uri).body(()).unwrap().into_parts().0;
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

/// Apple's response must not be read from the URL, where an attacker can add a second response to the form's.
#[test]
fn the_query_of_a_post_is_no_callback_and_no_second_one() {
    let code = |query: &str, body: &[u8]| {
        let parts = http::Request::post(format!("/callback{query}")).body(()).unwrap().into_parts().0;
        Callback::from_parts(&parts, body).map_or_else(|error| error.code(), |_| "accepted")
    };
    assert_eq!(code("?state=s&code=c", b""), "missing_state");
    for query in [
        "?code=x",
        "?a=b&st%61te=s",
        "?ISS=x",
        "?user=x",
        "?mine=x",
        "?code[]=x",
        "?a=1;code=x",
        "?+code=x",
        "?code%00=x",
        "?code.x=1",
    ] {
        assert_eq!(code(query, b"state=s&code=c&mine=1"), "duplicate_parameter", "{query}");
    }
    for query in ["", "?", "?app=shop", "?&", "?=", "?codes=x"] {
        assert_eq!(code(query, b"state=s&code=c&mine=1"), "accepted", "{query}");
    }
}
