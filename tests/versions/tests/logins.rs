//! Whole logins with each of the older versions, up to a token.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::response::Redirect;
use http::Request;
use oauth_state::testing::{ManualClock, TestBrowser, block_on, ring};
use oauth_state::{
    App, Authorized, Binding, Callback, Expect, Flow, KeyRing, Login, LoginOutcome, Provider, SingleProcessGuard,
};
use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, HttpResponse, TokenResponse, TokenUrl};
use serde_json::Value;
use tower::ServiceExt;
use versions::{axum_07, no_oauth2, oauth2_4};

const CALLBACK: &str = "https://shop.example/auth/github/callback";
const TOKEN_ENDPOINT: &str = "https://github.com/login/oauth/access_token";

fn flow() -> Flow {
    let github = Provider::github().client_id("client").redirect_uri(CALLBACK);
    let flow = Flow::builder(App::new("shop", "test").unwrap(), ring(), SingleProcessGuard::with_capacity(100));
    flow.provider(github).build().unwrap()
}

fn authorized(flow: &Flow) -> Authorized<()> {
    let browser = TestBrowser::follow(&flow.begin(TestBrowser::default().binding(), Login::with("github")).unwrap());
    let finished = block_on(flow.finish(browser.binding(), Expect::provider("github"), browser.callback()));
    let LoginOutcome::Authorized(login) = finished.unwrap() else { panic!("denied") };
    login
}

fn fields(form: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(form).into_owned().collect()
}

fn expected(login: &Authorized<()>) -> Vec<(String, String)> {
    let verifier = login.code_verifier.as_ref().unwrap().secret();
    let pairs = [
        ("code", "code"),
        ("code_verifier", verifier),
        ("grant_type", "authorization_code"),
        ("redirect_uri", CALLBACK),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

#[tokio::test]
async fn axum_0_7_serves_the_routes_and_their_hooks_return_its_responses() {
    let flow = flow();
    let routes = axum_07::LoginRoutes::builder(flow)
        .on_login(|login, _request| async move {
            Ok(Redirect::to(login.origin.return_to.as_ref().map_or("/", |path| path.as_str())))
        })
        .build()
        .unwrap();
    let app = axum_07::mount(Router::new(), routes);
    let send = async |address: &str, cookie: &str| {
        let request = Request::get(address).header("host", "shop.example").header("cookie", cookie);
        app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    };
    let start = send("/auth/github?return_to=/cart", "").await;
    let [location, cookie] = ["location", "set-cookie"].map(|name| start.headers()[name].to_str().unwrap());
    let (_, state) = location.split_once("&state=").unwrap();
    let callback = format!("/auth/github/callback?code=code&state={}", state.split('&').next().unwrap());
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(send(&callback, cookie).await.headers()["location"], "/cart#");
    assert_ne!(send(&callback, cookie).await.headers()["location"], "/cart#"); // used
}

#[test]
fn oauth2_4_exchanges_the_code_with_the_verifier() {
    let login = authorized(&flow());
    let [auth, token] = ["https://github.com/login/oauth/authorize", TOKEN_ENDPOINT].map(str::to_owned);
    let client = BasicClient::new(
        ClientId::new("client".to_owned()),
        None,
        AuthUrl::new(auth).unwrap(),
        Some(TokenUrl::new(token).unwrap()),
    );
    let mut sent = Vec::new();
    let answer = block_on(oauth2_4::exchange(&client, &login, |request| {
        sent = request.body;
        let body = br#"{"access_token":"token","token_type":"bearer"}"#.to_vec();
        async {
            Ok::<_, Infallible>(HttpResponse {
                status_code: oauth2::http::StatusCode::OK,
                headers: Default::default(),
                body,
            })
        }
    }));
    assert_eq!(answer.unwrap().access_token().secret(), "token");
    let mut sent = fields(&sent);
    sent.retain(|(name, _)| name != "client_id");
    sent.sort();
    assert_eq!(sent, expected(&login));
}

#[test]
fn a_token_request_of_any_client_has_the_same_fields_and_the_secret() {
    let login = authorized(&flow());
    let request = no_oauth2::token_request(&login, TOKEN_ENDPOINT, "secret & more").unwrap();
    assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("POST", TOKEN_ENDPOINT));
    let mut sent = fields(request.body().as_bytes());
    assert!(sent.contains(&("client_secret".to_owned(), "secret & more".to_owned())));
    sent.retain(|(name, _)| !["client_id", "client_secret"].contains(&name.as_str()));
    sent.sort();
    assert_eq!(sent, expected(&login));
}

/// The page shows each file from its first item on.
#[test]
fn the_page_shows_the_files() {
    let page = include_str!("../../../docs/frameworks.md");
    for file in
        [include_str!("../src/axum_07.rs"), include_str!("../src/no_oauth2.rs"), include_str!("../src/oauth2_4.rs")]
    {
        let (_, code) = file.split_once("\n\n").unwrap();
        assert!(page.contains(&format!("```rust,ignore\n{code}```\n")), "{file}");
    }
}

/// A deploy may change the features. The states were sealed by another implementation, and `tests/behaviour/frozen_vectors.rs` finishes them
/// in a build with all features.
#[test]
fn frozen_states_finish_in_a_build_with_few_features() {
    let vectors: Value = serde_json::from_str(include_str!("../../vectors/states.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let frozen = &vectors["flows"]["login"];
    let mut finished = 0;
    for vector in vectors["vectors"].as_array().unwrap() {
        let (accepted, provider) = (&vector["outcome"]["accepted"], text(&vector["expect"]["provider"]));
        let is_plain = vector["flow"] == "login" && vector["expect"].as_object().unwrap().len() == 1;
        let carries_nothing = ["tenant", "redirect", "data"].iter().all(|field| accepted[*field].is_null());
        let has_code = accepted["code"].is_string() && vector["binding"]["kind"] == "session";
        if !(is_plain && carries_nothing && has_code && provider == "github" && vector["user"].is_null()) {
            continue;
        }
        let app = App::new(&text(&frozen["app"]), &text(&frozen["environment"])).unwrap();
        let ring: KeyRing = text(&frozen["ring"]).parse().unwrap();
        let flow = Flow::builder(app, ring, SingleProcessGuard::with_capacity(1))
            .clock(ManualClock::at(vector["now"].as_u64().unwrap()))
            .provider(Provider::custom("github").unwrap())
            .build()
            .unwrap();
        let session = text(&vector["binding"]["id"]);
        let session: Vec<u8> =
            session.as_bytes().chunks(2).map(|pair| hex(std::str::from_utf8(pair).unwrap())).collect();
        let callback = Callback::from_query(&text(&vector["query"])).unwrap();
        let outcome = block_on(flow.finish(Binding::session(&session).unwrap(), Expect::provider("github"), callback));
        let LoginOutcome::Authorized(login) = outcome.unwrap() else { panic!("denied") };
        assert_eq!(login.code_verifier.unwrap().secret(), text(&accepted["code_verifier"]), "{}", vector["name"]);
        finished += 1;
    }
    assert!(finished > 5, "{finished}");
}

fn hex(pair: &str) -> u8 {
    u8::from_str_radix(pair, 16).unwrap()
}
