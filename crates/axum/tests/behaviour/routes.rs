//! The application's shop behind the axum router, and a browser that follows it over HTTP.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::response::Redirect;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use oauth_state::error::UrlError;
use oauth_state::observe::{Event, Observer, Observers};
use oauth_state::provider::ResponseMode;
use oauth_state::testing::{ManualClock, ring};
use oauth_state::{Flow, FlowBuilder, Provider, Purpose, ReturnTo};
use oauth_state_axum::{Axum, LoginRoutes, RoutesBuilder, RoutesError, Site};
use support::shop::{CountingGuard, NOW, app, block_on};
use tower::ServiceExt;

/// One server. Two of them share the guard and the clock, as they would a store.
pub struct Server {
    pub router: Router,
    pub clock: ManualClock,
    pub guard: CountingGuard,
    /// What the hooks were told.
    pub told: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// The record of a server whose hooks were not called yet.
    pub fn nothing_told() -> Arc<Mutex<Vec<String>>> {
        Arc::default()
    }
}

/// The user that the session of a browser names; the stand-in of a session.
fn user(headers: &HeaderMap) -> Option<Vec<u8>> {
    headers.get("x-session-user").map(|value| value.as_bytes().to_vec())
}

pub fn builder(clock: &ManualClock, guard: &CountingGuard) -> RoutesBuilder<Axum, ()> {
    let flow = Flow::builder(app(), ring(), guard.clone()).clock(clock.clone());
    let flow = [Purpose::Login, Purpose::Link, Purpose::Reauthenticate].into_iter().fold(flow, FlowBuilder::purpose);
    LoginRoutes::builder(flow)
        .provider_with_url(Provider::github().redirect_uri("https://shop.example/auth/github/callback"), |begun| {
            format!("https://github.com/login/oauth/authorize?state={}", begun.state)
        })
        .provider_with_url(Provider::apple(), |begun| {
            format!("https://appleid.apple.com/auth/authorize?state={}", begun.state)
        })
        .provider_with_url(Provider::x(), |begun| format!("https://x.com/i/oauth2/authorize?state={}", begun.state))
        .default_return_to("/home".parse::<ReturnTo>().unwrap())
        .signed_in_user(|request| async move { user(&request.headers) })
        .on_login(|login, request| async move {
            let who = user(&request.headers).map_or("-".to_owned(), |user| String::from_utf8(user).unwrap());
            let path = login.origin.return_to.map_or("/home".to_owned(), |path| path.to_string());
            [("x-purpose", login.origin.purpose.to_string()), ("x-user", who), ("x-path", path)]
        })
        .on_step_up(|login, request| async move {
            let who = user(&request.headers).map_or("-".to_owned(), |user| String::from_utf8(user).unwrap());
            let origin = login.dangerously_confirm_without_auth_time().origin;
            let path = origin.return_to.map_or("/home".to_owned(), |path| path.to_string());
            [("x-purpose", origin.purpose.to_string()), ("x-user", who), ("x-path", path)]
        })
}

pub fn server() -> Server {
    server_with(Ok)
}

pub fn server_with(
    configure: impl FnOnce(RoutesBuilder<Axum, ()>) -> Result<RoutesBuilder<Axum, ()>, RoutesError>,
) -> Server {
    let (clock, guard, told) = (ManualClock::at(NOW), CountingGuard::new(), Arc::<Mutex<Vec<String>>>::default());
    let (errors, begins) = (Arc::clone(&told), Arc::clone(&told));
    let routes = configure(builder(&clock, &guard)).unwrap();
    let routes = routes.on_error(move |error| errors.lock().unwrap().push(error.code().to_owned()));
    let routes = routes.on_begin_error(move |error| begins.lock().unwrap().push(error.to_string()));
    Server { router: oauth_state_axum::router(routes.build().unwrap()), clock, guard, told }
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where the redirect of a refused callback leads a browser that opened this path.
    pub fn login_start(&self, callback: &str) -> String {
        assert_eq!((self.status.as_u16(), self.header("set-cookie")), (303, ""), "{}", self.text);
        assert_eq!((self.header("cache-control"), self.header("referrer-policy")), ("no-store", "no-referrer"));
        assert!(!format!("{:?}", self.headers).contains("ost1"), "the state shows in a `Debug` of the headers");
        let here = url::Url::parse("https://shop.example").unwrap().join(callback).unwrap();
        let login_start = here.join(self.header("location")).unwrap();
        assert_eq!(login_start.origin(), here.origin());
        assert!(login_start.query().is_some_and(|query| query.starts_with("again=ost1")), "{login_start}");
        login_start[url::Position::BeforePath..].to_owned()
    }

    /// The state in the redirect to the provider.
    pub fn state(&self) -> String {
        assert_eq!(self.status, 303, "{}", self.text);
        self.header("location").split_once("state=").expect("a redirect to the provider").1.to_owned()
    }
}

/// A browser with a jar, perhaps of somebody who is signed in.
#[derive(Clone, Default)]
pub struct Visitor {
    pub jar: Vec<String>,
    pub user: Option<&'static str>,
    /// Keeps no cookie that it is given.
    pub blocks_cookies: bool,
}

impl Visitor {
    pub fn signed_in(user: &'static str) -> Self {
        Self { user: Some(user), ..Self::default() }
    }

    pub fn get(&mut self, server: &Server, uri: &str) -> Answer {
        self.send(server, Request::get(uri), "")
    }

    /// A POST of the site's own page.
    pub fn post_from_own_page(&mut self, server: &Server, uri: &str) -> Answer {
        self.send(server, Request::post(uri).header("origin", "https://shop.example"), "")
    }

    pub fn callback(&mut self, server: &Server, provider: &str, state: &str) -> Answer {
        self.get(server, &format!("/auth/{provider}/callback?code=c&state={state}"))
    }

    /// Follows the redirect of a refused callback at `/auth` to the login start, which sets the cookie and leads to the provider.
    pub fn restart(&mut self, server: &Server, refused: &Answer) -> Answer {
        let login_start = refused.login_start("/auth/any/callback");
        self.get(server, &login_start)
    }

    pub fn send(&mut self, server: &Server, request: http::request::Builder, body: &str) -> Answer {
        self.send_to(server, "shop.example", request, body)
    }

    pub fn send_to(&mut self, server: &Server, host: &str, request: http::request::Builder, body: &str) -> Answer {
        let mut request = request.header("host", host);
        if !self.jar.is_empty() {
            request = request.header("cookie", self.jar.join("; "));
        }
        if let Some(user) = self.user {
            request = request.header("x-session-user", user);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let answer = block_on(async {
            let (parts, body) = server.router.clone().oneshot(request).await.unwrap().into_parts();
            let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
            Answer { status: parts.status, headers: parts.headers, text }
        });
        if let Some(set) = answer.headers.get("set-cookie").filter(|_| !self.blocks_cookies) {
            let cookie = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            self.jar.retain(|known| known.split('=').next() != cookie.split('=').next());
            self.jar.push(cookie);
        }
        answer
    }
}

#[test]
fn a_login_is_mounted_and_every_answer_is_kept_out_of_caches_and_referrers() {
    let (server, mut ann) = (server(), Visitor::default());
    let begun = ann.get(&server, "/auth/github?return_to=/cart");
    let done = ann.callback(&server, "github", &begun.state());
    assert_eq!((done.status.as_u16(), done.header("x-purpose"), done.header("x-path")), (200, "login", "/cart"));
    let refused = ann.get(&server, "/auth/github/callback");
    let not_begun = ann.send(&server, Request::get("/auth/github").header("sec-fetch-mode", "cors"), "");
    for answer in [&begun, &done, &refused, &not_begun] {
        assert_eq!((answer.header("cache-control"), answer.header("referrer-policy")), ("no-store", "no-referrer"));
    }
    assert_eq!((refused.status.as_u16(), not_begun.status.as_u16()), (400, 400));
}

#[test]
fn a_form_post_callback_is_taken_from_the_body_alone() {
    let (server, mut ann) = (server(), Visitor::default());
    let state = ann.get(&server, "/auth/apple").state();
    let uri = format!("/auth/apple/callback?code=c&state={state}");
    assert_eq!(ann.send(&server, Request::post(&uri), "").status, 400);
    // Whatever reads the address would take these for the callback's. The body is good.
    let form = format!("code=c&state={state}&user=%7B%7D");
    for query in [
        "code=other&state=x&iss=evil",
        "code",
        "%63ode=x",
        "Code=x",
        "state=",
        "iss=https://evil.example",
        "error=x",
        "a=1&error_description=x",
        "response=x",
        "id_token=x",
        "user=x",
        "oauth_state_reposted=1",
    ] {
        let refused = ann.send(&server, Request::post(format!("/auth/apple/callback?{query}")), &form);
        assert_eq!((refused.status.as_u16(), refused.header("location")), (400, ""), "{query}");
        assert_eq!(server.told.lock().unwrap().pop().unwrap(), "duplicate_parameter", "{query}");
    }
    assert_eq!(server.guard.calls(), 0);
    // A query of the redirect_uri's own is no second set.
    let done = ann.send(&server, Request::post("/auth/apple/callback?app=shop"), &form);
    assert_eq!((done.status.as_u16(), done.header("x-purpose")), (200, "login"));
}

/// A return path of another site, or of the callback itself, must not travel with the login.
#[test]
fn a_return_path_that_is_none_is_left_out_and_the_login_begins() {
    let server = server();
    for wanted in ["https://evil.example", "//evil.example", "/%5cevil.example", "/auth/github/callback", ""] {
        let mut ann = Visitor::default();
        let wanted: String = form_encoded(wanted);
        let state = ann.get(&server, &format!("/auth/github?return_to={wanted}")).state();
        assert_eq!(ann.callback(&server, "github", &state).header("x-path"), "/home", "{wanted}");
    }
}

pub fn form_encoded(text: &str) -> String {
    serde_urlencoded::to_string([("a", text)]).unwrap().split_off(2)
}

#[test]
fn a_state_that_is_too_long_is_told_before_the_redirect() {
    let (server, mut ann) = (server(), Visitor::default());
    let path = format!("/{}", "p".repeat(600));
    let told = ann.get(&server, &format!("/auth/x?return_to={path}"));
    assert_eq!((told.status.as_u16(), told.header("location")), (400, ""));
    assert!(told.text.contains("is longer than") && !told.text.contains("ppp"));
    let log = server.told.lock().unwrap().join("\n");
    assert!(log.contains("more than the 500 that x takes"), "{log}");
}

#[test]
fn head_and_prefetch_consume_nothing() {
    let (server, mut ann) = (server(), Visitor::default());
    let state = ann.get(&server, "/auth/github").state();
    let uri = format!("/auth/github/callback?code=c&state={state}");
    assert_eq!(ann.send(&server, Request::head(&uri), "").status, 503);
    assert_eq!(ann.send(&server, Request::get(&uri).header("sec-purpose", "prefetch"), "").status, 503);
    assert_eq!(server.guard.calls(), 0);
    assert_eq!(ann.get(&server, &uri).status, 200);
}

#[test]
fn a_provider_s_refusal_gets_a_page_and_names_nothing_that_came() {
    let (server, mut ann) = (server(), Visitor::default());
    let state = ann.get(&server, "/auth/github").state();
    let page = ann.get(
        &server,
        &format!("/auth/github/callback?error=access_denied&error_description=%3Cscript%3Eevil&state={state}"),
    );
    assert_eq!(page.status, 400);
    assert!(page.text.contains("href=\"/auth/github\"") && !page.text.contains("evil"));
}

#[test]
fn routes_that_cannot_work_do_not_build() {
    let (clock, guard) = (ManualClock::at(NOW), CountingGuard::new());
    let error = |routes: RoutesBuilder<Axum, ()>| routes.build().unwrap_err();
    for at in ["/auth/", "/a{b}", "auth", "//auth", "/a/../b", "/a?b", "/*a"] {
        let flow = Flow::builder(app(), ring(), guard.clone());
        let routes = LoginRoutes::builder(flow)
            .mount_at(at)
            .provider_with_url(Provider::google(), |_| "")
            .on_login(|_, _| async {});
        assert_eq!(error(routes), RoutesError::MountPath, "{at}");
    }
    // The redirect_uri would supply the slash that is missing.
    let google = Provider::google().redirect_uri("https://shop.example/auth/google/callback");
    let flow = Flow::builder(app(), ring(), guard.clone());
    let routes =
        LoginRoutes::builder(flow).mount_at("auth").provider_with_url(google, |_| "").on_login(|_, _| async {});
    assert_eq!(error(routes), RoutesError::MountPath);
    // A closure that `each_login` made useless.
    let dropped = LoginRoutes::builder(Flow::builder(app(), ring(), guard.clone()))
        .on_denied(|_, _| async {})
        .each_login(|login, _| login.data(1_u8))
        .provider_with_url(Provider::github(), |_| "")
        .on_login(|_, _| async {});
    assert_eq!(dropped.build().unwrap_err(), RoutesError::RefusalTakenTooEarly);
    let dropped = LoginRoutes::builder(Flow::builder(app(), ring(), guard.clone()))
        .on_denied(|_, _| async {})
        .each_login(|login, _| login.data(1_u8))
        .on_returned(|_, _| async {})
        .provider_with_url(Provider::github(), |_| "")
        .on_login(|_, _| async {});
    assert_eq!(dropped.build().unwrap_err(), RoutesError::RefusalTakenTooEarly);
    // Every path of the site would be a connection's.
    let at_root = LoginRoutes::builder(Flow::builder(app(), ring(), guard.clone()).loads_providers())
        .mount_at("")
        .connections(|_, _| async { Ok(None) })
        .on_login(|_, _| async {});
    assert_eq!(error(at_root), RoutesError::ConnectionsAtRoot);
    assert!(matches!(error(builder(&clock, &guard).mount_at("/login")), RoutesError::RedirectUri { .. }));
    assert!(matches!(
        error(builder(&clock, &guard).provider_with_url(Provider::apple(), |_| "")),
        RoutesError::Flow(_)
    ));
    // Every login start would fail: without a site, no login names one of the addresses.
    let named =
        Provider::github().client_id("id").named_redirect_uri("web", "https://shop.example/auth/github/callback");
    let flow = || Flow::builder(app(), ring(), guard.clone());
    let routes = LoginRoutes::builder(flow()).provider(named.clone()).on_login(|_, _| async {});
    assert_eq!(error(routes), RoutesError::Url(UrlError::NoRedirectUri("github".to_owned())));
    let of_sites = LoginRoutes::builder(flow()).provider(named).on_login(|_, _| async {});
    assert!(of_sites.site(|_| async { Ok(Site::default().with_redirect("web")) }).build().is_ok());
    let empty = LoginRoutes::builder(flow()).on_login(|_, _| async {});
    assert!(matches!(error(empty), RoutesError::Flow(_)));
}

/// Behind a proxy that takes `/app` away, the page's button has to lead to where browsers find begin.
#[test]
fn the_button_leads_to_where_a_browser_finds_begin() {
    let (clock, guard) = (ManualClock::at(NOW), CountingGuard::new());
    let routes = LoginRoutes::builder(Flow::builder(app(), ring(), guard.clone()).clock(clock.clone()))
        .provider_with_url(Provider::google().redirect_uri("https://shop.example/app/auth/google/callback"), |_| "")
        .on_login(|_, _| async { Redirect::to("/") });
    let router = oauth_state_axum::router(routes.build().unwrap());
    let server = Server { router, clock, guard, told: Arc::default() };
    let page = Visitor::default().get(&server, "/auth/google/callback");
    assert!(page.text.contains("href=\"/app/auth/google\""), "{}", page.text);
}

/// The first half of a re-posted callback is no refusal: nobody is told of one, and no login begins again.
#[test]
fn a_callback_that_is_to_be_posted_once_more_is_answered_with_the_page_alone() {
    let acme = || Provider::custom("acme").unwrap().response_mode(ResponseMode::FormPostReposted);
    let server = server_with(|routes| {
        Ok(routes.provider_with_url(acme(), |begun| format!("https://acme.example/authorize?state={}", begun.state)))
    });
    let mut ann = Visitor::default();
    let form = format!("code=c&state={}", ann.get(&server, "/auth/acme").state());
    let post = || Request::post("/auth/acme/callback").header("content-type", "application/x-www-form-urlencoded");

    let page = Visitor::default().send(&server, post(), &form);
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").contains("script-src 'nonce-"));
    assert_eq!((page.header("set-cookie"), server.guard.calls()), ("", 0));
    assert!(server.told.lock().unwrap().is_empty());
    let done = ann.send(&server, post(), &format!("{form}&oauth_state_reposted=1"));
    assert_eq!((done.status.as_u16(), done.header("x-purpose")), (200, "login"));
}

/// A callback that does not parse reaches no flow; the flow's observers hear of it all the same, and once.
#[test]
fn observers_hear_of_a_callback_that_is_none() {
    struct Codes(Arc<Mutex<Vec<&'static str>>>);
    impl Observer for Codes {
        fn event(&self, event: &Event<'_>) {
            if let Event::Refused(refusal) = event {
                self.0.lock().unwrap().push(refusal.code);
            }
        }
    }
    let codes = Arc::<Mutex<Vec<&'static str>>>::default();
    let (clock, guard) = (ManualClock::at(NOW), CountingGuard::new());
    let flow = Flow::builder(app(), ring(), guard.clone()).clock(clock.clone());
    let flow = flow.observers(Observers::default().and(Codes(Arc::clone(&codes))));
    let github = Provider::github().client_id("c").redirect_uri("https://shop.example/auth/github/callback");
    let routes = LoginRoutes::builder(flow).provider(github).on_login(|_, _| async { "signed in" }).build().unwrap();
    let server = Server { router: oauth_state_axum::router(routes), clock, guard, told: Server::nothing_told() };
    for query in ["code=abc", "state=a&state=b", "state=none&code=abc"] {
        Visitor::default().get(&server, &format!("/auth/github/callback?{query}"));
    }
    assert_eq!(*codes.lock().unwrap(), ["missing_state", "duplicate_parameter", "malformed"]);
}
