//! Attacks on the axum router by third parties, and the data that a restarted login keeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http::Request;
use oauth_state::testing::{ManualClock, ring};
use oauth_state::{Flow, Provider};
use oauth_state_axum::{LoginRequest, LoginRoutes, Site};
use support::shop::{CountingGuard, NOW, app, block_on};
use tower::ServiceExt;

use crate::routes::{Visitor, at_shop, form_encoded, reposting, server, server_of, server_with};

/// One link that would make a browser sign in again and again, at a provider that never asks the user.
#[test]
fn no_return_path_leads_back_to_these_routes() {
    let (server, mut ann) = (server(), Visitor::default());
    for own in ["/auth/github?return_to=/auth/github", "/auth/x/callback", "/auth/apple/link", "/AUTH/x/", "/auth/%78"]
    {
        let state = ann.get(&server, &format!("/auth/github?return_to={}", form_encoded(own))).state();
        assert_eq!(ann.callback(&server, "github", &state).header("x-path"), "/home", "{own}");
    }
    let state = ann.get(&server, "/auth/github?return_to=/auth/settings").state();
    assert_eq!(ann.callback(&server, "github", &state).header("x-path"), "/auth/settings");
}

/// Garbage from an attacker must not make the service query its session store.
#[test]
fn the_session_is_looked_up_for_authentic_states_alone() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let server = server_with(
        |flow| flow,
        |routes| {
            routes.signed_in_user(move |_| {
                count.fetch_add(1, Ordering::SeqCst);
                async { Ok(None) }
            })
        },
    );
    let mut ann = Visitor::default();
    let state = ann.get(&server, "/auth/github").state();
    assert_eq!(ann.callback(&server, "github", "garbage").status, 400);
    let last = if state.ends_with('A') { 'Q' } else { 'A' };
    assert_eq!(ann.callback(&server, "github", &format!("{}{last}", &state[..state.len() - 1])).status, 400);
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    assert_eq!(ann.callback(&server, "github", &state).status, 200);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

/// A client that never ends its body holds a connection; a time limit of a layer must end the task.
#[test]
fn a_time_limit_ends_the_reading_of_a_body() {
    let server = server();
    let body = Endless(Arc::new(()));
    let held = Arc::downgrade(&body.0);
    let body = Body::new(body);
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let request = Request::post("/auth/github/callback").body(body).unwrap();
        let limit = Duration::from_millis(20);
        assert!(tokio::time::timeout(limit, server.router.clone().oneshot(request)).await.is_err());
        assert!(held.upgrade().is_none(), "the body is no longer read");
    });
}

/// A body that never sends anything.
struct Endless(Arc<()>);

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Pending
    }
}

/// Over HTTP/2 the host comes only as `:authority`.
#[test]
fn a_host_without_a_host_header_is_known_by_the_authority() {
    let server = server();
    let status = |request: http::request::Builder| {
        let request = request.body(Body::empty()).unwrap();
        block_on(server.router.clone().oneshot(request)).unwrap().status().as_u16()
    };
    // A cookie of another host never reaches the callback.
    assert_eq!(status(Request::get("https://other.example/auth/github")), 500);
    assert_eq!(status(Request::get("https://shop.example/auth/github")), 303);
    let link = |uri| Request::post(uri).header("origin", "https://shop.example").header("x-session-user", "ann");
    assert_eq!(status(link("https://shop.example/auth/github/link")), 200);
    assert_eq!(status(link("https://other.example/auth/github/link")), 400);
}

/// An invitation must survive a login that took too long, whatever the callback's query says.
#[test]
fn a_login_that_begins_again_by_itself_keeps_its_data() {
    let (clock, guard) = (ManualClock::at(NOW), CountingGuard::new());
    let flow = Flow::builder(app(), ring(), guard.clone()).clock(clock.clone()).provider(at_shop(Provider::github()));
    let server = server_of(flow.carrying::<String>(), &clock, &guard, |flow| {
        let invitation =
            |request: LoginRequest| async move { Ok(request.query("invitation").unwrap_or("none".to_owned())) };
        LoginRoutes::builder_with_data(flow, invitation).on_login(|login, _| async move { Ok(login.data) })
    });
    let mut ann = Visitor::default();
    let state = ann.get(&server, "/auth/github?invitation=team-7").state();
    server.clock.advance(Duration::from_secs(700));
    let expired = ann.get(&server, &format!("/auth/github/callback?code=c&state={state}&invitation=another"));
    let again = ann.restart(&server, &expired).state();
    assert_eq!(ann.callback(&server, "github", &again).text, "team-7");
    // Also after a double click.
    let state = ann.get(&server, "/auth/github?invitation=team-8").state();
    assert_eq!(ann.callback(&server, "github", &state).text, "team-8");
    let used = ann.callback(&server, "github", &state);
    let again = ann.restart(&server, &used).state();
    assert_eq!(ann.callback(&server, "github", &again).text, "team-8");
    // A browser without the cookie may not be the invited one.
    let state = ann.get(&server, "/auth/github?invitation=team-7").state();
    let mut other = Visitor::default();
    let refused = other.callback(&server, "github", &state);
    let again = other.restart(&server, &refused).state();
    assert_eq!(other.callback(&server, "github", &again).text, "none");
}

/// Rate limits, captchas and kill switches are in front of the login start. A restart in the callback's own response
/// would bypass them each time the address is opened, as long as the key opens the state.
#[test]
fn a_refused_state_starts_no_login_at_the_callback_however_often_it_comes() {
    let server = server();
    let state = Visitor::default().get(&server, "/auth/github?return_to=/cart").state();
    // Live, expired, and in the last second of `lifetime_cap` after its expiry.
    for (pass, seconds) in [("live", 0), ("expired", 700), ("the last second", 3_499)] {
        server.clock.advance(Duration::from_secs(seconds));
        for _ in 0..20 {
            let refused = Visitor::default().callback(&server, "github", &state);
            let login_start = refused.login_start("/auth/github/callback");
            assert_eq!(login_start, format!("/auth/github?again={state}"), "{pass}");
        }
    }
    for seconds in [1, 5 * 86_400] {
        server.clock.advance(Duration::from_secs(seconds));
        let refused = Visitor::default().callback(&server, "github", &state);
        assert_eq!((refused.status.as_u16(), refused.header("location"), refused.header("set-cookie")), (400, "", ""));
        // The login start ignores a token that is too old.
        let mut ann = Visitor::default();
        let fresh = ann.get(&server, &format!("/auth/github?again={state}")).state();
        assert_eq!(ann.callback(&server, "github", &fresh).header("x-path"), "/home");
    }
    assert_eq!(server.guard.calls(), 2, "only the two new logins asked the guard");
}

/// A nesting router or a proxy removes the prefix of the path, and no redirect_uri may show it.
#[test]
fn a_restart_leads_to_the_login_start_next_to_the_callback_that_was_opened() {
    let (clock, guard) = (ManualClock::at(NOW), CountingGuard::new());
    let x = Provider::x().client_id("client").redirect_uri("https://shop.example/app/auth/x/callback");
    let flow = Flow::builder(app(), ring(), guard.clone()).clock(clock.clone()).provider(x);
    let mut server =
        server_of(flow, &clock, &guard, |flow| LoginRoutes::builder(flow).on_login(|_, _| async { Ok("signed in") }));
    server.router = axum::Router::new().nest("/app", server.router);
    let mut ann = Visitor::default();
    let state = ann.get(&server, "/app/auth/x").state();
    server.clock.advance(Duration::from_secs(700));
    let callback = format!("/app/auth/x/callback?code=c&state={state}");
    let login_start = ann.get(&server, &callback).login_start(&callback);
    assert_eq!(login_start, format!("/app/auth/x?again={state}"));
    let again = ann.get(&server, &login_start).state();
    assert_eq!(ann.get(&server, &format!("/app/auth/x/callback?code=c&state={again}")).text, "signed in");
}

/// A chain of tokens would keep a login's data for ever.
#[test]
fn a_restarted_login_continues_no_further_login() {
    let (server, mut ann) = (server(), Visitor::default());
    let first = ann.get(&server, "/auth/github?return_to=/cart").state();
    let second = ann.get(&server, &format!("/auth/github?again={first}")).state();
    assert_eq!(ann.callback(&server, "github", &second).header("x-path"), "/cart");
    let third = ann.get(&server, &format!("/auth/github?again={second}")).state();
    assert_eq!(ann.callback(&server, "github", &third).header("x-path"), "/home");
}

/// A token is only a hint: anyone can put one into a link.
#[test]
fn a_token_of_another_browser_user_or_purpose_changes_nothing_but_the_count() {
    let (server, mut mallory, mut ann) = (server(), Visitor::default(), Visitor::signed_in("ann"));
    let of_mallory = mallory.get(&server, "/auth/github?return_to=/mallory").state();
    let link = ann.post_from_own_page(&server, "/auth/github/link?return_to=/settings").state();
    let of_x = ann.get(&server, "/auth/x?return_to=/x").state();
    for token in [of_mallory.as_str(), link.as_str(), of_x.as_str(), "garbage", "", "%00"] {
        let state = ann.get(&server, &format!("/auth/github?again={token}")).state();
        let done = ann.callback(&server, "github", &state);
        assert_eq!((done.header("x-purpose"), done.header("x-path")), ("login", "/home"), "{token}");
    }
    // A login's token does not turn a link into a login either.
    let own = ann.get(&server, "/auth/github?return_to=/cart").state();
    let state = ann.post_from_own_page(&server, &format!("/auth/github/link?again={own}")).state();
    assert_eq!(ann.callback(&server, "github", &state).header("x-purpose"), "link");
}

/// The re-post page turns another site's POST into one from this site; it must not also turn it into a restart.
#[test]
fn a_cross_site_post_does_not_restart_after_the_page_that_posts_it_once_more() {
    let server = server_with(|flow| flow.provider(reposting()), |routes| routes);
    let state = Visitor::default().get(&server, "/auth/acme").state();
    let form = format!("code=c&state={state}");
    let mut victim = Visitor::default();
    for late in [false, true] {
        let first = Request::post("/auth/acme/callback").header("origin", "https://evil.example");
        let page = victim.send(&server, first.header("sec-fetch-site", "cross-site"), &form);
        assert_eq!(page.status.as_u16(), if late { 400 } else { 200 });
        let own = [Some("same-origin"), None].map(|site| {
            let post = Request::post("/auth/acme/callback").header("origin", "https://shop.example");
            site.into_iter().fold(post, |post, site| post.header("sec-fetch-site", site))
        });
        for second in own {
            let refused = victim.send(&server, second, &format!("{form}&oauth_state_reposted=1"));
            assert_eq!((refused.status.as_u16(), refused.header("location")), (400, ""), "{}", refused.text);
            assert!(refused.text.contains("href=\"/auth/acme\"") && victim.jar.is_empty());
        }
        server.clock.advance(Duration::from_secs(700));
    }
}

/// Two prefixes of one path, as behind two proxies: a link through either would start login after login.
#[test]
fn no_return_path_leads_back_to_these_routes_under_any_registered_prefix() {
    let (clock, guard) = (ManualClock::at(NOW), CountingGuard::new());
    let github = [("one", "/one"), ("two", "/two/2"), ("bare", "")].into_iter().fold(
        Provider::github().client_id("client"),
        |github, (id, front)| {
            github.named_redirect_uri(id, &format!("https://shop.example{front}/auth/github/callback"))
        },
    );
    let flow = Flow::builder(app(), ring(), guard.clone()).clock(clock.clone()).provider(github);
    let server = server_of(flow.provider(at_shop(Provider::x())), &clock, &guard, |flow| {
        let of_front = |request: LoginRequest| async move {
            Ok(Site::default().with_redirect(&request.query("front").unwrap_or("bare".to_owned())))
        };
        let routes = LoginRoutes::builder(flow).site(of_front);
        routes.on_login(
            |login, _| async move { Ok(login.origin.return_to.map_or("-".to_owned(), |path| path.to_string())) },
        )
    });
    let mut ann = Visitor::default();
    for front in ["", "/one", "/two/2", "/TWO/2", "/%6fne"] {
        // A provider with a redirect_uri behind one prefix is also behind the others.
        for own in
            ["/auth/github", "/auth/github/callback", "/auth/github/link", "/auth/x", "/auth/x/reauthenticate?a=b"]
        {
            let wanted = form_encoded(&format!("{front}{own}"));
            let state = ann.get(&server, &format!("/auth/github?return_to={wanted}")).state();
            assert_eq!(ann.callback(&server, "github", &state).text, "-", "{front}{own}");
        }
    }
    let state = ann.get(&server, "/auth/github?return_to=/three/auth/github").state();
    assert_eq!(ann.callback(&server, "github", &state).text, "/three/auth/github");
}

/// Another site posts a form to the callback repeatedly: no cookie of this browser is sent, and none may remain.
#[test]
fn posts_of_another_site_leave_no_cookies() {
    let server = server();
    let live = ["/auth/github", "/auth/apple"].map(|begin| Visitor::default().get(&server, begin).state());
    for late in [false, true] {
        for (provider, state) in ["github", "apple"].iter().zip(&live) {
            let post = Request::post(format!("/auth/{provider}/callback"))
                .header("origin", "https://evil.example")
                .header("sec-fetch-site", "cross-site")
                .header("sec-fetch-mode", "navigate")
                .header("sec-fetch-dest", "document");
            let page = Visitor::default().send(&server, post, &format!("code=c&state={state}"));
            assert_eq!((page.status.as_u16(), page.header("set-cookie")), (400, ""), "{provider} {late}");
            assert!(page.text.contains(&format!("href=\"/auth/{provider}\"")));
        }
        server.clock.advance(Duration::from_secs(100_000));
    }
}
