//! Situations that services meet, each answered by one short function that you can copy. `cargo run --example situations` runs
//! them all, in memory: a browser for tests stands in for the user, and nobody is asked for a token.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::HeaderMap;
use oauth_state::outcome::{AuthorizationError, CodeVerifier, StepUp};
use oauth_state::payload::{MemoryPayloadStore, PayloadStore};
use oauth_state::testing::{self, TestBrowser, block_on};
use oauth_state::{
    App, Authorized, BeginError, Binding, Callback, Expect, FinishError, Flow, FlowBuilder, KeyRing, Login,
    LoginOutcome, Provider, Purpose, ReplayGuard, ReturnTo, SingleProcessGuard, Tenant,
};
use oauth_state_axum::{CallbackRequest, LoginRoutes, Rejected, redirect, router};
use serde::{Deserialize, Serialize};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The whole service: two routes, and a function that exchanges the code.
fn routes(keys: KeyRing, guard: impl ReplayGuard) -> Result<Router, Failure> {
    let github =
        Provider::github().client_id("your client id").redirect_uri("https://shop.example/auth/github/callback");
    let routes = LoginRoutes::builder(Flow::builder(App::new("shop", "production")?, keys, guard))
        .provider(github)
        .on_login(|login, _request| async move {
            match exchange(login.token_form()).await {
                Ok(_user) => Redirect::to(login.origin.return_to.as_ref().map_or("/", ReturnTo::as_str)),
                Err(_) => Redirect::to("/sorry"),
            }
        })
        .build()?;
    Ok(router(routes))
}

/// The same by hand.
async fn begin(State(flow): State<Flow>, headers: HeaderMap) -> Result<Response, Rejected<BeginError>> {
    let request = flow.begin(Binding::cookies(&headers), Login::with("github"))?;
    Ok(redirect(&request, request.url()?))
}

async fn callback(State(flow): State<Flow>, request: CallbackRequest) -> Result<Response, Rejected<FinishError>> {
    let (headers, callback) = request.split();
    let outcome = flow.finish(headers.cookies(), Expect::provider("github"), callback).await?;
    let LoginOutcome::Authorized(login) = outcome else { return Ok(Redirect::to("/").into_response()) };
    let target = if exchange(login.token_form()).await.is_ok() { "/home" } else { "/sorry" };
    Ok(Redirect::to(target).into_response())
}

/// A JSON API for native and single-page clients: no cookies, but a secret that the client keeps.
#[derive(Serialize)]
struct Begun {
    url: String,
    state: String,
    login_secret: Option<String>,
}

async fn api_begin(State(flow): State<Flow>) -> Result<Json<Begun>, Rejected<BeginError>> {
    let request = flow.begin(Binding::new_login_secret(), Login::with("github"))?;
    let url = request.url()?.to_string();
    Ok(Json(Begun { url, state: request.state, login_secret: request.login_secret }))
}

#[derive(Deserialize)]
struct Caught {
    login_secret: String,
    #[serde(flatten)]
    parameters: std::collections::BTreeMap<String, String>,
}

async fn api_finish(
    State(flow): State<Flow>,
    Json(caught): Json<Caught>,
) -> Result<Json<&'static str>, Rejected<FinishError>> {
    let pairs = caught.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let binding = Binding::login_secret(&caught.login_secret)?;
    let outcome = flow.finish(binding, Expect::provider("github"), Callback::from_pairs(pairs)?).await?;
    Ok(Json(if matches!(outcome, LoginOutcome::Authorized(_)) { "signed in" } else { "denied" }))
}

fn handlers(flow: Flow) -> Router {
    Router::new()
        .route("/login", get(begin))
        .route("/callback", get(callback))
        .route("/api/login", post(api_begin))
        .route("/api/callback", post(api_finish))
        .with_state(flow)
}

/// The host says whose tenant's page this is. Without `.tenant(…)` every login of a tenant is refused at the first try, so that it
/// cannot be forgotten.
async fn tenant_of_the_host(
    flow: &Flow,
    tenant: &Tenant,
    browser: Binding<'_>,
    callback: Callback,
) -> Result<LoginOutcome<()>, FinishError> {
    flow.finish(browser, Expect::provider("github").tenant(tenant), callback).await
}

/// The state alone says which tenant it is, and the code says so.
async fn tenant_of_the_state(flow: &Flow, browser: Binding<'_>, callback: Callback) -> Result<Tenant, Failure> {
    let outcome = flow.finish(browser, Expect::provider("github").any_tenant(), callback).await?;
    Ok(outcome.origin().tenant.clone().ok_or("no tenant")?)
}

/// Step-up: the URL has `prompt=login` and `max_age=0` already, and data and origin are not available without `auth_time`.
async fn step_up(flow: &Flow, browser: Binding<'_>, callback: Callback) -> Result<(), Failure> {
    let expect = Expect::provider("google").purpose(Purpose::Reauthenticate);
    let LoginOutcome::SteppedUp(login) = flow.finish(browser, expect, callback).await? else {
        return Err("denied".into());
    };
    let id_token = verified_id_token(&login).await?;
    if !login.nonce().is_some_and(|nonce| nonce.matches(&id_token.nonce)) {
        return Err("another login's ID token".into());
    }
    login.confirm(id_token.auth_time)?;
    Ok(())
}

const INSTALL: Purpose = Purpose::Custom("install");

/// The installation of a GitHub App: another endpoint, the same state.
fn to_the_installation(flow: &Flow, browser: Binding<'_>) -> Result<(TestBrowser, String), BeginError> {
    let request = flow.begin(browser, Login::with("github").purpose(INSTALL))?;
    let url = request.url_at("https://github.com/apps/shop/installations/new")?;
    Ok((TestBrowser::follow(&request), url.to_string()))
}

/// Its return brings no code. `installation_id` is text from outside: ask GitHub whether it is this user's.
async fn after_the_installation(flow: &Flow, browser: Binding<'_>, callback: Callback) -> Result<String, Failure> {
    match flow.finish(browser, Expect::provider("github").purpose(INSTALL), callback).await? {
        LoginOutcome::Returned(back) => Ok(back.parameters.get("installation_id").ok_or("no id")?.to_owned()),
        _ => Err("neither code nor error was expected".into()),
    }
}

/// JARM: the response came as a JWT, which you have verified; an error is among its claims.
async fn jarm(
    flow: &Flow,
    browser: Binding<'_>,
    claims: &serde_json::Map<String, serde_json::Value>,
) -> Result<LoginOutcome<()>, FinishError> {
    let pairs = claims.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    flow.finish(browser, Expect::provider("github"), Callback::from_pairs(pairs)?).await
}

/// A provider that is busy: the same login once more, with everything that it had.
async fn again_after_a_denial(
    flow: &Flow,
    browser: Binding<'_>,
    callback: Callback,
) -> Result<Option<String>, Failure> {
    match flow.finish(browser.clone(), Expect::provider("github"), callback).await? {
        LoginOutcome::Denied(denied)
            if denied.error == AuthorizationError::TemporarilyUnavailable && denied.restart.is_automatic() =>
        {
            Ok(Some(flow.begin(browser, denied.restart.login())?.url()?.to_string()))
        }
        _ => Ok(None),
    }
}

/// After an expiry: by way of the login start, where limits and captchas are.
fn refused(error: FinishError) -> Response {
    match error.restart().filter(|restart| restart.is_automatic()) {
        Some(restart) => Redirect::to(&format!("/login?again={}", restart.token())).into_response(),
        None => Rejected(error).into_response(),
    }
}

fn begin_again(flow: &Flow, headers: &HeaderMap, again: Option<&str>) -> Result<Response, BeginError> {
    let binding = Binding::cookies(headers);
    let restart = again.and_then(|token| flow.restart(token, &binding, Expect::provider("github")));
    let login = restart.map_or_else(|| Login::with("github"), |restart| restart.login());
    let request = flow.begin(binding, login)?;
    Ok(redirect(&request, request.url()?))
}

/// Apple's popup: its script builds the URL, and wants state and nonce.
fn apple_popup(flow: &Flow) -> Result<serde_json::Value, BeginError> {
    let request = flow.begin(Binding::new_login_secret(), Login::with("apple"))?;
    Ok(serde_json::json!({ "state": request.state, "nonce": request.nonce, "login_secret": request.login_secret }))
}

/// Signing out at the provider as well.
fn logout(flow: &Flow, browser: Binding<'_>, id_token: &str) -> Result<String, BeginError> {
    let request = flow.begin(browser, Login::with("google").purpose(Purpose::Logout))?;
    Ok(request.end_session_url(id_token)?.to_string())
}

/// An HTTP client of your own, or another major version of `oauth2`: strings.
fn as_strings<T>(login: &Authorized<T>) -> (&str, Option<&str>) {
    (login.code.secret(), login.code_verifier.as_ref().map(CodeVerifier::secret))
}

/// A payload that is too long for a URL, in a store of your own.
async fn cart_in_a_store(
    flow: &Flow,
    browser: &TestBrowser,
    store: &impl PayloadStore,
    cart: Vec<String>,
) -> Result<Vec<String>, Failure> {
    let login = Login::with("github");
    let request =
        flow.begin_and_store(browser.binding(), login, cart, |row| async move { store.put(&row).await }).await?;
    let browser = TestBrowser::follow(&request);
    let verified = flow.open(browser.callback())?.verify(browser.binding(), Expect::provider("github"))?;
    let (_outcome, cart) = verified.mark_used_and_fetch(|id| async move { store.get(&id).await }).await?;
    Ok(cart)
}

// ---- What a service has -----------------------------------------------------------------------------------------------

/// Posts the form to the provider's token endpoint, with the client's own authentication.
async fn exchange(form: Vec<(&'static str, &str)>) -> Result<String, Failure> {
    form.iter().any(|(name, _)| *name == "code").then(|| "ann".to_owned()).ok_or_else(|| "no code".into())
}

struct IdToken {
    auth_time: Option<u64>,
    nonce: String,
}

/// Exchanges the code, and verifies the ID token by a library.
async fn verified_id_token(login: &StepUp<()>) -> Result<IdToken, Failure> {
    exchange(login.token_form()).await?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    Ok(IdToken {
        auth_time: Some(now),
        nonce: login.nonce().map(|nonce| nonce.secret().to_owned()).unwrap_or_default(),
    })
}

// ---- The example itself -----------------------------------------------------------------------------------------------

fn flow() -> Result<Flow, Failure> {
    let address = |provider: &str| format!("https://shop.example/auth/{provider}/callback");
    let google = Provider::google().end_session_endpoint("https://accounts.google.example/logout");
    let builder = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(1_000));
    let builder = [Provider::github(), google, Provider::apple()].into_iter().fold(builder, |builder, provider| {
        let uri = address(provider.id());
        builder.provider(provider.client_id("client").redirect_uri(&uri))
    });
    let purposes = [Purpose::Login, Purpose::Reauthenticate, Purpose::Logout];
    Ok(purposes.into_iter().fold(builder, FlowBuilder::purpose).purpose_without_code(INSTALL).build()?)
}

fn main() -> Result<(), Failure> {
    let flow = flow()?;
    let nobody = TestBrowser::default();
    let login = |login: Login| Ok::<_, Failure>(TestBrowser::follow(&flow.begin(nobody.binding(), login)?));
    #[expect(clippy::print_stdout, reason = "what the example shows")]
    let said = |what: &str| println!("ok   {what}");

    let _: Router = routes(testing::ring(), SingleProcessGuard::with_capacity(1_000))?;
    said("two routes, and a function that exchanges the code");
    let _: Router = handlers(flow.clone());
    said("the same by hand, and as a JSON API");

    let tenant = Tenant::from(*b"customer 1      ");
    let browser = login(Login::with("github").tenant(tenant.clone()))?;
    let unnamed = block_on(flow.finish(browser.binding(), Expect::provider("github"), browser.callback()));
    assert_eq!(unnamed.map_err(|refused| refused.code()).err(), Some("wrong_tenant"));
    let outcome = block_on(tenant_of_the_host(&flow, &tenant, browser.binding(), browser.callback()))?;
    assert_eq!(outcome.origin().tenant.as_ref(), Some(&tenant));
    let browser = login(Login::with("github").tenant(tenant.clone()))?;
    assert_eq!(block_on(tenant_of_the_state(&flow, browser.binding(), browser.callback()))?, tenant);
    said("a tenant: of the host, and of the state");

    let user = || Ok::<_, Failure>(Binding::session(b"a session id of the user")?.for_user(b"user-42")?);
    let step = user()?.dangerously_assume_same_origin();
    let request = flow.begin(step, Login::with("google").purpose(Purpose::Reauthenticate))?;
    assert!(request.url()?.to_string().contains("&prompt=login&max_age=0"));
    block_on(step_up(&flow, user()?, TestBrowser::follow(&request).callback()))?;
    said("step-up: the provider asks again, and the ID token proves it");

    let (browser, _url) = to_the_installation(&flow, nobody.binding())?;
    let back = browser.callback_with([("installation_id", "7")]);
    let code = block_on(after_the_installation(&flow, browser.binding(), back))?;
    said(&format!("an installation without a code: number {code}"));

    let browser = login(Login::with("github"))?;
    let state = browser.callback().state().to_owned();
    let claims = serde_json::json!({ "state": state, "error": "access_denied", "exp": 1_800_000_000 });
    let claims = claims.as_object().ok_or("claims")?;
    let outcome = block_on(jarm(&flow, browser.binding(), claims))?;
    assert!(matches!(outcome, LoginOutcome::Denied(_)));
    said("a response as a JWT (JARM)");

    let browser = login(Login::with("github").return_to("/cart".parse()?))?;
    let busy = browser.callback_with([("error", "temporarily_unavailable")]);
    assert!(block_on(again_after_a_denial(&flow, browser.binding(), busy))?.is_some());
    said("a provider that is busy: once more");

    let browser = login(Login::with("github"))?;
    let used = || block_on(flow.finish(browser.binding(), Expect::provider("github"), browser.callback()));
    let login_outcome = used()?;
    if let LoginOutcome::Authorized(login) = &login_outcome {
        let (code, verifier) = as_strings(login);
        assert_eq!((code, verifier.map(str::len)), ("code", Some(43)));
    }
    let error = used().err().ok_or("used twice")?;
    let token = error.restart().map(|restart| restart.token().to_owned());
    let answer = refused(error);
    assert!(answer.headers().get("location").is_some());
    assert_eq!(begin_again(&flow, &browser.headers(), token.as_deref())?.status(), 303);
    said("a refused login starts again, by way of the login start");

    assert!(apple_popup(&flow)?.get("nonce").is_some_and(serde_json::Value::is_string));
    said("Apple's popup");
    assert!(logout(&flow, nobody.binding(), "the ID token")?.starts_with("https://accounts.google.example/logout?"));
    said("signing out at the provider");
    let cart = vec!["a book".to_owned()];
    let store = MemoryPayloadStore::with_capacity(10);
    assert_eq!(block_on(cart_in_a_store(&flow, &nobody, &store, cart.clone()))?, cart);
    said("a payload in a store");
    Ok(())
}
