//! Common situations, each solved by one short function that you can copy. `cargo run --example situations` runs them
//! all, in memory: a test browser replaces the user, and no provider is asked for a token.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::HeaderMap;
use oauth_state::outcome::{AuthorizationError, CodeVerifier, StepUp};
use oauth_state::payload::{HandleKind, MemoryPayloadStore, PayloadStore};
use oauth_state::testing::{self, TestBrowser, block_on};
use oauth_state::{
    App, Authorized, BeginError, Binding, Callback, Expect, FinishError, Flow, FlowBuilder, KeyRing, Login,
    LoginOutcome, Provider, Purpose, ReplayGuard, ReturnTo, SingleProcessGuard, Tenant,
};
use oauth_state_axum::{CallbackRequest, LoginRoutes, Rejected, redirect, router, run_to_completion, set_no_store};
use serde::{Deserialize, Serialize};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The whole service: two routes, and a function that exchanges the code.
fn routes(keys: KeyRing, guard: impl ReplayGuard) -> Result<Router, Failure> {
    let github =
        Provider::github().client_id("your client id").redirect_uri("https://shop.example/auth/github/callback");
    let flow = Flow::builder(App::new("shop", "production")?, keys, guard).provider(github).build()?;
    let routes = LoginRoutes::builder(flow)
        .on_login(|login, _request| async move {
            let _user = exchange(login.token_form()).await?; // an error goes to the observers, and the user gets a page
            Ok(Redirect::to(login.origin.return_to.as_ref().map_or("/", ReturnTo::as_str)))
        })
        .build()?;
    Ok(router(routes))
}

/// The same with your own handlers.
async fn begin(State(flow): State<Flow>, headers: HeaderMap) -> Result<Response, Rejected<BeginError>> {
    let request = flow.begin(Binding::cookies(&headers), Login::with("github"))?;
    Ok(redirect(&request, request.url()?))
}

async fn callback(State(flow): State<Flow>, request: CallbackRequest) -> Result<Response, Rejected<FinishError>> {
    // On its own task: a browser that disconnects must not leave a used state and an unused code.
    run_to_completion(async move {
        let (headers, callback) = request.split();
        let outcome = flow.finish(headers.cookies(), Expect::provider("github"), callback).await?;
        let LoginOutcome::Authorized(login) = outcome else { return Ok(set_no_store(Redirect::to("/"))) };
        let target = if exchange(login.token_form()).await.is_ok() { "/home" } else { "/sorry" };
        Ok(set_no_store(Redirect::to(target)))
    })
    .await
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
        .route("/auth/github", get(begin))
        .route("/auth/github/callback", get(callback))
        .route("/api/login", post(api_begin))
        .route("/api/callback", post(api_finish))
        .with_state(flow)
}

/// The host identifies the tenant. Without `.tenant(…)` every login of a tenant is refused at the first try, so you
/// cannot forget it.
async fn tenant_of_the_host(
    flow: &Flow,
    tenant: &Tenant,
    browser: Binding<'_>,
    callback: Callback,
) -> Result<LoginOutcome<()>, FinishError> {
    flow.finish(browser, Expect::provider("github").tenant(tenant), callback).await
}

/// Only the state identifies the tenant, and the code says so.
async fn tenant_of_the_state(flow: &Flow, browser: Binding<'_>, callback: Callback) -> Result<Tenant, Failure> {
    match flow.finish(browser, Expect::provider("github").any_tenant(), callback).await? {
        LoginOutcome::Authorized(login) => Ok(login.origin.tenant.ok_or("no tenant")?),
        _ => Err("not signed in".into()),
    }
}

/// Step-up: the URL already has `prompt=login` and `max_age=0`, and the data is not available without `auth_time`. Only
/// the subject shows that this user authenticated, and not another user at the unlocked computer.
async fn step_up(flow: &Flow, user: &User, browser: Binding<'_>, callback: Callback) -> Result<(), Failure> {
    let expect = Expect::provider("okta").purpose(Purpose::Reauthenticate);
    let LoginOutcome::SteppedUp(login) = flow.finish(browser, expect, callback).await? else {
        return Err("denied".into());
    };
    let id_token = verified_id_token(&login).await?;
    if !login.nonce().is_some_and(|nonce| nonce.matches(&id_token.nonce)) {
        return Err("another login's ID token".into());
    }
    if id_token.subject != user.okta_subject {
        return Err("another user's account at Okta".into());
    }
    login.confirm(id_token.auth_time)?;
    Ok(())
}

const INSTALL: Purpose = Purpose::Custom("install");

/// The installation of a GitHub App: another endpoint, the same state. It changes the user's data, so [`flow`]
/// registers its purpose with `purpose_for_user`: it starts only from your own page, and ends with the same user.
fn to_the_installation(flow: &Flow, browser: Binding<'_>) -> Result<Response, Rejected<BeginError>> {
    let request = flow.begin(browser, Login::with("github").purpose(INSTALL))?;
    Ok(redirect(&request, request.url_at("https://github.com/apps/shop/installations/new")?))
}

/// Its return has no code. `installation_id` is text from outside: ask GitHub whether it is this user's.
async fn after_the_installation(flow: &Flow, browser: Binding<'_>, callback: Callback) -> Result<String, Failure> {
    match flow.finish(browser, Expect::provider("github").purpose(INSTALL), callback).await? {
        LoginOutcome::Returned(back) => Ok(back.parameters.get("installation_id").ok_or("no id")?.to_owned()),
        _ => Err("neither code nor error was expected".into()),
    }
}

/// JARM: the response came as a JWT, which you have verified; an error is one of its claims.
async fn jarm(
    flow: &Flow,
    browser: Binding<'_>,
    claims: &serde_json::Map<String, serde_json::Value>,
) -> Result<LoginOutcome<()>, FinishError> {
    let pairs = claims.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    flow.finish(browser, Expect::provider("github"), Callback::from_pairs(pairs)?).await
}

/// A provider that is busy: the same login once more, through the login start with its limits and captchas.
async fn again_after_a_denial(
    flow: &Flow,
    browser: Binding<'_>,
    callback: Callback,
) -> Result<Response, Rejected<FinishError>> {
    match flow.finish(browser, Expect::provider("github"), callback).await? {
        LoginOutcome::Denied(denied)
            if denied.error == AuthorizationError::TemporarilyUnavailable && denied.restart.is_automatic() =>
        {
            Ok(set_no_store(Redirect::to(&format!("/auth/github?again={}", denied.restart.token()))))
        }
        _ => Ok(set_no_store(Redirect::to("/"))),
    }
}

/// After an expiry, the same. The header `no-referrer` keeps the state out of other sites' logs.
fn refused(error: FinishError) -> Response {
    match error.restart().filter(|restart| restart.is_automatic()) {
        Some(restart) => set_no_store(Redirect::to(&format!("/auth/github?again={}", restart.token()))),
        None => Rejected(error).into_response(),
    }
}

/// The login start of both.
fn begin_again(flow: &Flow, headers: &HeaderMap, again: Option<&str>) -> Result<Response, Rejected<BeginError>> {
    let binding = Binding::cookies(headers);
    let restart = again.and_then(|token| flow.restart(token, &binding, Expect::provider("github")));
    let login = restart.map_or_else(|| Login::with("github"), |restart| restart.login());
    let request = flow.begin(binding, login)?;
    Ok(redirect(&request, request.url()?))
}

/// Apple's popup: its script builds the URL from these; your page adds `usePopup` and `code_challenge_method`.
fn apple_popup(flow: &Flow) -> Result<serde_json::Value, BeginError> {
    let request = flow.begin(Binding::new_login_secret(), Login::with("apple"))?;
    let (state, nonce, code_challenge) = (&request.state, &request.nonce, &request.code_challenge);
    let login_secret = &request.login_secret;
    Ok(serde_json::json!({
        "state": state, "nonce": nonce, "code_challenge": code_challenge, "login_secret": login_secret,
    }))
}

/// Signing out at the provider as well.
fn logout(flow: &Flow, browser: Binding<'_>, id_token: &str) -> Result<Response, Rejected<BeginError>> {
    let request = flow.begin(browser, Login::with("okta").purpose(Purpose::Logout))?;
    Ok(redirect(&request, request.end_session_url(id_token)?))
}

/// Your own HTTP client, or another major version of `oauth2`: strings.
fn as_strings<T>(login: &Authorized<T>) -> (&str, Option<&str>) {
    (login.code.secret(), login.code_verifier.as_ref().map(CodeVerifier::secret))
}

/// A payload that is too long for a URL, in your own store. The flow is built with `build_handles`.
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
    match verified.mark_used_and_fetch(|id| async move { store.get(&id).await }).await? {
        LoginOutcome::Authorized(login) => Ok(login.data.1),
        _ => Err("not signed in".into()),
    }
}

// ---- The service's own parts -----------------------------------------------------------------------------------------

/// Posts the form to the provider's token endpoint, with the client's own authentication.
async fn exchange(form: Vec<(&'static str, &str)>) -> Result<String, Failure> {
    form.iter().any(|(name, _)| *name == "code").then(|| "ann".to_owned()).ok_or_else(|| "no code".into())
}

struct User {
    /// The subject of the Okta account that is linked to this user.
    okta_subject: String,
}

struct IdToken {
    subject: String,
    auth_time: Option<u64>,
    nonce: String,
}

/// Exchanges the code, and verifies the ID token by a library.
async fn verified_id_token(login: &StepUp<()>) -> Result<IdToken, Failure> {
    exchange(login.token_form()).await?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let nonce = login.nonce().map(|nonce| nonce.secret().to_owned()).unwrap_or_default();
    Ok(IdToken { subject: "ann".to_owned(), auth_time: Some(now), nonce })
}

// ---- The example itself -----------------------------------------------------------------------------------------------

fn flow() -> Result<Flow, Failure> {
    let address = |provider: &str| format!("https://shop.example/auth/{provider}/callback");
    let okta = Provider::okta("https://shop.okta.com/oauth2/default")?
        .authorization_endpoint("https://shop.okta.com/oauth2/default/v1/authorize")
        .end_session_endpoint("https://shop.okta.com/oauth2/default/v1/logout");
    let builder = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(1_000));
    let builder = [Provider::github(), okta, Provider::apple()].into_iter().fold(builder, |builder, provider| {
        let uri = address(provider.id());
        builder.provider(provider.client_id("client").redirect_uri(&uri))
    });
    let purposes = [Purpose::Login, Purpose::Reauthenticate, Purpose::Logout];
    Ok(purposes
        .into_iter()
        .fold(builder, FlowBuilder::purpose)
        .purpose_without_code(INSTALL)
        .purpose_for_user(INSTALL)
        .build()?)
}

/// `state=…` of a redirect to a provider.
fn state_in(answer: &Response) -> Result<String, Failure> {
    let location = answer.headers().get("location").ok_or("no redirect")?.to_str()?;
    let state = location.split(['?', '&']).find(|pair| pair.starts_with("state=")).ok_or("no state")?;
    Ok(state.to_owned())
}

fn main() -> Result<(), Failure> {
    let flow = flow()?;
    let fresh = TestBrowser::default();
    let login = |login: Login| Ok::<_, Failure>(TestBrowser::follow(&flow.begin(fresh.binding(), login)?));
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
    let request = flow.begin(step, Login::with("okta").purpose(Purpose::Reauthenticate))?;
    assert!(request.url()?.to_string().contains("&prompt=login&max_age=0"));
    let ann = User { okta_subject: "ann".to_owned() };
    block_on(step_up(&flow, &ann, user()?, TestBrowser::follow(&request).callback()))?;
    let step = user()?.dangerously_assume_same_origin();
    let request = flow.begin(step, Login::with("okta").purpose(Purpose::Reauthenticate))?;
    let bob = User { okta_subject: "bob".to_owned() };
    assert!(block_on(step_up(&flow, &bob, user()?, TestBrowser::follow(&request).callback())).is_err());
    said("step-up: the provider asks again, and the ID token proves it");

    let own_page = || user().map(Binding::dangerously_assume_same_origin);
    let answer = to_the_installation(&flow, own_page()?).map_err(|Rejected(error)| error)?;
    let back = Callback::from_query(&format!("{}&installation_id=7", state_in(&answer)?))?;
    let code = block_on(after_the_installation(&flow, user()?, back))?;
    assert!(to_the_installation(&flow, fresh.binding()).is_err(), "not without a user");
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
    let answer = block_on(again_after_a_denial(&flow, browser.binding(), busy)).map_err(|Rejected(error)| error)?;
    assert!(answer.headers().get("location").is_some_and(|to| to.to_str().is_ok_and(|to| to.contains("again=ost1"))));
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
    let answer = begin_again(&flow, &browser.headers(), token.as_deref()).map_err(|Rejected(error)| error)?;
    assert_eq!(answer.status(), 303);
    said("a refused login starts again, by way of the login start");

    assert!(apple_popup(&flow)?.get("nonce").is_some_and(serde_json::Value::is_string));
    said("Apple's popup");
    let answer = logout(&flow, fresh.binding(), "the ID token").map_err(|Rejected(error)| error)?;
    assert!(answer.headers().contains_key("set-cookie") && state_in(&answer)?.starts_with("state=ost1"));
    said("signing out at the provider");
    let cart = vec!["a book".to_owned()];
    let store = MemoryPayloadStore::with_capacity(10);
    let handles = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
        .provider(Provider::github())
        .build_handles(HandleKind::MEMORY)?;
    assert_eq!(block_on(cart_in_a_store(&handles, &fresh, &store, cart.clone()))?, cart);
    said("a payload in a store");
    Ok(())
}
