//! The application's shop behind the axum router, and a browser that uses it over HTTP.

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
use oauth_state::{Flow, FlowBuilder, LoginData, Provider, Purpose, ReturnTo};
use oauth_state_axum::{Axum, LoginRoutes, RoutesBuilder, RoutesError, Site};
use support::shop::{CountingGuard, NOW, app, block_on};
use tower::ServiceExt;

/// One server. Two of them share the guard and the clock, as they would a store.
pub struct Server {
    pub router: Router,
    pub clock: ManualClock,
    pub guard: CountingGuard,
    /// The calls of the hooks.
    pub told: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// An empty record of hook calls.
    pub fn nothing_told() -> Arc<Mutex<Vec<String>>> {
        Arc::default()
    }
}

/// The signed-in user of a browser, in place of a session.
fn user(headers: &HeaderMap) -> Option<Vec<u8>> {
    headers.get("x-session-user").map(|value| value.as_bytes().to_vec())
}

/// Records the codes of refused callbacks, and the texts of login starts that were refused.
pub struct Recorder(pub Arc<Mutex<Vec<String>>>);

impl Observer for Recorder {
    fn event(&self, event: &Event<'_>) {
        let told = match event {
            // Half of a callback is not a refusal.
            Event::Refused(refusal) if refusal.code == "repost_needed" => return,
            Event::Refused(refusal) => refusal.code.to_owned(),
            Event::StartRefused(refusal) => {
                let source = refusal.error.source().map_or_else(String::new, |source| format!(": {source}"));
                format!("{}: {}{source}", refusal.code, refusal.error)
            }
            Event::ReturnPathDropped { reason, .. } => format!("dropped {reason}"),
            Event::HookFailed { provider, hook, error, .. } => format!("{provider} {hook}: {error}"),
            _ => return,
        };
        self.0.lock().unwrap().push(told);
    }
}

/// A provider with everything that its authorization URL needs.
pub fn at_shop(provider: Provider) -> Provider {
    let uri = format!("https://shop.example/auth/{}/callback", provider.id());
    provider.client_id("client").redirect_uri(&uri)
}

pub fn flow_builder(clock: &ManualClock, guard: &CountingGuard) -> FlowBuilder<()> {
    let flow = Flow::builder(app(), ring(), guard.clone()).clock(clock.clone());
    let flow = [Purpose::Login, Purpose::Link, Purpose::Reauthenticate].into_iter().fold(flow, FlowBuilder::purpose);
    [Provider::github(), Provider::apple(), Provider::x()].map(at_shop).into_iter().fold(flow, FlowBuilder::provider)
}

pub fn routes(flow: Flow) -> RoutesBuilder<Axum, ()> {
    LoginRoutes::builder(flow)
        .default_return_to("/home".parse::<ReturnTo>().unwrap())
        .signed_in_user(|request| async move { Ok(user(&request.headers)) })
        .on_login(|login, request| async move {
            let who = user(&request.headers).map_or("-".to_owned(), |user| String::from_utf8(user).unwrap());
            let path = login.origin.return_to.map_or("/home".to_owned(), |path| path.to_string());
            Ok([("x-purpose", login.origin.purpose.to_string()), ("x-user", who), ("x-path", path)])
        })
        .on_step_up(|login, request| async move {
            let who = user(&request.headers).map_or("-".to_owned(), |user| String::from_utf8(user).unwrap());
            let origin = login.dangerously_confirm_without_auth_time().origin;
            let path = origin.return_to.map_or("/home".to_owned(), |path| path.to_string());
            Ok([("x-purpose", origin.purpose.to_string()), ("x-user", who), ("x-path", path)])
        })
}

pub fn server() -> Server {
    server_with(|flow| flow, |routes| routes)
}

pub fn server_with(
    flow: impl FnOnce(FlowBuilder<()>) -> FlowBuilder<()>,
    configure: impl FnOnce(RoutesBuilder<Axum, ()>) -> RoutesBuilder<Axum, ()>,
) -> Server {
    let (clock, guard) = (ManualClock::at(NOW), CountingGuard::new());
    let flow = flow(flow_builder(&clock, &guard));
    server_of(flow, &clock, &guard, |flow| configure(routes(flow)))
}

/// A server for a flow with any login data.
pub fn server_of<T: LoginData>(
    flow: FlowBuilder<T>,
    clock: &ManualClock,
    guard: &CountingGuard,
    routes: impl FnOnce(Flow<T>) -> RoutesBuilder<Axum, T>,
) -> Server {
    let told = Server::nothing_told();
    let flow = flow.observers(Observers::default().and(Recorder(Arc::clone(&told)))).build().unwrap();
    let router = oauth_state_axum::router(routes(flow).build().unwrap());
    Server { router, clock: clock.clone(), guard: guard.clone(), told }
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

    /// The redirect target of a refused callback, for a browser that opened this path.
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
        self.parameter("state").expect("a redirect to the provider")
    }

    /// The target of a page that navigates by itself.
    pub fn navigates_to(&self) -> Option<String> {
        assert!(self.status == 200 || !self.text.contains("http-equiv=\"refresh\""), "{}", self.status);
        let (_, rest) = self.text.split_once("http-equiv=\"refresh\" content=\"0;url=")?;
        Some(rest.split('"').next()?.replace("&amp;", "&"))
    }

    /// A parameter of the redirect to the provider.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let page = || self.navigates_to().unwrap_or_else(|| panic!("{}: {}", self.status, self.text));
        let to = if self.status == 303 { self.header("location").to_owned() } else { page() };
        let url = url::Url::parse(&to).unwrap();
        url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }
}

/// A browser with a cookie jar and perhaps a signed-in user.
#[derive(Clone, Default)]
pub struct Visitor {
    pub jar: Vec<String>,
    pub user: Option<&'static str>,
    /// Drops every cookie.
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

    /// Follows the redirect of a refused callback at `/auth` to the login start, which sets the cookie and redirects to
    /// the provider.
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
    // A parser of the address would use these as the callback's. The body is good.
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
    // The redirect_uri's own query is not a second set of parameters.
    let done = ann.send(&server, Request::post("/auth/apple/callback?app=shop"), &form);
    assert_eq!((done.status.as_u16(), done.header("x-purpose")), (200, "login"));
}

/// A return path to another site or to the callback is dropped, and the observers are told.
#[test]
fn an_invalid_return_path_is_dropped_and_reported() {
    let server = server();
    for (wanted, reason) in [
        ("https://evil.example", "not_a_path"),
        ("//evil.example", "not_a_path"),
        ("/\\evil.example", "character"),
        ("/%5cevil.example", "percent_encoding"),
        ("/a/..//evil.example", "segment"),
        ("/a//b", "segment"),
        ("https://shop.example.evil.example/", "not_a_path"),
        ("https://shop.example@evil.example/", "not_a_path"),
        ("https://shop.example//evil.example", "not_a_path"),
        ("https://shop.example/\\evil.example", "character"),
        ("http://shop.example/cart", "not_a_path"),
        ("https://shop.example:8443/cart", "not_a_path"),
        ("/cart\n", "character"),
        ("/auth/github/callback", "own_route"),
        ("https://shop.example/auth/github", "own_route"),
    ] {
        let mut ann = Visitor::default();
        let begun = ann.get(&server, &format!("/auth/github?return_to={}", form_encoded(wanted)));
        assert_eq!(ann.callback(&server, "github", &begun.state()).header("x-path"), "/home", "{wanted}");
        assert_eq!(server.told.lock().unwrap().pop().unwrap(), format!("dropped {reason}"), "{wanted}");
    }
    let mut ann = Visitor::default();
    let state = ann.get(&server, "/auth/github?return_to=").state();
    assert_eq!(ann.callback(&server, "github", &state).header("x-path"), "/home");
    assert!(server.told.lock().unwrap().is_empty(), "no path was asked for");
}

/// A return path from a link or a framework is decoded once; a space in it must not send the user to the front page.
#[test]
fn a_return_path_arrives_as_it_was_meant() {
    let server = server();
    for (query, path) in [
        ("return_to=/caf%C3%A9", "/caf%C3%A9"),
        ("return_to=/caf%25C3%25A9", "/caf%C3%A9"),
        ("return_to=%2Fsearch%3Fq%3Da+b%26c%3D%2B", "/search?q=a%20b&c=+"),
        ("return_to=/100%25", "/100%25"),
        ("return_to=https%3A%2F%2Fshop.example%2Fcart%3Fa%3D1", "/cart?a=1"),
        ("return_to=https://shop.example", "/"),
    ] {
        let mut ann = Visitor::default();
        let state = ann.get(&server, &format!("/auth/github?{query}")).state();
        assert_eq!(ann.callback(&server, "github", &state).header("x-path"), path, "{query}");
    }
}

/// A page with `form-action 'self'` blocks the redirect after its form (w3c/webappsec-csp issue 8).
#[test]
fn a_post_that_starts_a_login_gets_a_page_that_navigates() {
    let (server, mut ann) = (server(), Visitor::signed_in("ann"));
    let page = ann.post_from_own_page(&server, "/auth/github/link");
    assert_eq!((page.status.as_u16(), page.header("location")), (200, ""));
    assert_eq!((page.header("cache-control"), page.header("referrer-policy")), ("no-store", "no-referrer"));
    assert!(page.header("set-cookie").starts_with("__Host-") && !page.text.contains("<script"));
    assert!(page.navigates_to().unwrap().starts_with("https://github.com/login/oauth/authorize?"));
}

/// Facebook's callbacks end in `#_=_`, and browsers pass a fragment on to a redirect that has none.
#[test]
fn the_redirect_after_a_login_inherits_no_fragment() {
    for (target, location) in
        [("/home", "/home#"), ("/home#top", "/home#top"), ("https://other.example/", "https://other.example/#")]
    {
        let server =
            server_with(|flow| flow, |routes| routes.on_login(move |_, _| async move { Ok(Redirect::to(target)) }));
        let mut ann = Visitor::default();
        let state = ann.get(&server, "/auth/github").state();
        assert_eq!(ann.callback(&server, "github", &state).header("location"), location);
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
    assert!(log.contains("more than the 500 that x accepts"), "{log}");
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
    let flow = || Flow::builder(app(), ring(), guard.clone());
    let error = |routes: RoutesBuilder<Axum, ()>| routes.build().unwrap_err();
    let of = |provider: Provider| {
        LoginRoutes::builder(flow().provider(provider).build().unwrap()).on_login(|_, _| async { Ok(()) })
    };
    let google = || at_shop(Provider::google());
    for at in ["/auth/", "/a{b}", "auth", "//auth", "/a/../b", "/a?b", "/*a"] {
        assert_eq!(error(of(google()).mount_at(at)), RoutesError::MountPath, "{at}");
    }
    assert!(matches!(error(of(google()).mount_at("/login")), RoutesError::RedirectUri { .. }));
    // Every path of the site would be a connection's.
    let loading = || flow().loads_providers().build().unwrap();
    let at_root = LoginRoutes::builder(loading()).mount_at("").connections(|_, _| async { Ok(None) });
    assert_eq!(error(at_root.on_login(|_, _| async { Ok(()) })), RoutesError::ConnectionsAtRoot);
    let without_loader = LoginRoutes::builder(loading()).on_login(|_, _| async { Ok(()) });
    assert_eq!(error(without_loader), RoutesError::MissingConnections);
    // Every login start would fail: there is no URL, or, without a site, no login selects one of the addresses.
    let no_client = Provider::google().redirect_uri("https://shop.example/auth/google/callback");
    assert_eq!(error(of(no_client)), RoutesError::Url(UrlError::NoClientId("google".to_owned())));
    let named =
        Provider::github().client_id("id").named_redirect_uri("web", "https://shop.example/auth/github/callback");
    assert_eq!(error(of(named.clone())), RoutesError::Url(UrlError::NoRedirectUri("github".to_owned())));
    assert!(of(named).site(|_| async { Ok(Site::default().with_redirect("web")) }).build().is_ok());
    // No hook would respond to an outcome, or a hook would never run.
    let bare = || LoginRoutes::builder(flow_builder(&clock, &guard).build().unwrap());
    assert_eq!(error(bare()), RoutesError::MissingOnLogin);
    assert_eq!(error(bare().on_login(|_, _| async { Ok(()) })), RoutesError::MissingOnStepUp);
    assert_eq!(of(google()).build_steps().unwrap_err(), RoutesError::OutcomeHookInSteps);
}

/// Behind a proxy that removes `/app`, the page's button must lead to the login start as browsers see it.
#[test]
fn the_button_leads_to_where_a_browser_finds_begin() {
    let (clock, guard) = (ManualClock::at(NOW), CountingGuard::new());
    let google = Provider::google().client_id("client").redirect_uri("https://shop.example/app/auth/google/callback");
    let flow = Flow::builder(app(), ring(), guard.clone()).clock(clock.clone()).provider(google);
    let server = server_of(flow, &clock, &guard, |flow| {
        LoginRoutes::builder(flow).on_login(|_, _| async { Ok(Redirect::to("/")) })
    });
    let page = Visitor::default().get(&server, "/auth/google/callback");
    assert!(page.text.contains("href=\"/app/auth/google\""), "{}", page.text);
}

/// The first half of a re-posted callback is not a refusal: observers are not told, and no login restarts.
#[test]
fn a_callback_that_is_to_be_posted_once_more_is_answered_with_the_page_alone() {
    let server = server_with(|flow| flow.provider(reposting()), |routes| routes);
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

/// A provider whose callback this site's page posts once more.
pub fn reposting() -> Provider {
    let acme = Provider::custom("acme").unwrap().response_mode(ResponseMode::FormPostReposted);
    at_shop(acme.authorization_endpoint("https://acme.example/authorize"))
}

/// A callback that does not parse reaches no flow; the flow's observers are still told, once.
#[test]
fn observers_are_told_of_an_invalid_callback() {
    let server = server();
    for query in ["code=abc", "state=a&state=b", "state=none&code=abc"] {
        Visitor::default().get(&server, &format!("/auth/github/callback?{query}"));
    }
    assert_eq!(*server.told.lock().unwrap(), ["missing_state", "duplicate_parameter", "malformed"]);
}
