//! Signing users in with GitHub; the `oauth2` crate exchanges the code.
//!
//! ```text
//! cargo run --example github -- --once     # against a stand-in for GitHub: prints each step, exits 0 if all held
//! cargo run --example github -- --help     # what it needs to run against GitHub itself
//! ```
//!
//! Copy everything above the line `The example itself`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod stand_in;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode};
use oauth_state::outcome::AuthorizationError;
use oauth_state::provider::{Preset, Sourced};
use oauth_state::{
    App, Authorized, BeginError, Binding, Expect, FinishError, Flow, KeyRing, Login, LoginOutcome, Provider, ReturnTo,
    SingleProcessGuard,
};
use oauth_state_axum::{CallbackRequest, Rejected, redirect, run_to_completion, set_no_store};
use oauth2::basic::{BasicClient, BasicErrorResponse, BasicRequestTokenError};
use oauth2::{
    AccessToken, AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, RedirectUrl, TokenResponse, TokenUrl,
    reqwest,
};
use serde::Deserialize;
use tokio::net::TcpListener;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Client = BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// GitHub redirects users back to this path; register the full URL there.
const CALLBACK: &str = "/auth/github/callback";

const HELP: &str = "\
Signs users in with GitHub.

  cargo run --example github              serves on 127.0.0.1:8080, against GitHub
  cargo run --example github -- --once    signs in once against a stand-in, tries the attacks, and exits

Needs in the environment:

  GITHUB_CLIENT_ID       of an OAuth app (github.com/settings/developers)
  GITHUB_CLIENT_SECRET   its secret
  OAUTH_STATE_KEYS       the key ring that all servers share, from `oauth-state keys generate`
  PUBLIC_URL             the public URL of this service (default http://localhost:8080);
                         register PUBLIC_URL/auth/github/callback as the callback URL
  LISTEN                 the address to listen on (default 127.0.0.1:8080)";

/// The settings of one installation.
struct Settings {
    public_url: String,
    client_id: String,
    client_secret: ClientSecret,
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
            public_url: std::env::var("PUBLIC_URL").unwrap_or_else(|_| "http://localhost:8080".to_owned()),
            client_id: needed("GITHUB_CLIENT_ID")?,
            client_secret: ClientSecret::new(needed("GITHUB_CLIENT_SECRET")?),
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
    let redirect_uri = format!("{}{CALLBACK}", settings.public_url);
    let github = Provider::github()
        .client_id(&settings.client_id)
        .redirect_uri(&redirect_uri)
        .scopes(["read:user"])
        .authorization_endpoint(&settings.authorization_endpoint) // the preset knows GitHub's own; the stand-in differs
        // If an `iss` comes, it must be GitHub's (RFC 9207). GitHub calls its issuer a preview: without `issuer` it is
        // not compared, and the callback address still distinguishes GitHub from other providers (RFC 9700 section
        // 4.4.2).
        .issuer(&settings.issuer);
    let guard = SingleProcessGuard::with_capacity(1_000_000); // a fleet shares one: docs/guards.md
    let flow = Flow::builder(App::new("shop", "production")?, settings.keys, guard).provider(github).build()?;
    let client = BasicClient::new(ClientId::new(settings.client_id))
        .set_client_secret(settings.client_secret)
        .set_auth_type(AuthType::RequestBody) // the form that GitHub documents
        .set_token_uri(TokenUrl::new(settings.token_endpoint)?)
        .set_redirect_uri(RedirectUrl::new(redirect_uri)?);
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none()) // a response must not redirect this server (SSRF)
        .timeout(Duration::from_secs(10))
        .user_agent("shop") // GitHub's API refuses a request without one
        .build()?;
    let site = Site { flow, client, http, user_endpoint: settings.user_endpoint };
    Ok(Router::new().route("/auth/github", get(login)).route(CALLBACK, get(callback)).with_state(Arc::new(site)))
}

#[derive(Deserialize)]
struct Wish {
    /// The state of a refused callback that sent the browser here.
    again: Option<String>,
    return_to: Option<String>,
}

/// `GET /auth/github?return_to=/basket`, a link on a page of this service.
async fn login(State(site): State<Arc<Site>>, Query(wish): Query<Wish>, headers: HeaderMap) -> Response {
    let login = Login::with("github");
    // Only a path of this service, which prevents an open redirect.
    let login = match wish.return_to.and_then(|path| path.parse::<ReturnTo>().ok()) {
        Some(path) => login.return_to(path),
        None => login,
    };
    let binding = Binding::cookies(&headers);
    let restart = wish.again.and_then(|token| site.flow.restart(&token, &binding, Expect::provider("github")));
    let login = match &restart {
        Some(restart) => login.restarting(restart),
        None => login,
    };
    site.begin(binding, login).unwrap_or_else(|error| Rejected(error).into_response())
}

/// `GET /auth/github/callback?code=…&state=…`, to which GitHub sends the browser.
async fn callback(State(site): State<Arc<Site>>, request: Result<CallbackRequest, Rejected<FinishError>>) -> Response {
    // On its own task: a browser that disconnects must not leave a used state and an unused code.
    run_to_completion(async move {
        match request {
            Ok(request) => site.finish(request).await,
            // The crate logs the reason, with the reference that the page shows; the user sees only the generic message.
            Err(rejected) => rejected.into_response(),
        }
    })
    .await
}

impl Site {
    fn begin(&self, binding: Binding<'_>, login: Login) -> Result<Response, BeginError> {
        let request = self.flow.begin(binding, login)?;
        Ok(redirect(&request, request.url()?)) // sets the cookie; the URL has the PKCE challenge
    }

    async fn finish(&self, request: CallbackRequest) -> Response {
        let (headers, callback) = request.split();
        match self.flow.finish(headers.cookies(), Expect::provider("github"), callback).await {
            Ok(LoginOutcome::Authorized(login)) => match self.sign_in(login).await {
                Ok(response) => response,
                Err(error) => {
                    tracing::error!(code = "not_confirmed", error, "sign-in failed at GitHub");
                    set_no_store((StatusCode::BAD_GATEWAY, "GitHub did not confirm this sign-in. Please start again."))
                }
            },
            Ok(LoginOutcome::Denied(refusal)) if refusal.error == AuthorizationError::AccessDenied => {
                set_no_store(Redirect::to("/"))
            }
            Ok(_) => set_no_store((StatusCode::BAD_GATEWAY, "GitHub could not sign you in. Please try again later.")),
            // Expired, the back button, a lost cookie: the login restarts by itself, once.
            Err(error) => match error.restart().filter(|restart| restart.is_automatic()) {
                Some(restart) => {
                    // Through the login start, so that a rate limit there counts the restart.
                    set_no_store(Redirect::to(&format!("/auth/github?again={}", restart.token())))
                }
                None => Rejected(error).into_response(),
            },
        }
    }

    async fn sign_in(&self, login: Authorized<()>) -> Result<Response, String> {
        let mut exchange = self.client.exchange_code(login.code.into());
        if let Some(verifier) = login.code_verifier {
            exchange = exchange.set_pkce_verifier(verifier.into());
        }
        let tokens = exchange.request_async(&self.http).await.map_err(|error| why_no_token(&error))?;
        let user = self.user(tokens.access_token()).await.map_err(|error| error.to_string())?;
        let path = login.origin.return_to.map_or_else(|| "/".to_owned(), |path| path.to_string());
        tracing::info!(code = "signed_in", "signed in");
        // Start your session for `user.id` here, which stays the same when the login name changes, and redirect to `path`.
        Ok(set_no_store(format!("Signed in as {} (GitHub user {}). Continue at {path}", user.login, user.id)))
    }

    async fn user(&self, token: &AccessToken) -> Result<User, Failure> {
        let response =
            self.http.get(&self.user_endpoint).bearer_auth(token.secret()).send().await?.error_for_status()?;
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
            Err(_) => "the response is neither a token nor an error".to_owned(),
        },
        other => other.to_string(),
    }
}

// ---- The example itself --------------------------------------------------------------------------------------------

fn main() -> ExitCode {
    stand_in::program::run(HELP, serve, once)
}

async fn serve() -> Result<(), Failure> {
    let settings = Settings::from_environment()?;
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    println!("open {}/auth/github", settings.public_url);
    axum::serve(TcpListener::bind(listen).await?, app(settings)?).await?;
    Ok(())
}

async fn once(log: stand_in::log::Log) -> Result<stand_in::report::Report, Failure> {
    use stand_in::grants::Registration;
    use stand_in::program;
    use stand_in::user_agent::{Callback, UserAgent};

    let (listener, public_url) = program::listen("localhost").await?;
    let app_at_github = Registration::new("Iv1.8a61f9b3a7aba766", &format!("{public_url}{CALLBACK}"))?;
    let github = stand_in::github::start(vec![app_at_github.clone()]).await?;
    let settings = Settings {
        public_url: public_url.clone(),
        client_id: app_at_github.client_id,
        client_secret: ClientSecret::new(app_at_github.client_secret),
        keys: program::fresh_ring()?,
        issuer: github.issuer.clone(),
        authorization_endpoint: github.authorization_endpoint.clone(),
        token_endpoint: github.token_endpoint.clone(),
        user_endpoint: github.user_endpoint.clone(),
    };
    program::spawn(listener, app(settings)?);
    let start = format!("{public_url}/auth/github");
    let mut report = stand_in::report::Report::default();

    let mut ann = UserAgent::of("ann", &github.address, &log)?;
    let link = ann.callback(&format!("{start}?return_to=/basket?page=2")).await?;
    let answer = ann.open(&link).await?;
    report.signed_in("Ann signs in", &answer, "as ann");
    let held = answer.body.ends_with("Continue at /basket?page=2");
    report.check("and arrives at the requested page", &answer.body, held, "/basket?page=2");
    let answer = ann.open(&link).await?;
    report.restarts("the same link again", &answer, "already_used");
    let restarted = ann.callback(&format!("{public_url}{}", answer.location)).await?;
    let answer = ann.open(&restarted).await?;
    let held = answer.body.ends_with("Continue at /basket?page=2");
    report.check("the login start continues that login", &answer.body, held, "/basket?page=2");

    let mut bob = UserAgent::of("bob", &github.address, &log)?;
    let fresh = bob.callback(&start).await?;
    let answer = ann.open(&fresh).await?;
    report.refused("Bob's fresh link in Ann's browser (login CSRF)", &answer, "other_browser");
    let answer = UserAgent::new(&log)?.open(&fresh).await?;
    report.restarts("Bob's fresh link in a browser that was never here", &answer, "cookie_missing");
    let answer = bob.open(&fresh.with_one_character_changed()).await?;
    report.refused("Bob's fresh link with one character changed", &answer, "forged");
    let answer = bob.open(&fresh.with("iss", "https://login.mallory.example")).await?;
    report.refused("Bob's fresh link with another server's iss (mix-up)", &answer, "issuer_mismatch");
    let answer = bob.open(&fresh).await?;
    report.signed_in("none of that used it up: Bob signs in", &answer, "as bob");

    let mallory = UserAgent::of("mallory", &github.address, &log)?.callback(&start).await?;
    let answer = bob.callback(&start).await?.with("code", &mallory.parameter("code"));
    let answer = bob.open(&answer).await?;
    report.not_confirmed("Mallory's code in Bob's callback", &answer, "bad_verification_code");

    let mut carl = UserAgent::of("deny", &github.address, &log)?;
    let denied = carl.callback(&start).await?;
    let answer = carl.open(&denied).await?;
    report.ends("Carl says no at GitHub", &answer, 303, "access_denied");

    // Not the registered address: GitHub redirects to the registered one.
    let mut request = bob.begin(&start).await?;
    let changed = request.query().unwrap_or_default().replace("callback", "elsewhere");
    request.set_query(Some(&changed));
    let answer = bob.authorize(&request).await?;
    let at_the_registered_one = matches!(&answer, Callback::Get(address) if address.path() == CALLBACK);
    let answer = bob.open(&answer).await?;
    report.ends("a redirect_uri that is not registered", &answer, 502, "other");
    report.check("comes back to the registered one", CALLBACK, at_the_registered_one, "it");

    // A peculiarity of GitHub's token endpoint.
    let wrong = [("client_id", "Iv1.8a61f9b3a7aba766"), ("client_secret", "stale"), ("code", "none")];
    let wrong = wrong.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let answer = ann.open(&Callback::Post(github.token_endpoint.parse()?, wrong)).await?;
    let held = answer.status == 200 && answer.body.starts_with("error=incorrect_client_credentials&");
    report.check("an error with status 200, in form encoding unless asked", &answer.body, held, "200 error=…");

    let answer = ann.open(&Callback::Get(format!("{public_url}{CALLBACK}?error=access_denied").parse()?)).await?;
    report.refused("an error without a state", &answer, "missing_state");
    let link = ann.callback(&format!("{start}?return_to=//mallory.example/")).await?;
    let answer = ann.open(&link).await?;
    report.check(
        "a return path to another site is dropped",
        "/",
        answer.body.ends_with("Continue at /"),
        "the home page",
    );
    Ok(report)
}
