//! A service moves from a `HashMap` in each process to sealed states, and back, while users sign in.
//!
//! ```text
//! cargo run --example migrate_from_hashmap -- --once     # 0 → 10 → 50 → 100 → 0 % against a stand-in for GitHub
//! cargo run --example migrate_from_hashmap -- --help     # what it needs to run against GitHub itself
//! ```
//!
//! `docs/migrating.md` explains it step by step. Copy everything above the line `The example itself`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod stand_in;

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode};
use oauth_state::provider::Preset;
use oauth_state::{
    App, Binding, BoxFuture, Expect, FinishError, Flow, KeyRing, Login, Origin, Provider, SingleProcessGuard,
};
use oauth_state_axum::{CallbackRequest, Rejected, redirect, run_to_completion, set_no_store};
use oauth_state_store::{
    Consumed, Issued, LegacyStore, Migration, MigrationPlan, StateStore, StoreError, UnboundLegacyStore,
    is_form_of_this_crate,
};
use oauth2::basic::BasicClient;
use oauth2::{
    AuthType, AuthUrl, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, RedirectUrl, TokenUrl, reqwest,
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

const CALLBACK: &str = "/auth/github/callback";
/// The variable that holds the plan.
const PLAN: &str = "OAUTH_STATE_MIGRATION";

const HELP: &str = "\
Signs users in with GitHub, partly by a HashMap and partly by sealed states.

  cargo run --example migrate_from_hashmap              serves on 127.0.0.1:8080, against GitHub
  cargo run --example migrate_from_hashmap -- --once    migrates there and back against a stand-in, and exits

Needs in the environment:

  GITHUB_CLIENT_ID        of an OAuth app (github.com/settings/developers)
  GITHUB_CLIENT_SECRET    its secret
  OAUTH_STATE_KEYS        the key ring that all servers share, from `oauth-state keys generate`
  OAUTH_STATE_MIGRATION   such as `old=hashmap new=sealed percent=10`
  PUBLIC_URL              the public URL of this service (default http://localhost:8080);
                          register PUBLIC_URL/auth/github/callback as the callback URL
  LISTEN                  the address to listen on (default 127.0.0.1:8080)";

/// The service's data of a login. It was in the map, and is now in the sealed state.
#[derive(Clone, Serialize, Deserialize)]
struct OAuthState {
    project: String,
}

/// The legacy map, with its ten minutes.
#[derive(Clone, Default)]
struct OldMap(Arc<Mutex<HashMap<String, (OAuthState, Instant)>>>);

impl LegacyStore<OAuthState> for OldMap {
    fn insert<'a>(&'a self, _origin: Origin, data: OAuthState) -> BoxFuture<'a, Result<Issued, StoreError>> {
        let state = CsrfToken::new_random().into_secret();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(state.clone(), (data, Instant::now()));
        Box::pin(async { Ok(Issued::bare(state)) })
    }

    fn take<'a>(&'a self, state: &'a str) -> BoxFuture<'a, Result<Option<OAuthState>, StoreError>> {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(state);
        let taken = taken.filter(|(_, since)| since.elapsed() < Duration::from_secs(600)).map(|(data, _)| data);
        Box::pin(async { Ok(taken) })
    }

    fn owns(&self, state: &str) -> bool {
        !is_form_of_this_crate(state)
    }
}

/// Both stores under the names in the plan.
fn logins(settings: &Settings) -> Result<Migration<OAuthState>, Failure> {
    let guard = SingleProcessGuard::with_capacity(1_000_000); // a fleet shares one: docs/guards.md
    let redirect_uri = format!("{}{CALLBACK}", settings.public_url);
    let sealed = Flow::builder(App::new("shop", "production")?, settings.keys.clone(), guard)
        .carrying::<OAuthState>()
        .provider(Provider::github().redirect_uri(&redirect_uri))
        .build()?;
    let stores: [(&str, Arc<dyn StateStore<OAuthState>>); 2] =
        [("hashmap", Arc::new(UnboundLegacyStore::new(OldMap::default()))), ("sealed", Arc::new(sealed))];
    Ok(settings.plan.build(stores)?)
}

/// The settings of one installation.
struct Settings {
    public_url: String,
    client_id: String,
    client_secret: ClientSecret,
    keys: KeyRing,
    plan: MigrationPlan,
    authorization_endpoint: String,
    token_endpoint: String,
}

impl Settings {
    fn from_environment() -> Result<Self, Failure> {
        let needed = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
        let github = Preset::find("github").ok_or("no preset for GitHub")?;
        Ok(Self {
            public_url: std::env::var("PUBLIC_URL").unwrap_or_else(|_| "http://localhost:8080".to_owned()),
            client_id: needed("GITHUB_CLIENT_ID")?,
            client_secret: ClientSecret::new(needed("GITHUB_CLIENT_SECRET")?),
            keys: KeyRing::from_env()?,
            plan: MigrationPlan::from_env(PLAN)?,
            authorization_endpoint: github
                .authorization_endpoint
                .map(|figure| figure.value.to_owned())
                .unwrap_or_default(),
            token_endpoint: github.token_endpoint.map(|figure| figure.value.to_owned()).unwrap_or_default(),
        })
    }
}

/// The provider's struct. Only the field `state_store` changed: it was an `Arc<RwLock<HashMap<String, OAuthState>>>`.
struct GithubProvider {
    client: Client,
    http: reqwest::Client,
    state_store: Arc<dyn StateStore<OAuthState>>,
}

impl GithubProvider {
    fn new(settings: Settings, state_store: Arc<dyn StateStore<OAuthState>>) -> Result<Self, Failure> {
        let client = BasicClient::new(ClientId::new(settings.client_id))
            .set_client_secret(settings.client_secret)
            .set_auth_type(AuthType::RequestBody) // the form that GitHub documents
            .set_auth_uri(AuthUrl::new(settings.authorization_endpoint)?)
            .set_token_uri(TokenUrl::new(settings.token_endpoint)?)
            .set_redirect_uri(RedirectUrl::new(format!("{}{CALLBACK}", settings.public_url))?);
        // A response must not redirect this server (SSRF).
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        Ok(Self { client, http: http.timeout(Duration::from_secs(10)).build()?, state_store })
    }

    async fn begin(&self, browser: Binding<'_>, project: &str) -> Response {
        let login = Login::with("github").data(OAuthState { project: project.to_owned() });
        let issued = match self.state_store.issue(browser, login).await {
            Ok(issued) => issued,
            Err(error) => return Rejected(error).into_response(),
        };
        let mut request = self.client.authorize_url(|| issued.csrf_token());
        // The map has no PKCE; every other store does.
        if let Some(challenge) = issued.pkce_challenge() {
            request = request.set_pkce_challenge(challenge);
        }
        redirect(&issued, request.url().0.as_str())
    }

    async fn finish(&self, request: CallbackRequest) -> Response {
        let (headers, callback) = request.split();
        let login = match self.state_store.consume(headers.cookies(), Expect::provider("github"), callback).await {
            Ok(Consumed::Code(login)) => login,
            Ok(_) => return set_no_store((StatusCode::OK, "You are not signed in.")),
            // The crate logs the reason, with the reference in the response; the user sees only the generic message.
            Err(error) => return Rejected(error).into_response(),
        };
        let mut exchange = self.client.exchange_code(login.code.into());
        if let Some(verifier) = login.code_verifier {
            exchange = exchange.set_pkce_verifier(verifier.into());
        }
        match exchange.request_async(&self.http).await {
            Ok(_tokens) => {
                // Identify the user and start your session here.
                tracing::info!(code = "signed_in", "signed in");
                set_no_store(format!("Signed in to {}", login.data.project))
            }
            Err(error) => {
                tracing::error!(code = "not_confirmed", error = %error, "sign-in failed at GitHub");
                set_no_store((StatusCode::BAD_GATEWAY, "GitHub did not confirm this sign-in. Please start again."))
            }
        }
    }
}

fn app(github: GithubProvider) -> Router {
    let routes = Router::new().route("/auth/github", get(login)).route(CALLBACK, get(callback));
    routes.with_state(Arc::new(github))
}

async fn login(State(github): State<Arc<GithubProvider>>, headers: HeaderMap) -> Response {
    github.begin(Binding::cookies(&headers), "the red project").await
}

async fn callback(
    State(github): State<Arc<GithubProvider>>,
    request: Result<CallbackRequest, Rejected<FinishError>>,
) -> Response {
    // On its own task: a browser that disconnects must not leave a used state and an unused code.
    run_to_completion(async move {
        match request {
            Ok(request) => github.finish(request).await,
            Err(rejected) => rejected.into_response(),
        }
    })
    .await
}

// ---- The example itself --------------------------------------------------------------------------------------------

fn main() -> ExitCode {
    stand_in::program::run(HELP, serve, once)
}

async fn serve() -> Result<(), Failure> {
    let settings = Settings::from_environment()?;
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    println!("open {}/auth/github", settings.public_url);
    let logins = logins(&settings)?;
    axum::serve(TcpListener::bind(listen).await?, app(GithubProvider::new(settings, Arc::new(logins))?)).await?;
    Ok(())
}

async fn once(log: stand_in::log::Log) -> Result<stand_in::report::Report, Failure> {
    use stand_in::grants::Registration;
    use stand_in::program;
    use stand_in::user_agent::UserAgent;

    let (listener, public_url) = program::listen("localhost").await?;
    let registered = Registration::new("Iv1.8a61f9b3a7aba766", &format!("{public_url}{CALLBACK}"))?;
    let github = stand_in::github::start(vec![registered.clone()]).await?;
    let plan = |percent: u8| format!("old=hashmap new=sealed percent={percent}").parse::<MigrationPlan>();
    let settings = Settings {
        public_url: public_url.clone(),
        client_id: registered.client_id,
        client_secret: ClientSecret::new(registered.client_secret),
        keys: program::fresh_ring()?,
        plan: plan(0)?,
        authorization_endpoint: github.authorization_endpoint.clone(),
        token_endpoint: github.token_endpoint.clone(),
    };
    let running = settings.plan.clone();
    let logins = logins(&settings)?;
    program::spawn(listener, app(GithubProvider::new(settings, Arc::new(logins.clone()))?));
    let start = format!("{public_url}/auth/github");
    let mut report = stand_in::report::Report::default();

    // Ann starts on the map, and is still at GitHub when everything has moved.
    let mut ann = UserAgent::of("ann", &github.address, &log)?;
    let from_before = ann.callback(&start).await?;
    let mut bob = UserAgent::of("bob", &github.address, &log)?;
    for percent in [0, 10, 50, 100, 0] {
        running.apply(&plan(percent)?, &logins)?;
        let before = logins.counts();
        let mut outcomes = Vec::new();
        for _ in 0..20 {
            let link = bob.callback(&start).await?;
            outcomes.push(bob.open(&link).await?.code);
        }
        let signed_in = outcomes.iter().filter(|code| *code == "signed_in").count();
        let counts = logins.counts();
        let old = counts.old.issued.saturating_sub(before.old.issued);
        let new = counts.new.issued.saturating_sub(before.new.issued);
        let on_the_right_side = match percent {
            0 => new == 0,
            100 => old == 0,
            _ => old.saturating_add(new) == 20,
        };
        let answer = format!("{signed_in} of 20 signed in: {old} by the map, {new} sealed");
        report.check(&format!("{percent} %"), &answer, signed_in == 20 && on_the_right_side, "20, on the right side");
        if percent == 100 {
            let answer = ann.open(&from_before).await?;
            report.signed_in("a login from before, which the map started", &answer, "the red project");
        }
    }
    let counts = logins.counts();
    let even = counts.old.issued == counts.old.consumed && counts.new.issued == counts.new.consumed;
    let total = counts.old.issued.saturating_add(counts.new.issued);
    report.check(
        "every login was finished on the side where it started",
        &format!("{total} of {total}"),
        even,
        "as many as started",
    );

    // The difference for an attacker.
    running.apply(&plan(0)?, &logins)?;
    let mallory = UserAgent::of("mallory", &github.address, &log)?.callback(&start).await?;
    let answer = bob.open(&mallory).await?;
    report.signed_in("Mallory's link in Bob's browser, by the map: login CSRF", &answer, "the red project");
    running.apply(&plan(100)?, &logins)?;
    let _ = bob.begin(&start).await?;
    let mallory = UserAgent::of("mallory", &github.address, &log)?.callback(&start).await?;
    let answer = bob.open(&mallory).await?;
    report.refused("Mallory's link in Bob's browser, sealed", &answer, "other_browser");
    Ok(report)
}
