//! The cases that every mount must pass.

use http::{Method, Response};

use crate::shop::{SentBody, Shop, Started, page, text};

/// A test of each case, for one mount.
macro_rules! each_case {
    ($open:path) => {
        $crate::cases::each_case! { $open:
            a_login_start_redirects_to_the_provider
            a_callback_signs_in
            a_callback_counts_once
            a_callback_in_another_browser_is_not_accepted
            a_form_post_is_read
            a_login_start_by_post_is_not_allowed
            an_unknown_path_is_not_found
            a_failed_exchange_gets_a_page
            a_session_store_that_is_down_consumes_nothing
            a_signed_in_user_links_an_identity
            a_link_is_refused_to_another_user
            a_body_that_is_too_long_is_not_read_to_its_end
        }
    };
    ($open:path: $($case:ident)*) => {
        $(
            #[test]
            fn $case() {
                $crate::shop::run(async { $crate::cases::$case($open().await).await });
            }
        )*
    };
}
pub(crate) use each_case;

async fn start(shop: &Shop) -> Started {
    Started::by(&shop.get("/auth/github", &[]).await)
}

fn assert_signed_in(response: &Response<bytes::Bytes>, purpose: &str) {
    assert_eq!((response.status().as_u16(), page(response)), (200, "signed in"), "{response:?}");
    assert_eq!((text(response, "x-purpose"), text(response, "cache-control")), (purpose, "no-store"));
}

pub async fn a_login_start_redirects_to_the_provider(shop: Shop) {
    let response = shop.get("/auth/github?return_to=/cart", &[]).await;
    assert_eq!(response.status(), 303);
    assert!(text(&response, "location").starts_with("https://github.com/login/oauth/authorize?"));
    assert!(text(&response, "location").contains("&code_challenge_method=S256"));
    assert!(text(&response, "set-cookie").contains("HttpOnly"));
    assert_eq!(text(&response, "cache-control"), "no-store");
}

pub async fn a_callback_signs_in(shop: Shop) {
    let started = start(&shop).await;
    let response = shop.callback(&started, &[("x-probe", "seven")]).await;
    assert_signed_in(&response, "login");
    assert_eq!(text(&response, "x-seen"), "seven");
}

pub async fn a_callback_counts_once(shop: Shop) {
    let started = start(&shop).await;
    assert_signed_in(&shop.callback(&started, &[]).await, "login");
    let again = shop.callback(&started, &[]).await;
    assert_eq!((again.status().as_u16(), shop.last_event().as_str()), (303, "already_used"));
    assert!(text(&again, "location").starts_with("../github?again="));
}

pub async fn a_callback_in_another_browser_is_not_accepted(shop: Shop) {
    let started = start(&shop).await;
    let without = shop.callback(&Started { cookie: String::new(), state: started.state.clone() }, &[]).await;
    assert_eq!((without.status().as_u16(), shop.last_event().as_str()), (303, "cookie_missing"));
    let another = start(&shop).await;
    let with_its_own = shop.callback(&Started { cookie: another.cookie, state: started.state.clone() }, &[]).await;
    assert_eq!((with_its_own.status().as_u16(), shop.last_event().as_str()), (400, "other_browser"));
    // Neither of them used up the login.
    assert_signed_in(&shop.callback(&started, &[]).await, "login");
}

pub async fn a_form_post_is_read(shop: Shop) {
    let started = Started::by(&shop.get("/auth/apple", &[]).await);
    let form = format!("code=abc&state={}", started.state);
    let (first, rest) = form.split_at(form.len() / 2);
    let headers = [("cookie", started.cookie.as_str()), ("x-probe", "seven")];
    let response = shop.post("/auth/apple/callback", &headers, SentBody::in_frames([first, rest])).await;
    assert_signed_in(&response, "login");
    assert_eq!(text(&response, "x-seen"), "seven");
}

pub async fn a_login_start_by_post_is_not_allowed(shop: Shop) {
    let response = shop.post("/auth/github", &[], SentBody::of("")).await;
    assert_eq!((response.status().as_u16(), text(&response, "allow")), (405, "GET,HEAD"));
    let response = shop.send(Method::DELETE, "/auth/github/callback", &[], SentBody::of("")).await;
    assert_eq!((response.status().as_u16(), text(&response, "allow")), (405, "GET,HEAD,POST"));
}

pub async fn an_unknown_path_is_not_found(shop: Shop) {
    for path in ["/auth/gitlab", "/auth/github/callback/more", "/auth/"] {
        assert_eq!(shop.get(path, &[]).await.status(), 404, "{path}");
    }
}

pub async fn a_failed_exchange_gets_a_page(shop: Shop) {
    let started = start(&shop).await;
    let address = format!("/auth/github/callback?code=refused&state={}", started.state);
    let response = shop.get(&address, &[("cookie", &started.cookie)]).await;
    assert_eq!(response.status(), 500);
    assert!(page(&response).contains("try again") && !page(&response).contains("5up3r"), "{response:?}");
    assert_eq!(text(&response, "cache-control"), "no-store");
}

pub async fn a_session_store_that_is_down_consumes_nothing(shop: Shop) {
    let started = start(&shop).await;
    let response = shop.callback(&started, &[("x-user", "store-down")]).await;
    assert_eq!((response.status().as_u16(), shop.last_event().as_str()), (503, "hook_failed"));
    assert!(
        page(&response).contains("<a href=\"/auth/github\"") && !page(&response).contains("10.0.0.7"),
        "{response:?}"
    );
    assert_signed_in(&shop.callback(&started, &[]).await, "login");
}

pub async fn a_signed_in_user_links_an_identity(shop: Shop) {
    let without_user = shop.link(&[]).await;
    assert_eq!(without_user.status(), 401);
    let ann = [("x-user", "ann"), ("x-probe", "seven")];
    let started = Started::by(&shop.link(&ann).await);
    let response = shop.callback(&started, &ann).await;
    assert_signed_in(&response, "link");
    assert_eq!((text(&response, "x-signed-in"), text(&response, "x-seen")), ("ann", "seven"));
}

pub async fn a_link_is_refused_to_another_user(shop: Shop) {
    let started = Started::by(&shop.link(&[("x-user", "ann")]).await);
    let response = shop.callback(&started, &[("x-user", "bob")]).await;
    assert_eq!((response.status().as_u16(), shop.last_event().as_str()), (400, "other_user"));
}

pub async fn a_body_that_is_too_long_is_not_read_to_its_end(shop: Shop) {
    let started = Started::by(&shop.get("/auth/apple", &[]).await);
    // The response arrives although the body never ends.
    let response =
        shop.post("/auth/apple/callback", &[("cookie", &started.cookie)], SentBody::Unending { sent: 0 }).await;
    assert_eq!((response.status().as_u16(), shop.last_event().as_str()), (400, "too_long"));
}
