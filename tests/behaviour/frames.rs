//! Logins in frames: refused unless the service asked for them, and never for the actions of a signed-in user.

use http::{HeaderMap, HeaderValue};
use oauth_state::provider::ResponseMode;
use oauth_state::{
    Binding, Callback, ConfigError, Expect, Flow, FlowBuilder, Login, Provider, Purpose, SingleProcessGuard, testing,
};
use support::shop::{Shop, app, block_on, callback, shop_with};

const PORTAL: &str = "https://portal.example";

fn shop(frames: impl FnOnce(FlowBuilder<()>) -> FlowBuilder<()>) -> Shop {
    shop_with(|flow| {
        let flow = [Purpose::Login, Purpose::Link].into_iter().fold(flow, FlowBuilder::purpose);
        frames(flow.provider(Provider::github().redirect_uri("https://shop.example/auth/github/callback")))
    })
}

fn embedded() -> Shop {
    shop(|flow| flow.embedded_in([PORTAL]))
}

fn request(mode: &'static str, destination: &'static str, site: &'static str) -> HeaderMap {
    let pairs =
        [("host", "shop.example"), ("sec-fetch-mode", mode), ("sec-fetch-dest", destination), ("sec-fetch-site", site)];
    pairs
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
        .collect()
}

fn start(shop: &Shop, headers: &HeaderMap) -> &'static str {
    shop.flow.begin(Binding::cookies(headers), Login::with("github")).map_or_else(|error| error.code(), |_| "begins")
}

#[test]
fn each_option_allows_the_frames_that_it_names() {
    let (none, own, other) = (shop(|flow| flow), shop(FlowBuilder::allow_same_origin_frames), embedded());
    for destination in ["iframe", "frame"] {
        for (site, expected) in [
            ("same-origin", ["not_a_navigation", "begins", "begins"]),
            ("same-site", ["not_a_navigation", "not_a_navigation", "begins"]),
            ("cross-site", ["not_a_navigation", "not_a_navigation", "begins"]),
            ("none", ["not_a_navigation", "not_a_navigation", "begins"]),
            ("", ["not_a_navigation", "not_a_navigation", "begins"]),
        ] {
            let found = [&none, &own, &other].map(|shop| start(shop, &request("navigate", destination, site)));
            assert_eq!(found, expected, "{destination} {site}");
        }
    }
}

/// A request that is not a frame's navigation stays refused: it would only pile up cookies.
#[test]
fn nothing_else_starts_a_login() {
    for shop in [shop(FlowBuilder::allow_same_origin_frames), embedded()] {
        for (mode, destination) in [
            ("cors", "iframe"),
            ("no-cors", "iframe"),
            ("", "iframe"),
            ("navigate", "image"),
            ("navigate", "embed"),
            ("navigate", "object"),
            ("navigate", "fencedframe"),
            ("cors", "empty"),
        ] {
            assert_eq!(
                start(&shop, &request(mode, destination, "same-origin")),
                "not_a_navigation",
                "{mode} {destination}"
            );
        }
        let mut prefetch = request("navigate", "iframe", "same-origin");
        prefetch.insert("sec-purpose", HeaderValue::from_static("prefetch"));
        assert_eq!(start(&shop, &prefetch), "not_a_navigation");
    }
}

/// Clickjacking: a click meant for another page must not link an identity.
#[test]
fn no_link_starts_in_a_frame() {
    for shop in [shop(FlowBuilder::allow_same_origin_frames), embedded()] {
        let link = |destination| {
            let mut headers = request("navigate", destination, "same-origin");
            headers.insert("origin", HeaderValue::from_static("https://shop.example"));
            let binding = Binding::cookies(&headers).for_user(b"ann").unwrap();
            let link = Login::with("github").purpose(Purpose::Link);
            shop.flow.begin(binding, link).map_or_else(|error| error.code(), |_| "begins")
        };
        assert_eq!((link("document"), link("iframe")), ("begins", "not_a_navigation"));
    }
}

#[test]
fn a_login_in_a_frame_has_a_partitioned_cookie_and_finishes_by_it() {
    let shop = embedded();
    let framed =
        shop.flow.begin(Binding::cookies(&request("navigate", "iframe", "cross-site")), Login::with("github")).unwrap();
    let top =
        shop.flow.begin(Binding::cookies(&request("navigate", "document", "none")), Login::with("github")).unwrap();
    let header = framed.set_cookie.as_deref().unwrap();
    assert!(header.starts_with("__Host-") && header.ends_with("; Secure; SameSite=None; Partitioned"), "{header}");
    assert!(top.set_cookie.as_deref().unwrap().ends_with("; Secure; SameSite=Lax"));

    let finish = |state: &str, cookies: &[&str]| {
        let mut headers = request("navigate", "iframe", "cross-site");
        if !cookies.is_empty() {
            headers.insert("cookie", cookies.join("; ").parse().unwrap());
        }
        let finished =
            block_on(shop.flow.finish(Binding::cookies(&headers), Expect::provider("github"), callback(state)));
        finished.map_or_else(|error| error.code(), |_| "finishes")
    };
    let (of_frame, of_top) = (framed.cookie_pair().unwrap(), top.cookie_pair().unwrap());
    assert_eq!(finish(&framed.state, &[of_top]), "other_browser");
    assert_eq!(finish(&framed.state, &[of_top, of_frame]), "finishes");
    assert_eq!(finish(&top.state, &[of_frame]), "other_browser");
    assert_eq!(finish(&top.state, &[of_top, of_frame]), "finishes");
}

/// The cookie of a frame alone tells nothing of a login in a window: its own cookie is missing there, and a posted callback gets its second page.
#[test]
fn a_posted_callback_in_a_window_is_posted_once_more_beside_the_cookie_of_a_frame() {
    let shop = shop_with(|flow| {
        let acme = Provider::custom("acme").unwrap().response_mode(ResponseMode::FormPostReposted);
        flow.allow_same_origin_frames().provider(acme)
    });
    let framed = request("navigate", "iframe", "same-origin");
    let of_frame = shop.flow.begin(Binding::cookies(&framed), Login::with("acme")).unwrap();
    let window = request("navigate", "document", "none");
    let begun = shop.flow.begin(Binding::cookies(&window), Login::with("acme")).unwrap();

    let mut headers = request("navigate", "document", "cross-site");
    headers.insert("origin", HeaderValue::from_static("https://idp.example"));
    headers.insert("cookie", of_frame.cookie_pair().unwrap().parse().unwrap());
    let form = format!("code=code&state={}", begun.state);
    let posted = Callback::from_form(form.as_bytes()).unwrap();
    let refused = shop.flow.check(Binding::cookies(&headers), Expect::provider("acme"), posted).unwrap_err();
    assert_eq!(refused.code(), "repost_needed");
}

/// A provider may lead out of the frame, into a window of its own.
#[test]
fn a_login_that_started_in_a_frame_finishes_in_a_window() {
    let shop = embedded();
    let framed = request("navigate", "iframe", "cross-site");
    let begun = shop.flow.begin(Binding::cookies(&framed), Login::with("github")).unwrap();
    let mut window = request("navigate", "document", "cross-site");
    window.insert("cookie", begun.cookie_pair().unwrap().parse().unwrap());
    assert!(shop.flow.check(Binding::cookies(&window), Expect::provider("github"), callback(&begun.state)).is_ok());
}

/// Clickjacking works on a session's cookie as well.
#[test]
fn no_link_bound_by_session_starts_in_a_frame() {
    for shop in [shop(FlowBuilder::allow_same_origin_frames), embedded()] {
        let link = |change: &dyn Fn(&mut HeaderMap)| {
            let mut headers = request("navigate", "document", "same-origin");
            headers.insert("origin", HeaderValue::from_static("https://shop.example"));
            change(&mut headers);
            let binding = Binding::session(&[7; 16]).unwrap().with_headers(&headers).for_user(b"ann").unwrap();
            let link = Login::with("github").purpose(Purpose::Link);
            shop.flow.begin(binding, link).map_or_else(|error| error.code(), |_| "begins")
        };
        let set = |name: &'static str, value: &'static str| {
            link(&move |headers: &mut HeaderMap| {
                headers.insert(name, HeaderValue::from_static(value));
            })
        };
        assert_eq!(link(&|_| ()), "begins");
        assert_eq!(set("sec-fetch-dest", "iframe"), "not_a_navigation");
        assert_eq!(set("sec-purpose", "prefetch"), "not_a_navigation");
    }
}

/// A service that allows no frames ignores their cookies, so the kind of cookie belongs to the setting.
#[test]
fn without_the_option_the_cookie_of_a_frame_is_none() {
    let (allowing, refusing) = (embedded(), shop(|flow| flow));
    let framed = request("navigate", "iframe", "cross-site");
    let begun = allowing.flow.begin(Binding::cookies(&framed), Login::with("github")).unwrap();
    let mut headers = request("navigate", "iframe", "cross-site");
    headers.insert("cookie", begun.cookie_pair().unwrap().parse().unwrap());
    let refused =
        block_on(refusing.flow.finish(Binding::cookies(&headers), Expect::provider("github"), callback(&begun.state)))
            .unwrap_err();
    assert_eq!(refused.code(), "cookie_missing");
    assert!(refused.diagnosis().contains("in a frame"), "{}", refused.diagnosis());
}

/// Clickjacking: a page of this crate has buttons, and only the named sites may frame it.
#[test]
fn pages_are_shown_in_the_named_frames_alone() {
    let policy = |shop: &Shop| {
        let refused =
            shop.flow.check(Binding::cookie_headers([]), Expect::provider("github"), callback("nothing")).unwrap_err();
        let mut page = refused.to_page(&"/".parse().unwrap());
        let before = page.headers()["content-security-policy"].clone();
        shop.flow.allow_framing(page.headers_mut());
        let after = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert_eq!(before.to_str().unwrap().split("frame-ancestors").next(), after.split("frame-ancestors").next());
        after.split_once("frame-ancestors ").unwrap().1.to_owned()
    };
    assert_eq!(policy(&shop(|flow| flow)), "'none'");
    assert_eq!(policy(&shop(FlowBuilder::allow_same_origin_frames)), "'self'");
    assert_eq!(
        policy(&shop(|flow| flow.embedded_in([PORTAL, "https://other.example:8443"]))),
        "'self' https://portal.example https://other.example:8443"
    );

    let mut own = HeaderMap::new();
    own.insert("content-security-policy", HeaderValue::from_static("frame-ancestors 'none'"));
    embedded().flow.allow_framing(&mut own);
    assert_eq!(own["content-security-policy"], "frame-ancestors 'none'", "a page of the application's own");
}

#[test]
fn what_cannot_work_in_a_frame_does_not_build() {
    let build = |change: fn(FlowBuilder<()>) -> FlowBuilder<()>| {
        let flow = Flow::builder(app(), testing::ring(), SingleProcessGuard::with_capacity(100));
        change(flow.provider(Provider::github())).build().err()
    };
    for origin in [
        "http://portal.example",
        "https://portal.example/",
        "https://*.example",
        "*",
        "https://a.example; script-src *",
    ] {
        let flow = Flow::builder(app(), testing::ring(), SingleProcessGuard::with_capacity(100));
        let error = flow.provider(Provider::github()).embedded_in([origin]).build().unwrap_err();
        assert_eq!(error, ConfigError::EmbeddingOrigin(origin.to_owned()));
    }
    // A list that a configuration leaves empty would let every site start logins.
    assert_eq!(build(|flow| flow.embedded_in([])), Some(ConfigError::EmbeddingOrigin(String::new())));
    assert_eq!(build(|flow| flow.allow_same_origin_frames().dangerously_allow_plain_http()), Some(ConfigError::Frames));
    assert_eq!(
        build(|flow| flow.allow_same_origin_frames().dangerously_name_cookie("__session")),
        Some(ConfigError::Frames)
    );
    assert_eq!(build(|flow| flow.embedded_in([PORTAL]).host_http_cookies()), None);
}
