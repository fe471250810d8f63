//! Signing users in with Apple: the callback is a cross-site POST, the client secret is a JWT that the service signs, and the
//! user's name comes once. The `openidconnect` crate exchanges the code and verifies the ID token.
//!
//! ```text
//! cargo run --example apple -- --once     # against a stand-in for Apple: prints each step, exits 0 if all held
//! cargo run --example apple -- --help     # what it needs to run against Apple itself
//! ```
//!
//! Copy everything above the line `The example itself`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod stand_in;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, StatusCode};
use oauth_state::provider::{Preset, Sourced};
use oauth_state::{
    App, Authorized, BeginError, Binding, Expect, FinishError, Flow, KeyRing, Login, LoginOutcome, Provider, ReturnTo,
    SingleProcessGuard,
};
use oauth_state_axum::{CallbackRequest, Rejected, redirect, run_to_completion, set_no_store};
use openidconnect::core::{CoreClient, CoreProviderMetadata};
use openidconnect::{
    AuthType, ClientId, ClientSecret, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce, RedirectUrl,
    TokenResponse, reqwest,
};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::DecodePrivateKey;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// Apple posts the callback to this path; register the full URL there, which must be https and not localhost.
const CALLBACK: &str = "/auth/apple/callback";
/// How long Apple's metadata and keys are used before they are fetched again.
const METADATA_LIFETIME: Duration = Duration::from_secs(3600);
/// How long a client secret lives, in seconds. Apple accepts up to six months; one for each exchange needs no more.
const SECRET_LIFETIME: u64 = 300;

const HELP: &str = "\
Signs users in with Apple.

  cargo run --example apple              serves on 127.0.0.1:8080, against Apple
  cargo run --example apple -- --once    signs in once against a stand-in, tries the attacks, and exits

Needs in the environment:

  APPLE_CLIENT_ID    a Services ID (developer.apple.com/account)
  APPLE_TEAM_ID      the team's id, ten characters
  APPLE_KEY_ID       the id of a key for Sign in with Apple, ten characters
  APPLE_KEY_FILE     the key, as downloaded: AuthKey_….p8
  OAUTH_STATE_KEYS   the key ring that all servers share, from `oauth-state keys generate`
  PUBLIC_URL         the public URL of this service: https, because Apple does not accept localhost;
                     register PUBLIC_URL/auth/apple/callback as a return URL
  LISTEN             the address to listen on (default 127.0.0.1:8080), behind a proxy that terminates TLS";

/// The settings of one installation.
struct Settings {
    public_url: String,
    client_id: String,
    team_id: String,
    key_id: String,
    key: SigningKey,
    keys: KeyRing,
    issuer: String,
    authorization_endpoint: String,
}

impl Settings {
    fn from_environment() -> Result<Self, Failure> {
        let needed = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
        let apple = Preset::find("apple").ok_or("no preset for Apple")?;
        let known = |figure: Option<Sourced<&'static str>>| figure.map(|figure| figure.value).unwrap_or_default();
        Ok(Self {
            public_url: needed("PUBLIC_URL")?,
            client_id: needed("APPLE_CLIENT_ID")?,
            team_id: needed("APPLE_TEAM_ID")?,
            key_id: needed("APPLE_KEY_ID")?,
            key: SigningKey::from_pkcs8_pem(&std::fs::read_to_string(needed("APPLE_KEY_FILE")?)?)?,
            keys: KeyRing::from_env()?, // or LiveKeyRing::load, which rotates keys without a restart: docs/rotation.md
            issuer: known(apple.issuer).to_owned(),
            authorization_endpoint: known(apple.authorization_endpoint).to_owned(),
        })
    }

    fn redirect_uri(&self) -> String {
        format!("{}{CALLBACK}", self.public_url)
    }

    /// The client secret: an ES256 JWT that names the team and the client, and expires soon.
    fn client_secret(&self) -> Result<ClientSecret, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let header = serde_json::json!({ "alg": "ES256", "kid": self.key_id });
        let claims = serde_json::json!({
            "iss": self.team_id,
            "iat": now,
            "exp": now.saturating_add(SECRET_LIFETIME),
            "aud": "https://appleid.apple.com",
            "sub": self.client_id,
        });
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signature: Signature = self.key.try_sign(format!("{header}.{claims}").as_bytes())?;
        Ok(ClientSecret::new(format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))))
    }
}

struct Site {
    flow: Flow,
    http: reqwest::Client,
    settings: Settings,
    metadata: Mutex<Option<(Instant, CoreProviderMetadata)>>,
}

fn app(settings: Settings) -> Result<Router, Failure> {
    // The preset requests the scopes `name` and `email` by `response_mode=form_post`, which Apple requires with a
    // scope. Its cookie is SameSite=None: browsers send no other with a POST from Apple's page. Apple sends no `iss`;
    // its own callback address distinguishes it from other providers (RFC 9700 section 4.4.2). Apple documents no PKCE,
    // but checks it (https://github.com/a-tokyo/apple-signin-auth/issues/180).
    let apple = Provider::apple()
        .client_id(&settings.client_id)
        .redirect_uri(&settings.redirect_uri())
        .authorization_endpoint(&settings.authorization_endpoint); // the preset knows Apple's own; the stand-in differs
    let guard = SingleProcessGuard::with_capacity(1_000_000); // a fleet shares one: docs/guards.md
    let flow = Flow::builder(App::new("shop", "production")?, settings.keys.clone(), guard).provider(apple).build()?;
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none()) // a response must not redirect this server (SSRF)
        .timeout(Duration::from_secs(10))
        .build()?;
    let site = Site { flow, http, settings, metadata: Mutex::default() };
    Ok(Router::new().route("/auth/apple", get(login)).route(CALLBACK, post(callback)).with_state(Arc::new(site)))
}

#[derive(Deserialize)]
struct Wish {
    /// The state of a refused callback that sent the browser here.
    again: Option<String>,
    return_to: Option<String>,
}

/// `GET /auth/apple?return_to=/basket`, a link on a page of this service.
async fn login(State(site): State<Arc<Site>>, Query(wish): Query<Wish>, headers: HeaderMap) -> Response {
    let login = Login::with("apple");
    // Only a path of this service, which prevents an open redirect.
    let login = match wish.return_to.and_then(|path| path.parse::<ReturnTo>().ok()) {
        Some(path) => login.return_to(path),
        None => login,
    };
    let binding = Binding::cookies(&headers);
    let restart = wish.again.and_then(|token| site.flow.restart(&token, &binding, Expect::provider("apple")));
    let login = match &restart {
        Some(restart) => login.restarting(restart),
        None => login,
    };
    site.begin(binding, login).unwrap_or_else(|error| Rejected(error).into_response())
}

/// `POST /auth/apple/callback`, from a form on Apple's page.
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
        Ok(redirect(&request, request.url()?)) // sets the cookie; the URL has the PKCE challenge and the nonce
    }

    async fn finish(&self, request: CallbackRequest) -> Response {
        let (headers, callback) = request.split();
        match self.flow.finish(headers.cookies(), Expect::provider("apple"), callback).await {
            Ok(LoginOutcome::Authorized(login)) => {
                self.confirm(login).await.unwrap_or_else(|error| not_confirmed(&*error))
            }
            // Apple's own name for access_denied.
            Ok(LoginOutcome::Denied(refusal)) if refusal.error.as_str() == "user_cancelled_authorize" => {
                set_no_store(Redirect::to("/"))
            }
            Ok(_) => not_confirmed(&*Failure::from("Apple answered with an error")),
            // Expired, the back button: the login restarts by itself, once.
            Err(error) => match error.restart().filter(|restart| restart.is_automatic()) {
                Some(restart) => {
                    // Through the login start, so that a rate limit there counts the restart.
                    set_no_store(Redirect::to(&format!("/auth/apple?again={}", restart.token())))
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
        // Signature, issuer, audience, time and nonce (OpenID Connect Core section 3.1.3.7).
        let id_token = tokens.id_token().ok_or("no ID token came")?;
        let nonce: Nonce = login.nonce.ok_or("the login has no nonce")?.into();
        let claims = id_token.claims(&client.id_token_verifier(), &nonce)?;
        let email = claims.email().map(|email| email.as_str()).unwrap_or_default();
        // Only after the first consent, the form has the user's name next to the code. It is not signed: use it only
        // for the profile. The trusted address is the one in the ID token.
        let user = login.parameters.get("user").and_then(|user| serde_json::from_str(user).ok());
        let name = user.map_or_else(
            || "known from before".to_owned(),
            |AppleUser { name }| format!("{} {}", name.first_name, name.last_name),
        );
        let path = login.origin.return_to.map_or_else(|| "/".to_owned(), |path| path.to_string());
        tracing::info!(code = "signed_in", "signed in");
        // Start your session for `claims.subject()` here, store the name if one came, and redirect to `path`.
        let subject = claims.subject().as_str();
        Ok(set_no_store(format!("Signed in as {email} ({name}, Apple user {subject}). Continue at {path}")))
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
        let id = ClientId::new(self.settings.client_id.clone());
        Ok(CoreClient::from_provider_metadata(metadata, id, Some(self.settings.client_secret()?))
            .set_auth_type(AuthType::RequestBody)
            .set_redirect_uri(RedirectUrl::new(self.settings.redirect_uri())?))
    }
}

#[derive(Deserialize)]
struct AppleUser {
    name: AppleName,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AppleName {
    first_name: String,
    last_name: String,
}

/// Apple could not be reached, or its response was not for this login.
fn not_confirmed(error: &(dyn std::error::Error + 'static)) -> Response {
    tracing::error!(code = "not_confirmed", error, "sign-in failed at Apple");
    set_no_store((StatusCode::BAD_GATEWAY, "Apple did not confirm this sign-in. Please start again."))
}

// ---- The example itself --------------------------------------------------------------------------------------------

fn main() -> ExitCode {
    stand_in::program::run(HELP, serve, once)
}

async fn serve() -> Result<(), Failure> {
    let settings = Settings::from_environment()?;
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    println!("open {}/auth/apple", settings.public_url);
    axum::serve(TcpListener::bind(listen).await?, app(settings)?).await?;
    Ok(())
}

async fn once(log: stand_in::log::Log) -> Result<stand_in::report::Report, Failure> {
    use stand_in::apple::Registration;
    use stand_in::openid::{Es256, Trouble};
    use stand_in::program;
    use stand_in::user_agent::UserAgent;

    let (listener, public_url) = program::listen("localhost").await?;
    let (other_listener, other_url) = program::listen("localhost").await?;
    let client = Registration::new(&format!("{public_url}{CALLBACK}"))?;
    let key = SigningKey::from_pkcs8_pem(&client.p8()?)?;
    let settings = |key: SigningKey, public_url: &str, issuer: &str| {
        let [client_id, team_id, key_id] = [&client.client_id, &client.team_id, &client.key_id].map(Clone::clone);
        let (public_url, issuer, keys) = (public_url.to_owned(), issuer.to_owned(), program::fresh_ring()?);
        let authorization_endpoint = format!("{issuer}/auth/authorize");
        Ok::<_, Failure>(Settings { public_url, client_id, team_id, key_id, key, keys, issuer, authorization_endpoint })
    };
    let apple = stand_in::apple::start(client.clone()).await?;
    program::spawn(listener, app(settings(key, &public_url, &apple.issuer)?)?);
    let start = format!("{public_url}/auth/apple");
    let mut report = stand_in::report::Report::default();

    let mut ann = UserAgent::of("ann", &apple.issuer, &log)?;
    let post = ann.callback(&format!("{start}?return_to=/basket")).await?;
    let answer = ann.open(&post).await?;
    report.signed_in("Ann signs in, by a POST from Apple's page", &answer, "as ann@privaterelay.appleid.com");
    report.check(
        "with their name, the first time",
        &answer.body,
        answer.body.contains("(ann <Example>,"),
        "their name",
    );
    let answer = ann.open(&post).await?;
    report.restarts("the same POST again", &answer, "already_used");
    let post = ann.callback(&start).await?;
    let answer = ann.open(&post.with("user", "{\"name\":")).await?;
    report.signed_in("the second time without a name, and with nonsense in its place", &answer, "known from before");

    let mut bob = UserAgent::of("bob", &apple.issuer, &log)?;
    let fresh = bob.callback(&start).await?;
    let answer = ann.open(&fresh).await?;
    report.refused("Bob's fresh POST in Ann's browser (login CSRF)", &answer, "other_browser");
    let answer = bob.open(&fresh.with_one_character_changed()).await?;
    report.refused("Bob's fresh POST with one character changed", &answer, "forged");
    let answer = bob.open(&fresh).await?;
    report.signed_in("none of that used it up: Bob signs in", &answer, "as bob@privaterelay.appleid.com");

    for (trouble, what, words) in [
        (Trouble::Nonce, "an ID token with another login's nonce", "nonce"),
        (Trouble::Audience, "an ID token for another client", "audience"),
    ] {
        apple.trouble.set(trouble);
        let post = bob.callback(&start).await?;
        let answer = bob.open(&post).await?;
        report.not_confirmed(what, &answer, words);
    }
    apple.trouble.set(None);
    let mallory = UserAgent::of("mallory", &apple.issuer, &log)?.callback(&start).await?;
    let post = bob.callback(&start).await?.with("code", &mallory.parameter("code"));
    let answer = bob.open(&post).await?;
    report.not_confirmed("Mallory's code in Bob's callback", &answer, "invalid_grant");
    let mut carl = UserAgent::of("deny", &apple.issuer, &log)?;
    let post = carl.callback(&start).await?;
    let answer = carl.open(&post).await?;
    report.ends("Carl says no at Apple", &answer, 303, "other");

    let mut strict = UserAgent::of("dora", &apple.issuer, &log)?;
    let post = strict.callback(&start).await?;
    strict.block_cross_site_cookies();
    let answer = strict.open(&post).await?;
    report.ends("a browser that sends no cookie with a cross-site POST", &answer, 400, "cookie_missing");

    // A server with another key than the one registered under its id.
    program::spawn(other_listener, app(settings(Es256::new()?.key().clone(), &public_url, &apple.issuer)?)?);
    let mut ed = UserAgent::of("ed", &apple.issuer, &log)?.with_servers(&public_url, &[other_url]);
    let post = ed.callback(&start).await?;
    let answer = ed.open(&post).await?;
    report.not_confirmed("a client secret that another key signed", &answer, "invalid_client");

    let mut request = ann.begin(&start).await?;
    let by_query = request.query().unwrap_or_default().replace("form_post", "query");
    request.set_query(Some(&by_query));
    let answer = ann.get(&request).await?;
    let held = answer.status == 400 && answer.body.contains("must be form_post");
    report.check("what Apple says to a scope without form_post", &answer.body, held, "invalid_request");
    Ok(report)
}
