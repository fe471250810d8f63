use super::*;

/// A path's quotes must not end the attribute.
#[test]
fn a_path_cannot_leave_its_attribute() {
    let path = "/a?\"><script>alert(1)</script>&'".parse::<ReturnTo>().unwrap();
    let page = page(400, &NEUTRAL, &path, None);
    assert!(!page.body().contains("<script") && page.body().contains("/a?&quot;&gt;&lt;script&gt;"));
}

/// With another hash, the browser would drop the page's style.
#[test]
fn the_policy_names_the_style_that_the_page_has_and_nothing_else() {
    let page = page(400, &NEUTRAL, &"/".parse::<ReturnTo>().unwrap(), None);
    let (_, rest) = page.body().split_once("<style>").unwrap();
    let (style, _) = rest.split_once("</style>").unwrap();
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style));
    let policy = page.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains(&format!("style-src 'sha256-{hash}'")) && policy.starts_with("default-src 'none';"));
    assert!(!policy.contains("unsafe") && !policy.contains("http"));
}
