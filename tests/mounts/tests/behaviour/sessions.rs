//! actix-web: sessions of `actix-session`, opened by a login.

use bytes::Bytes;
use http::Response;

use crate::actix::open;
use crate::shop::{Shop, Started, run, text};

/// The cookie of the session that a sign-in opens.
async fn signed_in(shop: &Shop) -> String {
    let started = Started::by(&shop.get("/auth/github", &[]).await);
    session(&shop.callback(&started, &[]).await)
}

/// A session cookie that a response sets.
fn session(response: &Response<Bytes>) -> String {
    let cookies = response.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    let mut pairs = cookies.filter_map(|cookie| cookie.split(';').next());
    pairs.find(|pair| pair.starts_with("id=")).unwrap().to_owned()
}

#[test]
fn the_user_of_an_actix_session_links_an_identity() {
    run(async {
        let shop = open().await;
        let ann = signed_in(&shop).await;
        let started = Started::by(&shop.link(&[("cookie", &ann)]).await);
        let response = shop.callback(&started, &[("cookie", &ann)]).await;
        assert_eq!((text(&response, "x-purpose"), text(&response, "x-signed-in")), ("link", "ann"));
    });
}

#[test]
fn an_actix_session_of_another_user_does_not_finish_a_link() {
    run(async {
        let shop = open().await;
        let ann = signed_in(&shop).await;
        let started = Started::by(&shop.link(&[("cookie", &ann)]).await);
        let bob = session(&shop.get("/sign-in/bob", &[]).await);
        let response = shop.callback(&started, &[("cookie", &bob)]).await;
        assert_eq!((response.status().as_u16(), shop.last_event().as_str()), (400, "other_user"));
        // A browser without a session has no signed-in user.
        let response = shop.callback(&started, &[]).await;
        assert_eq!((response.status().as_u16(), shop.last_event().as_str()), (400, "other_user"));
    });
}
