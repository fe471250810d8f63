//! Signing users in with GitHub from a client without cookies: a native app, a single-page app, a command line. The client
//! asks for the URL to open, receives GitHub's callback itself, and posts `code` and `state` as JSON.
//!
//! ```text
//! cargo run --example json_api -- --once     # against a stand-in for GitHub: prints each step, exits 0 if all held
//! cargo run --example json_api -- --help     # what it needs to run against GitHub itself
//! ```
//!
//! Copy everything above the line `The example itself`. For GitHub in a browser see `github.rs`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod stand_in;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use oauth_state::provider::{Preset, Sourced};
use oauth_state::{
    App, Authorized, BeginError, Binding, Callback, Expect, Flow, KeyRing, Login, LoginOutcome, Provider, ReturnTo,
    SingleProcessGuard,
};
use oauth_state_axum::{run_to_completion, set_no_store};
use oauth2::basic::{BasicClient, BasicErrorResponse, BasicRequestTokenError};
use oauth2::{
    AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, RedirectUrl, TokenResponse, TokenUrl, reqwest,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Client = BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

const HELP: &str = "\
Signs users in with GitHub, for clients without cookies.

  cargo run --example json_api              serves on 127.0.0.1:8080, against GitHub
  cargo run --example json_api -- --once    signs in once against a stand-in, tries what an attacker would, and ends

  POST /auth/github/begin    {\"return_to\": \"/basket\"}
                             -> {\"authorization_url\": ..., \"state\": ..., \"login_secret\": ..., \"expires_in\": ...}
  POST /auth/github/finish   {\"code\": ..., \"state\": ..., \"iss\": ..., \"login_secret\": ...}
                             -> {\"user\": ..., \"return_to\": ...}

The client keeps `login_secret` where only it can read it, and puts it into no URL. It is not the OAuth app's secret.
It refuses a callback for whose state it kept none: docs/clients.md.

Needs in the environment:

  GITHUB_CLIENT_ID       of an OAuth app (github.com/settings/developers)
  GITHUB_CLIENT_SECRET   its secret, which stays on this server
  CALLBACK_URL           where GitHub redirects the user: a URL that the client itself handles, such as
                         https://shop.example/signed-in or http://127.0.0.1/callback; register it there
  OAUTH_STATE_KEYS       the key ring that all servers share: `oauth-state keys generate` makes one
  LISTEN                 where to listen (default 127.0.0.1:8080)";

/// The settings of one installation.
struct Settings {
    client_id: String,
    client_secret: ClientSecret,
    callback_url: String,
    keys: KeyRing,
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    user_endpoint: String,
}

impl Settings {
    fn from_environment() -> Result<Self, Failure> {
        let needed = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
        let github = Preset::find("github").ok_or("no preset for GitHub")?;
        let known = |figure: Option<Sourced<&'static str>>| figure.map(|figure| figure.value).unwrap_or_default();
        Ok(Self {
            client_id: needed("GITHUB_CLIENT_ID")?,
            client_secret: ClientSecret::new(needed("GITHUB_CLIENT_SECRET")?),
            callback_url: needed("CALLBACK_URL")?,
            keys: KeyRing::from_env()?, // or LiveKeyRing::load, which rotates keys without a restart: docs/rotation.md
            issuer: known(github.issuer).to_owned(),
            authorization_endpoint: known(github.authorization_endpoint).to_owned(),
            token_endpoint: known(github.token_endpoint).to_owned(),
            user_endpoint: "https://api.github.com/user".to_owned(),
        })
    }
}

struct Site {
    flow: Flow,
    client: Client,
    http: reqwest::Client,
    user_endpoint: String,
}

fn app(settings: Settings) -> Result<Router, Failure> {
    let github = Provider::github()
        .client_id(&settings.client_id)
        .redirect_uri(&settings.callback_url)
        .scopes(["read:user"])
        .authorization_endpoint(&settings.authorization_endpoint) // the preset knows GitHub's own; the stand-in differs
        // The client passes on the `iss` that it received; one that comes must be GitHub's (RFC 9207).
        .issuer(&settings.issuer);
    let guard = SingleProcessGuard::with_capacity(1_000_000); // a fleet shares one: docs/guards.md
    let flow = Flow::builder(App::new("shop", "production")?, settings.keys, guard).provider(github).build()?;
    let client = BasicClient::new(ClientId::new(settings.client_id))
        .set_client_secret(settings.client_secret)
        .set_auth_type(AuthType::RequestBody) // the form that GitHub documents
        .set_token_uri(TokenUrl::new(settings.token_endpoint)?)
        .set_redirect_uri(RedirectUrl::new(settings.callback_url)?);
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none()) // a response must not redirect this server (SSRF)
        .timeout(Duration::from_secs(10))
        .user_agent("shop") // GitHub's API refuses a request without one
        .build()?;
    let site = Arc::new(Site { flow, client, http, user_endpoint: settings.user_endpoint });
    // A page of another origin may post here only if you add CORS headers that name that origin.
    Ok(Router::new()
        .route("/auth/github/begin", post(begin))
        .route("/auth/github/finish", post(finish))
        .with_state(site))
}

#[derive(Deserialize)]
struct Wish {
    return_to: Option<String>,
}

/// Gives the client the URL to open, and a secret that binds this login to it.
async fn begin(State(site): State<Arc<Site>>, Json(wish): Json<Wish>) -> Response {
    let login = Login::with("github");
    // A path of this service, or none, which prevents an open redirect.
    let login = match wish.return_to.and_then(|path| path.parse::<ReturnTo>().ok()) {
        Some(path) => login.return_to(path),
        None => login,
    };
    site.begin(login).unwrap_or_else(|error| failed(error.status()))
}

/// The callback that the client received, and the secret that it kept.
#[derive(Deserialize)]
struct Caught {
    code: String,
    state: String,
    iss: Option<String>,
    login_secret: String,
}

/// Finishes the login that the same client started.
async fn finish(State(site): State<Arc<Site>>, Json(caught): Json<Caught>) -> Response {
    // On a task of its own: a client that disconnects must not leave a used state and an unused code.
    run_to_completion(async move { site.finish(caught).await }).await
}

impl Site {
    fn begin(&self, login: Login) -> Result<Response, BeginError> {
        let request = self.flow.begin(Binding::new_login_secret(), login)?;
        let url = request.url()?.to_string(); // with the PKCE challenge
        let seconds = request.expires_at.duration_since(std::time::SystemTime::now()).unwrap_or_default().as_secs();
        let (state, secret) = (request.state, request.login_secret); // the client keeps the secret by its state
        let body = json!({ "authorization_url": url, "state": state, "login_secret": secret, "expires_in": seconds });
        Ok(set_no_store(Json(body)))
    }

    async fn finish(&self, caught: Caught) -> Response {
        let Ok(binding) = Binding::login_secret(&caught.login_secret) else {
            tracing::warn!(code = "no_login_secret", "sign-in refused");
            return failed(400);
        };
        let iss = caught.iss.unwrap_or_default();
        let callback = Callback::from_pairs([("state", caught.state.as_str()), ("code", &caught.code), ("iss", &iss)]);
        let finished = match callback {
            Ok(callback) => self.flow.finish(binding, Expect::provider("github"), callback).await,
            Err(error) => Err(error),
        };
        match finished {
            Ok(LoginOutcome::Authorized(login)) => self.sign_in(login).await.unwrap_or_else(|error| {
                tracing::error!(code = "not_confirmed", error, "sign-in failed at GitHub");
                failed(502)
            }),
            // The client passes on codes only, and handles the provider's errors itself.
            Ok(_) => failed(400),
            // By the reference, support finds the reason in the log.
            Err(error) => failed_with(
                error.status(),
                json!({ "error": "sign_in_failed", "reference": error.reference().to_string() }),
            ),
        }
    }

    async fn sign_in(&self, login: Authorized<()>) -> Result<Response, String> {
        let mut exchange = self.client.exchange_code(login.code.into());
        if let Some(verifier) = login.code_verifier {
            exchange = exchange.set_pkce_verifier(verifier.into());
        }
        let tokens = exchange.request_async(&self.http).await.map_err(|error| why_no_token(&error))?;
        let user = self.user(tokens.access_token().secret()).await.map_err(|error| error.to_string())?;
        let path = login.origin.return_to.as_ref().map(ReturnTo::as_str);
        tracing::info!(code = "signed_in", "signed in");
        // Issue your own token for this client here.
        Ok(set_no_store(Json(json!({ "user": { "id": user.id, "login": user.login }, "return_to": path }))))
    }

    async fn user(&self, token: &str) -> Result<User, Failure> {
        let response = self.http.get(&self.user_endpoint).bearer_auth(token).send().await?.error_for_status()?;
        Ok(serde_json::from_slice(&response.bytes().await?)?)
    }
}

#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
}

/// GitHub reports errors with status 200, which the `oauth2` crate treats as tokens that it cannot read.
fn why_no_token(error: &BasicRequestTokenError<oauth2::HttpClientError<reqwest::Error>>) -> String {
    match error {
        BasicRequestTokenError::Parse(_, body) => match serde_json::from_slice::<BasicErrorResponse>(body) {
            Ok(error) => error.to_string(),
            Err(_) => "the answer is neither a token nor an error".to_owned(),
        },
        other => other.to_string(),
    }
}

/// 503: the same request may work later. Anything else: start again.
fn failed(status: u16) -> Response {
    failed_with(status, json!({ "error": "sign_in_failed" }))
}

fn failed_with(status: u16, body: Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    set_no_store((status, Json(body)).into_response())
}

// ---- The example itself --------------------------------------------------------------------------------------------

fn main() -> ExitCode {
    stand_in::program::run(HELP, serve, once)
}

async fn serve() -> Result<(), Failure> {
    let settings = Settings::from_environment()?;
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    println!("listening on {listen}");
    axum::serve(TcpListener::bind(listen).await?, app(settings)?).await?;
    Ok(())
}

async fn once(log: stand_in::log::Log) -> Result<stand_in::report::Report, Failure> {
    use stand_in::grants::Registration;
    use stand_in::program;
    use stand_in::user_agent::{Answer, UserAgent};
    use url::Url;

    let (listener, service) = program::listen("localhost").await?;
    // Nothing listens there: the client sees the address before it would be opened, as an app does.
    let callback_url = "http://127.0.0.1/callback".to_owned();
    let app_at_github = Registration::new("Iv1.8a61f9b3a7aba766", &callback_url)?;
    let github = stand_in::github::start(vec![app_at_github.clone()]).await?;
    let settings = Settings {
        client_id: app_at_github.client_id,
        client_secret: ClientSecret::new(app_at_github.client_secret),
        callback_url,
        keys: program::fresh_ring()?,
        issuer: github.issuer.clone(),
        authorization_endpoint: github.authorization_endpoint.clone(),
        token_endpoint: github.token_endpoint.clone(),
        user_endpoint: github.user_endpoint.clone(),
    };
    program::spawn(listener, app(settings)?);
    let [begin, finish] = ["begin", "finish"].map(|step| Url::parse(&format!("{service}/auth/github/{step}")));
    let (begin, finish) = (begin?, finish?);
    let mut report = stand_in::report::Report::default();

    // A client starts a login, opens the URL, and receives the callback: the JSON that it will post, its secret included.
    let catch = async |client: &mut UserAgent| -> Result<Value, Failure> {
        let begun: Value =
            serde_json::from_str(&client.post_json(&begin, &json!({ "return_to": "/basket" })).await?.body)?;
        let field = |name: &str| begun.get(name).and_then(Value::as_str).unwrap_or_default();
        let caught = client.authorize(&Url::parse(field("authorization_url"))?).await?;
        let [code, state, iss] = ["code", "state", "iss"].map(|name| caught.parameter(name));
        Ok(json!({ "code": code, "state": state, "iss": iss, "login_secret": field("login_secret") }))
    };
    let with = |caught: &Value, name: &str, value: &str| {
        let mut changed = caught.clone();
        if let Some(fields) = changed.as_object_mut() {
            fields.insert(name.to_owned(), value.into());
        }
        changed
    };
    let refused = |report: &mut stand_in::report::Report, what: &str, answer: &Answer, code: &str| {
        let held =
            answer.status == 400 && answer.code == code && answer.body.starts_with(r#"{"error":"sign_in_failed""#);
        report.check(what, &format!("{} {}", answer.status, answer.code), held, &format!("400 {code}"));
    };

    let mut ann = UserAgent::of("ann", &github.address, &log)?;
    let caught = catch(&mut ann).await?;
    let answer = ann.post_json(&finish, &caught).await?;
    report.signed_in("Ann signs in", &answer, r#""login":"ann""#);
    let to_the_basket = answer.body.contains(r#""return_to":"/basket""#);
    report.check("and is told where she wanted to go", &answer.body, to_the_basket, "/basket");
    let cookie = ann.has_cookie_of(&begin);
    report.check("no cookie was needed, and none was set", if cookie { "one" } else { "none" }, !cookie, "none");
    let answer = ann.post_json(&finish, &caught).await?;
    refused(&mut report, "the same answer again", &answer, "already_used");

    let mut bob = UserAgent::of("bob", &github.address, &log)?;
    let (anns, bobs) = (catch(&mut ann).await?, catch(&mut bob).await?);
    let secret_of = |caught: &Value| caught.get("login_secret").and_then(Value::as_str).unwrap_or_default().to_owned();
    let answer = ann.post_json(&finish, &with(&bobs, "login_secret", &secret_of(&anns))).await?;
    refused(&mut report, "Bob's answer with Ann's secret (login CSRF)", &answer, "other_client");
    let answer = ann.post_json(&finish, &with(&bobs, "login_secret", "")).await?;
    refused(&mut report, "Bob's answer without a secret", &answer, "no_login_secret");
    let answer = bob.post_json(&finish, &with(&bobs, "state", "ost1-made-up")).await?;
    refused(&mut report, "a state that an attacker made up", &answer, "malformed");
    let answer = bob.post_json(&finish, &with(&bobs, "iss", "https://login.mallory.example")).await?;
    refused(&mut report, "another server's iss (mix-up)", &answer, "issuer_mismatch");
    let answer = bob.post_json(&finish, &bobs).await?;
    report.signed_in("none of that used it up: Bob signs in", &answer, r#""login":"bob""#);

    let mallory = catch(&mut UserAgent::of("mallory", &github.address, &log)?).await?;
    let code = mallory.get("code").and_then(Value::as_str).unwrap_or_default();
    let answer = ann.post_json(&finish, &with(&anns, "code", code)).await?;
    report.not_confirmed("Mallory's code with Ann's state and secret", &answer, "bad_verification_code");
    let answer = ann.post_json(&finish, &json!({ "state": "…" })).await?;
    report.ends("JSON with something missing", &answer, 422, "");
    Ok(report)
}
