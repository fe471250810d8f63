//! Signing users in with Google: the `openidconnect` crate exchanges the code and verifies the ID token, its nonce included.
//! Accounts can be limited to one Workspace.
//!
//! ```text
//! cargo run --example google -- --once     # against a stand-in for Google: prints each step, exits 0 if all held
//! cargo run --example google -- --help     # what it needs to run against Google itself
//! ```
//!
//! Copy everything above the line `The example itself`. For any other OpenID provider, start from `Provider::oidc` and set its
//! authorization endpoint.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod stand_in;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
use openidconnect::core::{
    CoreClient, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::{
    AdditionalClaims, ClientId, ClientSecret, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdToken, IssuerUrl, Nonce,
    RedirectUrl, TokenResponse, reqwest,
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// Google redirects users back to this path; register the full URL there.
const CALLBACK: &str = "/auth/google/callback";
/// How long Google's metadata and keys are used before they are fetched again.
const METADATA_LIFETIME: Duration = Duration::from_secs(3600);

const HELP: &str = "\
Signs users in with Google.

  cargo run --example google              serves on 127.0.0.1:8080, against Google
  cargo run --example google -- --once    signs in once against a stand-in, tries the attacks, and exits

Needs in the environment:

  GOOGLE_CLIENT_ID       of an OAuth client (console.cloud.google.com/apis/credentials)
  GOOGLE_CLIENT_SECRET   its secret
  GOOGLE_WORKSPACE       accepts accounts of this Workspace domain only (default: all accounts)
  OAUTH_STATE_KEYS       the key ring that all servers share, from `oauth-state keys generate`
  PUBLIC_URL             the public URL of this service (default http://localhost:8080);
                         register PUBLIC_URL/auth/google/callback as an authorized redirect URI
  LISTEN                 the address to listen on (default 127.0.0.1:8080)";

/// The settings of one installation.
struct Settings {
    public_url: String,
    client_id: String,
    client_secret: ClientSecret,
    workspace: Option<String>,
    keys: KeyRing,
    issuer: String,
    authorization_endpoint: String,
}

impl Settings {
    fn from_environment() -> Result<Self, Failure> {
        let needed = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
        let google = Preset::find("google").ok_or("no preset for Google")?;
        let known = |figure: Option<Sourced<&'static str>>| figure.map(|figure| figure.value).unwrap_or_default();
        Ok(Self {
            public_url: std::env::var("PUBLIC_URL").unwrap_or_else(|_| "http://localhost:8080".to_owned()),
            client_id: needed("GOOGLE_CLIENT_ID")?,
            client_secret: ClientSecret::new(needed("GOOGLE_CLIENT_SECRET")?),
            workspace: std::env::var("GOOGLE_WORKSPACE").ok().filter(|domain| !domain.is_empty()),
            keys: KeyRing::from_env()?, // or LiveKeyRing::load, which rotates keys without a restart: docs/rotation.md
            issuer: known(google.issuer).to_owned(),
            authorization_endpoint: known(google.authorization_endpoint).to_owned(),
        })
    }
}

struct Site {
    flow: Flow,
    http: reqwest::Client,
    settings: Settings,
    metadata: Mutex<Option<(Instant, CoreProviderMetadata)>>,
}

fn app(settings: Settings) -> Result<Router, Failure> {
    let google = Provider::google()
        .client_id(&settings.client_id)
        .redirect_uri(&settings.redirect_uri())
        .scopes(["openid", "email"]) // `openid` brings the nonce with it
        .authorization_endpoint(&settings.authorization_endpoint) // the preset knows Google's own; the stand-in differs
        // If an `iss` comes, it must be Google's (RFC 9207). Google sends it; `requires_iss` would require it.
        .issuer(&settings.issuer);
    let guard = SingleProcessGuard::with_capacity(1_000_000); // a fleet shares one: docs/guards.md
    let flow = Flow::builder(App::new("shop", "production")?, settings.keys.clone(), guard).provider(google).build()?;
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none()) // a response must not redirect this server (SSRF)
        .timeout(Duration::from_secs(10))
        .build()?;
    let site = Site { flow, http, settings, metadata: Mutex::default() };
    Ok(Router::new().route("/auth/google", get(login)).route(CALLBACK, get(callback)).with_state(Arc::new(site)))
}

#[derive(Deserialize)]
struct Wish {
    /// The state of a refused callback that sent the browser here.
    again: Option<String>,
    return_to: Option<String>,
}

/// `GET /auth/google?return_to=/basket`, a link on a page of this service.
async fn login(State(site): State<Arc<Site>>, Query(wish): Query<Wish>, headers: HeaderMap) -> Response {
    let login = Login::with("google");
    // Only a path of this service, which prevents an open redirect.
    let login = match wish.return_to.and_then(|path| path.parse::<ReturnTo>().ok()) {
        Some(path) => login.return_to(path),
        None => login,
    };
    let binding = Binding::cookies(&headers);
    let restart = wish.again.and_then(|token| site.flow.restart(&token, &binding, Expect::provider("google")));
    let login = match &restart {
        Some(restart) => login.restarting(restart),
        None => login,
    };
    site.begin(binding, login).unwrap_or_else(|error| Rejected(error).into_response())
}

/// `GET /auth/google/callback?code=…&state=…&iss=…`, to which Google sends the browser.
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
        let mut url = request.url()?; // with the PKCE challenge and the nonce
        // Google shows the accounts of that domain first. It is only a hint; `confirm` enforces it.
        if let Some(domain) = &self.settings.workspace {
            url = url.param("hd", domain)?;
        }
        Ok(redirect(&request, url)) // sets the cookie
    }

    async fn finish(&self, request: CallbackRequest) -> Response {
        let (headers, callback) = request.split();
        match self.flow.finish(headers.cookies(), Expect::provider("google"), callback).await {
            Ok(LoginOutcome::Authorized(login)) => {
                self.confirm(login).await.unwrap_or_else(|error| not_confirmed(&*error))
            }
            Ok(LoginOutcome::Denied(refusal)) if refusal.error == AuthorizationError::AccessDenied => {
                set_no_store(Redirect::to("/"))
            }
            Ok(_) => not_confirmed(&*Failure::from("Google answered with an error")),
            // Expired, the back button, a lost cookie: the login restarts by itself, once.
            Err(error) => match error.restart().filter(|restart| restart.is_automatic()) {
                Some(restart) => {
                    // Through the login start, so that a rate limit there counts the restart.
                    set_no_store(Redirect::to(&format!("/auth/google?again={}", restart.token())))
                }
                None => Rejected(error).into_response(),
            },
        }
    }

    /// Exchanges the code, and accepts the ID token only with this login's nonce.
    async fn confirm(&self, login: Authorized<()>) -> Result<Response, Failure> {
        let client = self.client().await?;
        let mut exchange = client.exchange_code(login.code.into())?;
        if let Some(verifier) = login.code_verifier {
            exchange = exchange.set_pkce_verifier(verifier.into());
        }
        let tokens = exchange.request_async(&self.http).await?;
        let id_token: GoogleIdToken = tokens.id_token().ok_or("no ID token came")?.to_string().parse()?;
        // Signature, issuer, audience, time and nonce (OpenID Connect Core section 3.1.3.7).
        let nonce: Nonce = login.nonce.ok_or("the login has no nonce")?.into();
        let claims = id_token.claims(&client.id_token_verifier(), &nonce)?;
        if self.settings.workspace.is_some() && claims.additional_claims().hd != self.settings.workspace {
            return Err("the account is not of the Workspace".into());
        }
        let email = claims.email().map(|email| email.as_str()).unwrap_or_default();
        let path = login.origin.return_to.map_or_else(|| "/".to_owned(), |path| path.to_string());
        tracing::info!(code = "signed_in", "signed in");
        // Start your session for `claims.subject()` here, which stays the same when the address changes, and redirect to `path`.
        Ok(set_no_store(format!(
            "Signed in as {email} (Google account {}). Continue at {path}",
            claims.subject().as_str()
        )))
    }

    async fn client(&self) -> Result<Client, Failure> {
        let mut known = self.metadata.lock().await;
        let metadata = match &*known {
            Some((asked_at, metadata)) if asked_at.elapsed() < METADATA_LIFETIME => metadata.clone(),
            _ => {
                let issuer = IssuerUrl::new(self.settings.issuer.clone())?;
                let metadata = CoreProviderMetadata::discover_async(issuer, &self.http).await?;
                known.insert((Instant::now(), metadata)).1.clone()
            }
        };
        let Settings { client_id, client_secret, .. } = &self.settings;
        let id = ClientId::new(client_id.clone());
        Ok(CoreClient::from_provider_metadata(metadata, id, Some(client_secret.clone()))
            .set_auth_type(openidconnect::AuthType::RequestBody)
            .set_redirect_uri(RedirectUrl::new(self.settings.redirect_uri())?))
    }
}

impl Settings {
    fn redirect_uri(&self) -> String {
        format!("{}{CALLBACK}", self.public_url)
    }
}

/// Google's own claim besides the standard ones: the Workspace domain of the account, if it has one.
#[derive(Debug, Deserialize, Serialize)]
struct GoogleClaims {
    hd: Option<String>,
}

impl AdditionalClaims for GoogleClaims {}

type GoogleIdToken = IdToken<GoogleClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

/// Google could not be reached, or its response was not for this login.
fn not_confirmed(error: &(dyn std::error::Error + 'static)) -> Response {
    tracing::error!(code = "not_confirmed", error, "sign-in failed at Google");
    set_no_store((StatusCode::BAD_GATEWAY, "Google did not confirm this sign-in. Please start again."))
}

// ---- The example itself --------------------------------------------------------------------------------------------

fn main() -> ExitCode {
    stand_in::program::run(HELP, serve, once)
}

async fn serve() -> Result<(), Failure> {
    let settings = Settings::from_environment()?;
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    println!("open {}/auth/google", settings.public_url);
    axum::serve(TcpListener::bind(listen).await?, app(settings)?).await?;
    Ok(())
}

async fn once(log: stand_in::log::Log) -> Result<stand_in::report::Report, Failure> {
    use stand_in::grants::Registration;
    use stand_in::openid::Trouble;
    use stand_in::program;
    use stand_in::user_agent::UserAgent;

    let (listener, public_url) = program::listen("localhost").await?;
    let client = Registration::new("1234.apps.googleusercontent.com", &format!("{public_url}{CALLBACK}"))?;
    let google = stand_in::google::start(client.clone()).await?;
    let settings = Settings {
        public_url: public_url.clone(),
        client_id: client.client_id,
        client_secret: ClientSecret::new(client.client_secret),
        workspace: Some("shop.example".to_owned()),
        keys: program::fresh_ring()?,
        issuer: google.issuer.clone(),
        authorization_endpoint: format!("{}/o/oauth2/v2/auth", google.issuer),
    };
    program::spawn(listener, app(settings)?);
    let start = format!("{public_url}/auth/google");
    let mut report = stand_in::report::Report::default();

    let mut ann = UserAgent::of("ann@shop.example", &google.issuer, &log)?;
    let link = ann.callback(&format!("{start}?return_to=/basket")).await?;
    let answer = ann.open(&link).await?;
    report.signed_in("Ann of the Workspace signs in", &answer, "as ann@shop.example");
    let answer = ann.open(&link).await?;
    report.restarts("the same link again", &answer, "already_used");

    let mut bob = UserAgent::of("bob@shop.example", &google.issuer, &log)?;
    let fresh = bob.callback(&start).await?;
    let answer = ann.open(&fresh).await?;
    report.refused("Bob's fresh link in Ann's browser (login CSRF)", &answer, "other_browser");
    let answer = bob.open(&fresh.with_one_character_changed()).await?;
    report.refused("Bob's fresh link with one character changed", &answer, "forged");
    let answer = bob.open(&fresh).await?;
    report.signed_in("none of that used it up: Bob signs in", &answer, "as bob@shop.example");

    google.trouble.set(Trouble::Issuer);
    let link = bob.callback(&start).await?;
    let answer = bob.open(&link).await?;
    report.refused("a callback with another server's iss (mix-up)", &answer, "issuer_mismatch");
    for (trouble, what, words) in [
        (Trouble::Nonce, "an ID token with another login's nonce", "nonce"),
        (Trouble::Audience, "an ID token for another client", "audience"),
    ] {
        google.trouble.set(trouble);
        let link = bob.callback(&start).await?;
        let answer = bob.open(&link).await?;
        report.not_confirmed(what, &answer, words);
    }
    google.trouble.set(None);

    let mallory = UserAgent::of("mallory@shop.example", &google.issuer, &log)?.callback(&start).await?;
    let link = bob.callback(&start).await?.with("code", &mallory.parameter("code"));
    let answer = bob.open(&link).await?;
    report.not_confirmed("Mallory's code in Bob's callback", &answer, "invalid_grant");
    let mut carl = UserAgent::of("carl@gmail.com", &google.issuer, &log)?;
    let link = carl.callback(&start).await?;
    let answer = carl.open(&link).await?;
    report.not_confirmed("Carl, whose account is not of the Workspace", &answer, "not of the Workspace");
    let mut dora = UserAgent::of("deny", &google.issuer, &log)?;
    let link = dora.callback(&start).await?;
    let answer = dora.open(&link).await?;
    report.ends("Dora says no at Google", &answer, 303, "access_denied");
    let mut request = dora.begin(&start).await?;
    let elsewhere = request.query().unwrap_or_default().replace("callback", "elsewhere");
    request.set_query(Some(&elsewhere));
    let answer = dora.get(&request).await?;
    let held = answer.status == 400 && answer.body.ends_with("redirect_uri_mismatch");
    report.check("a redirect_uri that is not registered stays at Google", &answer.body, held, "Error 400");
    Ok(report)
}
