//! Linking an identity and stepping up, over HTTP: only for the signed-in user, only from the site's own pages, never
//! automatically, and at the callback address of logins.

use std::time::Duration;

use http::Request;
use oauth_state::{Flow, Provider, testing};
use oauth_state_axum::LoginRoutes;
use support::shop::{CountingGuard, NOW, app};

use crate::routes::{Visitor, at_shop, server, server_of};

const WITH_USER: [(&str, &str); 2] = [("link", "link"), ("reauthenticate", "reauthenticate")];

#[test]
fn one_callback_address_serves_login_link_and_reauthenticate() {
    let (server, mut ann) = (server(), Visitor::default());
    let login = ann.get(&server, "/auth/github").state();
    assert_eq!(ann.callback(&server, "github", &login).header("x-purpose"), "login");
    ann.user = Some("ann");
    for (route, purpose) in WITH_USER {
        let state = ann.post_from_own_page(&server, &format!("/auth/github/{route}?return_to=/settings")).state();
        let done = ann.callback(&server, "github", &state);
        assert_eq!(
            (done.header("x-purpose"), done.header("x-user"), done.header("x-path")),
            (purpose, "ann", "/settings")
        );
    }
    // A signed-in user may sign in again.
    let again = ann.get(&server, "/auth/github").state();
    assert_eq!(ann.callback(&server, "github", &again).header("x-purpose"), "login");
}

/// The identity is linked to the account that started the link, not to the user who is signed in at the callback.
#[test]
fn a_link_is_finished_by_its_own_user_only() {
    let server = server();
    for (route, purpose) in WITH_USER {
        let mut ann = Visitor::signed_in("ann");
        let state = ann.post_from_own_page(&server, &format!("/auth/github/{route}")).state();
        let calls = server.guard.calls();
        for user in [Some("bob"), None] {
            ann.user = user;
            let refused = ann.callback(&server, "github", &state);
            assert_eq!((refused.status.as_u16(), refused.header("location")), (400, ""));
            assert!(refused.text.contains("This sign-in could not be completed."));
        }
        assert_eq!(server.guard.calls(), calls, "Ann's login is not used up");
        ann.user = Some("ann");
        assert_eq!(ann.callback(&server, "github", &state).header("x-purpose"), purpose);
    }
    assert!(server.told.lock().unwrap().iter().all(|code| code == "other_user"));
}

#[test]
fn a_link_begins_for_a_signed_in_user_from_a_post_of_the_site_s_own_pages_alone() {
    let server = server();
    for (route, _) in WITH_USER {
        let uri = format!("/auth/github/{route}");
        let mut nobody = Visitor::default();
        assert_eq!(nobody.post_from_own_page(&server, &uri).status, 401);
        let mut ann = Visitor::signed_in("ann");
        assert_eq!(ann.get(&server, &uri).status, 405);
        assert_eq!(ann.send(&server, Request::post(&uri), "").status, 400);
        for origin in ["https://evil.example", "null", "http://shop.example"] {
            let refused = ann.send(&server, Request::post(&uri).header("origin", origin), "");
            assert_eq!((refused.status.as_u16(), refused.header("set-cookie")), (400, ""), "{origin}");
        }
        let own = Request::post(&uri).header("origin", "null").header("sec-fetch-site", "same-origin");
        assert!(ann.send(&server, own, "").state().starts_with("ost1"));
    }
}

#[test]
fn a_link_never_begins_again_by_itself() {
    let server = server();
    for (route, _) in WITH_USER {
        let mut ann = Visitor::signed_in("ann");
        let state = ann.post_from_own_page(&server, &format!("/auth/github/{route}?return_to=/settings")).state();
        server.clock.advance(Duration::from_secs(700));
        let page = ann.callback(&server, "github", &state);
        assert_eq!((page.status.as_u16(), page.header("location")), (400, ""));
        assert!(page.text.contains("took too long") && page.text.contains("href=\"/settings\""), "{}", page.text);
        // A missing cookie does not restart it either, and then there is no path.
        let state = ann.post_from_own_page(&server, &format!("/auth/github/{route}?return_to=/settings")).state();
        ann.jar.clear();
        let page = ann.callback(&server, "github", &state);
        assert_eq!((page.status.as_u16(), page.header("location")), (400, ""));
        assert!(page.text.contains("href=\"/home\"") && !page.text.contains("/settings"), "{}", page.text);
    }
}

/// A flow that does not accept the purpose has no such route.
#[test]
fn a_flow_for_logins_alone_links_nothing() {
    let (clock, guard) = (testing::ManualClock::at(NOW), CountingGuard::new());
    let flow = Flow::builder(app(), testing::ring(), guard.clone()).provider(at_shop(Provider::github()));
    let server = server_of(flow, &clock, &guard, |flow| {
        LoginRoutes::builder(flow)
            .signed_in_user(|_| async { Ok(Some(b"ann".to_vec())) })
            .on_login(|_, _| async { Ok(()) })
    });
    for (route, _) in WITH_USER {
        assert_eq!(Visitor::default().post_from_own_page(&server, &format!("/auth/github/{route}")).status, 404);
    }
}
