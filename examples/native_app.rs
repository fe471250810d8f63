//! Signing users in with GitHub from a native app. The app starts the login, GitHub redirects the browser to this service, and
//! the callback page hands `code` and `state` over to the app by a deep link. The app finishes with the secret that it kept.
//!
//! ```text
//! cargo run --example native_app -- --once     # against a stand-in for GitHub: prints each step, exits 0 if all held
//! cargo run --example native_app -- --help     # what it needs to run against GitHub itself
//! ```
//!
//! Copy everything above the line `The example itself`. `docs/clients.md` explains each step; a client that receives the
//! callback itself needs no hand-over: see `json_api.rs`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod stand_in;

use std::collections::HashMap;
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
    App, Authorized, BeginError, Binding, Callback, Expect, Flow, KeyRing, Login, LoginOutcome, Provider,
    SingleProcessGuard,
};
use oauth_state_axum::{LoginRoutes, router, run_to_completion, set_no_store};
use oauth2::reqwest;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::{Url, form_urlencoded};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The redirect id of logins that the app starts. The browser's logins have none.
const OF_THE_APP: &str = "app";

const HELP: &str = "\
Signs users in with GitHub in a native app, by a deep link.

  cargo run --example native_app              serves on 127.0.0.1:8080, against GitHub
  cargo run --example native_app -- --once    signs in once against a stand-in, tries what an attacker would, and ends

  POST /app/login            -> {\"authorization_url\": ..., \"state\": ..., \"login_secret\": ...}
  GET  /auth/github/callback    a page that opens APP_LINK with the callback's parameters
  POST /app/callback         {\"parameters\": \"code=...&state=...\", \"login_secret\": ...} -> {\"user\": ...}

Needs in the environment:

  GITHUB_CLIENT_ID       of an OAuth app (github.com/settings/developers)
  GITHUB_CLIENT_SECRET   its secret, which stays on this server
  PUBLIC_URL             where browsers reach this server; register {PUBLIC_URL}/auth/github/callback at GitHub
  APP_LINK               what opens your app: an https link that the operating system ties to it, or a private scheme
  OAUTH_STATE_KEYS       the key ring that all servers share: `oauth-state keys generate` makes one
  LISTEN                 where to listen (default 127.0.0.1:8080)";

// ---- The service -----------------------------------------------------------------------------------------------------

/// The settings of one installation.
struct Settings {
    client_id: String,
    client_secret: String,
    public_url: String,
    app_link: String,
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
            client_secret: needed("GITHUB_CLIENT_SECRET")?,
            public_url: needed("PUBLIC_URL")?,
            app_link: needed("APP_LINK")?,
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
    http: reqwest::Client,
    client_secret: String,
    token_endpoint: String,
    user_endpoint: String,
}

fn app(settings: Settings) -> Result<Router, Failure> {
    let callback = format!("{}/auth/github/callback", settings.public_url);
    let github = Provider::github()
        .client_id(&settings.client_id)
        .redirect_uri(&callback)
        .named_redirect_uri(OF_THE_APP, &callback) // the same address; the id in the state tells the two apart
        .authorization_endpoint(&settings.authorization_endpoint) // the preset knows GitHub's own; the stand-in differs
        .issuer(&settings.issuer);
    let guard = SingleProcessGuard::with_capacity(1_000_000); // a fleet shares one: docs/guards.md
    let flow = Flow::builder(App::new("shop", "production")?, settings.keys, guard).provider(github).build()?;
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none()) // a response must not redirect this server (SSRF)
        .timeout(Duration::from_secs(10))
        .user_agent("shop") // GitHub's API refuses a request without one
        .build()?;
    let site = Arc::new(Site {
        flow: flow.clone(),
        http,
        client_secret: settings.client_secret,
        token_endpoint: settings.token_endpoint,
        user_endpoint: settings.user_endpoint,
    });
    let on_the_web = Arc::clone(&site);
    let routes = LoginRoutes::builder(flow)
        .hand_over(OF_THE_APP, &settings.app_link)
        .on_login(move |login, _request| {
            let site = Arc::clone(&on_the_web);
            async move { Ok(format!("signed in as {} in the browser", site.user(&login).await?.login)) }
        })
        .build()?;
    let handlers = Router::new().route("/app/login", post(begin)).route("/app/callback", post(finish));
    Ok(handlers.with_state(site).merge(router(routes)))
}

/// Gives the app the URL to open, and a secret that binds this login to it. It needs no session and no cookie.
async fn begin(State(site): State<Arc<Site>>) -> Response {
    site.begin().unwrap_or_else(|error| failed(error.status()))
}

/// The query of the deep link, as the app received it, and the secret that the app kept.
#[derive(Deserialize)]
struct Received {
    parameters: String,
    login_secret: String,
}

/// Finishes the login that the same app started.
async fn finish(State(site): State<Arc<Site>>, Json(received): Json<Received>) -> Response {
    // On a task of its own: an app that disconnects must not leave a used state and an unused code.
    run_to_completion(async move { site.finish(&received).await }).await
}

impl Site {
    fn begin(&self) -> Result<Response, BeginError> {
        let request = self.flow.begin(Binding::new_login_secret(), Login::with("github").redirect(OF_THE_APP))?;
        let url = request.url()?.to_string(); // with the PKCE challenge
        let body = json!({ "authorization_url": url, "state": request.state, "login_secret": request.login_secret });
        Ok(set_no_store(Json(body)))
    }

    async fn finish(&self, received: &Received) -> Response {
        // The binding is always the client's secret. Without one nothing is finished: there is no unbound path.
        let Ok(binding) = Binding::login_secret(&received.login_secret) else {
            tracing::warn!(code = "no_login_secret", "sign-in refused");
            return failed(400);
        };
        let finished = match Callback::from_query(&received.parameters) {
            Ok(callback) => self.flow.finish(binding, Expect::provider("github").redirect(OF_THE_APP), callback).await,
            Err(error) => Err(error),
        };
        match finished {
            Ok(LoginOutcome::Authorized(login)) => self.sign_in(&login).await.unwrap_or_else(|error| {
                tracing::error!(code = "not_confirmed", error = %error, "sign-in failed at GitHub");
                failed(502)
            }),
            Ok(_) => failed(403),
            // By the reference, support finds the reason in the log.
            Err(error) => failed_with(
                error.status(),
                json!({ "error": "sign_in_failed", "reference": error.reference().to_string() }),
            ),
        }
    }

    async fn sign_in(&self, login: &Authorized<()>) -> Result<Response, Failure> {
        let user = self.user(login).await?;
        tracing::info!(code = "signed_in", "signed in");
        // Issue your own token for this app here.
        Ok(set_no_store(Json(json!({ "user": { "id": user.id, "login": user.login } }))))
    }

    /// Exchanges the code, with the verifier and this server's client secret, and asks who the user is.
    async fn user(&self, login: &Authorized<()>) -> Result<User, Failure> {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(login.token_form())
            .append_pair("client_secret", &self.client_secret)
            .finish();
        let request = self.http.post(&self.token_endpoint).header("accept", "application/json");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        let response = request.send().await?.error_for_status()?;
        // GitHub reports errors with status 200, and without this member.
        let tokens: Tokens = serde_json::from_slice(&response.bytes().await?)?;
        let response = self.http.get(&self.user_endpoint).bearer_auth(tokens.access_token).send().await?;
        Ok(serde_json::from_slice(&response.error_for_status()?.bytes().await?)?)
    }
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
}

#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
}

/// 503: the same request may work later. Anything else: start again.
fn failed(status: u16) -> Response {
    failed_with(status, json!({ "error": "sign_in_failed" }))
}

fn failed_with(status: u16, body: Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    set_no_store((status, Json(body)).into_response())
}

// ---- The app ---------------------------------------------------------------------------------------------------------

/// The login secret of each login that the app started, by its state. If the operating system may end your app during a
/// login, keep it in the system's secret store. Forget a login when its state has expired.
#[derive(Default)]
struct PendingLogins(HashMap<String, String>);

impl PendingLogins {
    fn keep(&mut self, state: &str, login_secret: &str) {
        self.0.insert(state.to_owned(), login_secret.to_owned());
    }

    /// What to post for a link that the app was opened with, or nothing if this app did not start its login. Each secret is
    /// given once. A link without a secret here is an attacker's attempt to sign the user in to another account (login CSRF).
    fn callback_of(&mut self, link: &Url) -> Option<Value> {
        let (_, state) = link.query_pairs().find(|(name, _)| name == "state")?;
        let login_secret = self.0.remove(&*state)?;
        Some(json!({ "parameters": link.query()?, "login_secret": login_secret }))
    }
}

// ---- The example itself ----------------------------------------------------------------------------------------------

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

    let (listener, service) = program::listen("localhost").await?;
    let app_at_github = Registration::new("Iv1.8a61f9b3a7aba766", &format!("{service}/auth/github/callback"))?;
    let github = stand_in::github::start(vec![app_at_github.clone()]).await?;
    let settings = Settings {
        client_id: app_at_github.client_id,
        client_secret: app_at_github.client_secret,
        public_url: service.clone(),
        app_link: "com.shop.app:/signed-in".to_owned(),
        keys: program::fresh_ring()?,
        issuer: github.issuer.clone(),
        authorization_endpoint: github.authorization_endpoint.clone(),
        token_endpoint: github.token_endpoint.clone(),
        user_endpoint: github.user_endpoint.clone(),
    };
    program::spawn(listener, app(settings)?);
    let (login, callback) =
        (Url::parse(&format!("{service}/app/login"))?, Url::parse(&format!("{service}/app/callback"))?);
    let mut report = stand_in::report::Report::default();

    // An app starts a login and keeps its secret; gives the URL that it opens in the browser.
    let start = async |app: &mut PendingLogins, http: &mut UserAgent| -> Result<Url, Failure> {
        let begun: Value = serde_json::from_str(&http.post_json(&login, &json!({})).await?.body)?;
        let field = |name: &str| begun.get(name).and_then(Value::as_str).unwrap_or_default();
        app.keep(field("state"), field("login_secret"));
        Ok(Url::parse(field("authorization_url"))?)
    };
    // The browser agrees at GitHub and follows the redirect to the service: its page, and the link that the page opens.
    let hand_over = async |browser: &mut UserAgent, url: &Url| -> Result<(Answer, Url), Failure> {
        let callback = browser.authorize(url).await?;
        let page = browser.open(&callback).await?;
        let link = page.body.split("href=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let link = Url::parse(&link.replace("&amp;", "&"))?;
        Ok((page, link))
    };
    let refused = |report: &mut stand_in::report::Report, what: &str, answer: &Answer, status: u16, code: &str| {
        let held =
            answer.status == status && answer.code == code && answer.body.starts_with(r#"{"error":"sign_in_failed""#);
        report.check(what, &format!("{} {}", answer.status, answer.code), held, &format!("{status} {code}"));
    };
    let told = |posted: &Option<Value>| if posted.is_some() { "posted" } else { "refused by the app" };

    let (mut anns_app, mut ann) = (PendingLogins::default(), UserAgent::of("ann", &github.address, &log)?);
    let url = start(&mut anns_app, &mut ann).await?;
    let (page, link) = hand_over(&mut ann, &url).await?;
    let opens = page.status == 200 && link.as_str().starts_with("com.shop.app:/signed-in?");
    report.check("the callback's page opens the app", &page.status.to_string(), opens, "200, and the app's link");
    let cookie = ann.has_cookie_of(&login);
    report.check("the browser got no cookie", if cookie { "one" } else { "none" }, !cookie, "none");

    // Another app that claimed the same scheme is opened instead, with Ann's code and state.
    let (mut other_app, mut other) = (PendingLogins::default(), UserAgent::new(&log)?);
    start(&mut other_app, &mut other).await?;
    let posted = other_app.callback_of(&link);
    report.check("another app that claimed the link kept nothing for it", told(&posted), posted.is_none(), "none");
    for (what, secret) in
        [("it posts the secret of a login of its own", other_app.0.values().next()), ("it posts no secret", None)]
    {
        let secret = secret.cloned().unwrap_or_default();
        let body = json!({ "parameters": link.query(), "login_secret": secret });
        let code = if secret.is_empty() { "no_login_secret" } else { "other_client" };
        refused(&mut report, what, &other.post_json(&callback, &body).await?, 400, code);
    }
    let posted = anns_app.callback_of(&link).ok_or("the app lost its secret")?;
    let answer = ann.post_json(&callback, &posted).await?;
    report.signed_in("Ann's app finishes with its secret", &answer, r#""login":"ann""#);
    refused(&mut report, "the same request again", &ann.post_json(&callback, &posted).await?, 400, "already_used");
    let again = anns_app.callback_of(&link);
    report.check("the link again", told(&again), again.is_none(), "refused by the app");

    // Login CSRF: Mallory authorizes a login of an app of his own, and makes Ann's phone open the link.
    let (mut mallorys_app, mut mallory) = (PendingLogins::default(), UserAgent::of("mallory", &github.address, &log)?);
    let url = start(&mut mallorys_app, &mut mallory).await?;
    let (_, mallorys) = hand_over(&mut mallory, &url).await?;
    let anns = start(&mut anns_app, &mut ann).await?;
    let posted = anns_app.callback_of(&mallorys);
    report.check("Mallory's link in Ann's app (login CSRF)", told(&posted), posted.is_none(), "refused by the app");
    let body = json!({ "parameters": mallorys.query(), "login_secret": anns_app.0.values().next() });
    refused(
        &mut report,
        "an app that posts it all the same",
        &ann.post_json(&callback, &body).await?,
        400,
        "other_client",
    );
    let (_, link) = hand_over(&mut ann, &anns).await?;
    let posted = anns_app.callback_of(&link).ok_or("the app lost its secret")?;
    let answer = ann.post_json(&callback, &posted).await?;
    report.signed_in("none of that used up Ann's own login", &answer, r#""login":"ann""#);

    let (mut dans_app, mut dan) = (PendingLogins::default(), UserAgent::of("deny", &github.address, &log)?);
    let url = start(&mut dans_app, &mut dan).await?;
    let (_, link) = hand_over(&mut dan, &url).await?;
    let posted = dans_app.callback_of(&link).ok_or("the app lost its secret")?;
    refused(&mut report, "Dan says no at GitHub", &dan.post_json(&callback, &posted).await?, 403, "access_denied");

    let on_the_web = ann.callback(&format!("{service}/auth/github")).await?;
    let answer = ann.open(&on_the_web).await?;
    let held = answer.status == 200 && answer.body == "signed in as ann in the browser";
    report.check("a login of the browser at the same address", &answer.body, held, "signed in as ann in the browser");
    Ok(report)
}
