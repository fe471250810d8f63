//! Callbacks that are handed over to a native app, which finishes the login with the secret that it keeps.

use oauth_state::testing::{ManualClock, block_on, ring};
use oauth_state::{Binding, Callback, Expect, Flow, Login, LoginOutcome, Provider};
use oauth_state_axum::{LoginRoutes, RoutesError};
use support::shop::{CountingGuard, NOW, app};

use crate::routes::{Server, Visitor, server_of};

const CALLBACK: &str = "https://shop.example/auth/github/callback";

fn service() -> (Server, Flow) {
    let (clock, guard) = (ManualClock::at(NOW), CountingGuard::new());
    let github = Provider::github()
        .client_id("client")
        .redirect_uri(CALLBACK)
        .named_redirect_uri("app", CALLBACK)
        .named_redirect_uri("tv", CALLBACK);
    let flow = Flow::builder(app(), ring(), guard.clone()).clock(clock.clone()).provider(github);
    let mut shared = None;
    let server = server_of(flow, &clock, &guard, |flow| {
        shared = Some(flow.clone());
        LoginRoutes::builder(flow)
            .hand_over("app", "com.shop.app:/signed-in")
            .on_login(|_, _| async { Ok("signed in on the web") })
    });
    (server, shared.unwrap())
}

#[test]
fn a_callback_of_the_app_is_handed_over_unused_and_finished_with_the_app_s_secret_alone() {
    let (server, flow) = service();
    let begun = flow.begin(Binding::new_login_secret(), Login::with("github").redirect("app")).unwrap();
    let callback = format!(
        "/auth/github/callback?code=c%22%3C&state={}&iss=https%3A%2F%2Fgithub.com%2Flogin%2Foauth",
        begun.state
    );
    let page = Visitor::default().get(&server, &callback);
    assert_eq!(
        (page.status.as_u16(), page.header("referrer-policy"), page.header("cache-control")),
        (200, "no-referrer", "no-store")
    );
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    let (_, link) = page.text.split_once("<a href=\"").unwrap();
    let link = link.split('"').next().unwrap().replace("&amp;", "&");
    assert!(page.text.contains("http-equiv=\"refresh\"") && !link.contains('<'));
    let query = link.strip_prefix("com.shop.app:/signed-in?").unwrap();
    assert_eq!(server.guard.calls(), 0);

    // Another app that claimed the link has no secret of this login.
    let finish = |secret: &str| {
        let expect = Expect::provider("github").redirect("app");
        block_on(flow.finish(Binding::login_secret(secret).unwrap(), expect, Callback::from_query(query).unwrap()))
    };
    let other = flow.begin(Binding::new_login_secret(), Login::with("github").redirect("app")).unwrap();
    assert_eq!(finish(&other.login_secret.unwrap()).unwrap_err().code(), "other_client");
    let LoginOutcome::Authorized(login) = finish(&begun.login_secret.unwrap()).unwrap() else { panic!("denied") };
    assert_eq!(login.code.secret(), "c\"<");
}

/// Mix-up (RFC 9700 section 4.4): a hostile provider redirects the browser to an honest one, with its own state and the
/// honest redirect_uri. The code that arrives there would be exchanged at the hostile provider.
#[test]
fn a_callback_at_another_provider_s_address_is_not_handed_over() {
    let (clock, guard) = (ManualClock::at(NOW), CountingGuard::new());
    let with_app = |provider: Provider| {
        let uri = format!("https://shop.example/auth/{}/callback", provider.id());
        provider.client_id("client").redirect_uri(&uri).named_redirect_uri("app", &uri)
    };
    let hostile = Provider::custom("hostile").unwrap().authorization_endpoint("https://hostile.example/authorize");
    let flow = Flow::builder(app(), ring(), guard.clone()).clock(clock.clone());
    let mut shared = None;
    let flow = flow.provider(with_app(Provider::github())).provider(with_app(hostile));
    let server = server_of(flow, &clock, &guard, |flow| {
        shared = Some(flow.clone());
        LoginRoutes::builder(flow).hand_over("app", "com.shop.app:/signed-in").on_login(|_, _| async { Ok("web") })
    });
    let begun = shared.unwrap().begin(Binding::new_login_secret(), Login::with("hostile").redirect("app")).unwrap();
    let page = Visitor::default().callback(&server, "github", &begun.state);
    assert!(page.status == 400 && !page.text.contains("com.shop.app"), "{}", page.text);
    assert!(Visitor::default().callback(&server, "hostile", &begun.state).text.contains("com.shop.app"));
}

/// A login of the browser would be used up and lost.
#[test]
fn a_login_that_is_bound_to_the_browser_is_not_handed_over() {
    let (server, flow) = service();
    let headers = http::HeaderMap::new();
    let begun = flow.begin(Binding::cookies(&headers), Login::with("github").redirect("app")).unwrap();
    let page = Visitor::default().callback(&server, "github", &begun.state);
    assert!(page.status == 400 && !page.text.contains("com.shop.app"), "{}", page.text);
}

#[test]
fn an_https_link_waits_for_a_click() {
    let (_, flow) = service();
    let routes = LoginRoutes::builder(flow.clone())
        .hand_over("app", "com.shop.app:/")
        .hand_over("app", "https://app.shop.example/in");
    let router = oauth_state_axum::router(routes.on_login(|_, _| async { Ok(()) }).build().unwrap());
    let server =
        Server { router, clock: ManualClock::at(NOW), guard: CountingGuard::new(), told: Server::nothing_told() };
    let begun = flow.begin(Binding::new_login_secret(), Login::with("github").redirect("app")).unwrap();
    let page = Visitor::default().get(&server, &format!("/auth/github/callback?code=a+b&state={}", begun.state));
    assert!(page.text.contains("href=\"https://app.shop.example/in?state=ost1"), "{}", page.text);
    assert!(page.text.contains("&amp;code=a%20b\"") && !page.text.contains("http-equiv=\"refresh\""), "{}", page.text);
}

/// Only an authentic, unexpired state of this redirect id is passed on: otherwise the page would send anything to the
/// app.
#[test]
fn nothing_but_an_authentic_state_of_the_app_s_redirect_id_is_handed_over() {
    let (server, flow) = service();
    let of_app = flow.begin(Binding::new_login_secret(), Login::with("github").redirect("app")).unwrap().state;
    let mut ann = Visitor::default();
    let of_web = ann.get(&server, "/auth/github").state();
    assert_eq!(ann.callback(&server, "github", &of_web).text, "signed in on the web");
    // Another client of the service, whose callbacks are not handed over.
    let of_tv = flow.begin(Binding::new_login_secret(), Login::with("github").redirect("tv")).unwrap().state;
    let page = ann.callback(&server, "github", &of_tv);
    assert!(page.status == 400 && !page.text.contains("com.shop.app"), "{}", page.text);
    let last = if of_app.ends_with('A') { 'Q' } else { 'A' };
    let forged = format!("{}{last}", &of_app[..of_app.len() - 1]);
    assert_eq!(ann.callback(&server, "github", &forged).status, 400);
    server.clock.advance(std::time::Duration::from_secs(700));
    let late = ann.callback(&server, "github", &of_app);
    assert!(late.status == 400 && !late.text.contains("com.shop.app"), "{}", late.text);
}

#[test]
fn a_link_that_opens_no_app_does_not_build() {
    let (_, flow) = service();
    let build = |redirect: &str, link: &str| {
        let routes = LoginRoutes::builder(flow.clone()).hand_over(redirect, link);
        routes.on_login(|_, _| async { Ok(()) }).build().unwrap_err()
    };
    for link in [
        "blob:https://shop.example/x",
        "file:///x",
        "about:blank",
        "view-source:https://shop.example/",
        "https:relative",
        "https:///path",
        "https://shop.example/auth/github/callback",
        "https://shop.example/auth/github/callback?app=1",
        "javascript:alert(1)",
        "JAVASCRIPT:x",
        "data:text/html,x",
        "http://shop.example/",
        "/path",
        "",
        "a b:/",
        "app:/#x",
        "app:/\n",
    ] {
        assert_eq!(build("app", link), RoutesError::AppLink, "{link}");
    }
    assert_eq!(build("watch", "com.shop.app:/"), RoutesError::UnknownRedirect("watch".to_owned()));
}
