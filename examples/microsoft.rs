//! Signing users in with Microsoft Entra: users of one tenant, of some, or of all. The `openidconnect` crate exchanges the code
//! and verifies the ID token.
//!
//! ```text
//! cargo run --example microsoft -- --once     # against a stand-in for Entra: prints each step, exits 0 if all held
//! cargo run --example microsoft -- --help     # what it needs to run against Entra itself
//! ```
//!
//! Copy everything above the line `The example itself`.

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
use oauth_state::provider::ResponseMode;
use oauth_state::{
    App, Authorized, BeginError, Binding, Expect, FinishError, Flow, KeyRing, Login, LoginOutcome, Provider, ReturnTo,
    SingleProcessGuard,
};
use oauth_state_axum::{CallbackRequest, Rejected, redirect, run_to_completion, set_no_store};
use openidconnect::core::{
    CoreClient, CoreGenderClaim, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
    CoreProviderMetadata,
};
use openidconnect::{
    AdditionalClaims, AuthType, ClientId, ClientSecret, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdToken, Nonce,
    RedirectUrl, TokenResponse, reqwest,
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// Entra redirects users back to this path; register the full URL there, of the type "Web".
const CALLBACK: &str = "/auth/microsoft/callback";
/// How long Entra's metadata and keys are used before they are fetched again.
const METADATA_LIFETIME: Duration = Duration::from_secs(3600);

const HELP: &str = "\
Signs users in with Microsoft Entra.

  cargo run --example microsoft              serves on 127.0.0.1:8080, against Entra
  cargo run --example microsoft -- --once    signs in once against a stand-in, tries the attacks, and exits

Needs in the environment:

  MICROSOFT_CLIENT_ID       of an app registration (entra.microsoft.com)
  MICROSOFT_CLIENT_SECRET   its secret
  MICROSOFT_TENANT          a tenant's id, or common, organizations or consumers (default common)
  MICROSOFT_TENANTS         ids of the tenants whose users may sign in, separated by commas (default: all)
  MICROSOFT_FORM_POST       1: Entra responds by form_post, which keeps the code out of URLs
  OAUTH_STATE_KEYS          the key ring that all servers share, from `oauth-state keys generate`
  PUBLIC_URL                the public URL of this service (default http://localhost:8080);
                            register PUBLIC_URL/auth/microsoft/callback as a redirect URI
  LISTEN                    the address to listen on (default 127.0.0.1:8080)";

/// The settings of one installation.
struct Settings {
    public_url: String,
    client_id: String,
    client_secret: ClientSecret,
    /// `https://login.microsoftonline.com/{tenant}`.
    authority: String,
    /// Ids of the tenants whose users may sign in; all tenants, if it is empty.
    tenants: Vec<String>,
    form_post: bool,
    keys: KeyRing,
}

impl Settings {
    fn from_environment() -> Result<Self, Failure> {
        let needed = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
        let tenant = std::env::var("MICROSOFT_TENANT").unwrap_or_else(|_| "common".to_owned());
        let tenants = std::env::var("MICROSOFT_TENANTS").unwrap_or_default();
        Ok(Self {
            public_url: std::env::var("PUBLIC_URL").unwrap_or_else(|_| "http://localhost:8080".to_owned()),
            client_id: needed("MICROSOFT_CLIENT_ID")?,
            client_secret: ClientSecret::new(needed("MICROSOFT_CLIENT_SECRET")?),
            authority: format!("https://login.microsoftonline.com/{tenant}"),
            tenants: tenants.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect(),
            form_post: std::env::var("MICROSOFT_FORM_POST").is_ok_and(|value| value == "1"),
            keys: KeyRing::from_env()?, // or LiveKeyRing::load, which rotates keys without a restart: docs/rotation.md
        })
    }

    fn redirect_uri(&self) -> String {
        format!("{}{CALLBACK}", self.public_url)
    }
}

/// This service's own data in the state: encrypted, authenticated, and counted in the length of the URL.
#[derive(Serialize, Deserialize)]
struct Carried {
    invitation: Option<String>,
}

struct Site {
    flow: Flow<Carried>,
    http: reqwest::Client,
    settings: Settings,
    metadata: Mutex<Option<(Instant, CoreProviderMetadata)>>,
}

fn app(settings: Settings) -> Result<Router, Failure> {
    // The preset knows the length that Entra accepts: a longer state is an error here instead of the page AADSTS90015
    // there. Entra sends no `iss`; its own callback address distinguishes it from other providers (RFC 9700 section
    // 4.4.2).
    let microsoft = Provider::microsoft()
        .client_id(&settings.client_id)
        .redirect_uri(&settings.redirect_uri())
        .scopes(["openid", "profile"]) // `openid` brings the nonce with it
        .authorization_endpoint(&format!("{}/oauth2/v2.0/authorize", settings.authority));
    // With form_post, the flow makes the cookie SameSite=None, and the authorization URL asks for it.
    let microsoft = if settings.form_post { microsoft.response_mode(ResponseMode::FormPost) } else { microsoft };
    let guard = SingleProcessGuard::with_capacity(1_000_000); // a fleet shares one: docs/guards.md
    let flow = Flow::builder(App::new("shop", "production")?, settings.keys.clone(), guard)
        .carrying::<Carried>()
        .provider(microsoft)
        .build()?;
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none()) // a response must not redirect this server (SSRF)
        .timeout(Duration::from_secs(10))
        .build()?;
    let site = Site { flow, http, settings, metadata: Mutex::default() };
    let callback = get(callback).post(callback);
    Ok(Router::new().route("/auth/microsoft", get(login)).route(CALLBACK, callback).with_state(Arc::new(site)))
}

#[derive(Deserialize)]
struct Wish {
    /// The state of a refused callback that sent the browser here.
    again: Option<String>,
    return_to: Option<String>,
    invitation: Option<String>,
}

/// `GET /auth/microsoft?return_to=/basket&invitation=…`, a link on a page of this service.
async fn login(State(site): State<Arc<Site>>, Query(wish): Query<Wish>, headers: HeaderMap) -> Response {
    let login = Login::with("entra").data(Carried { invitation: wish.invitation });
    // Only a path of this service, which prevents an open redirect.
    let login = match wish.return_to.and_then(|path| path.parse::<ReturnTo>().ok()) {
        Some(path) => login.return_to(path),
        None => login,
    };
    let binding = Binding::cookies(&headers);
    let restart = wish.again.and_then(|token| site.flow.restart(&token, &binding, Expect::provider("entra")));
    let login = match &restart {
        Some(restart) => login.restarting(restart).data(restart.data().unwrap_or(Carried { invitation: None })),
        None => login,
    };
    site.begin(binding, login).unwrap_or_else(|error| Rejected(error).into_response())
}

/// Entra redirects the browser here: `GET …?code=…&state=…`, or a POST with the same in a form.
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
    fn begin(&self, binding: Binding<'_>, login: Login<Carried>) -> Result<Response, BeginError> {
        let request = self.flow.begin(binding, login)?;
        Ok(redirect(&request, request.url()?)) // sets the cookie; the URL has the PKCE challenge and the nonce
    }

    async fn finish(&self, request: CallbackRequest) -> Response {
        let (headers, callback) = request.split();
        match self.flow.finish(headers.cookies(), Expect::provider("entra"), callback).await {
            Ok(LoginOutcome::Authorized(login)) => {
                self.confirm(login).await.unwrap_or_else(|error| not_confirmed(&*error))
            }
            Ok(LoginOutcome::Denied(refusal)) if refusal.error == AuthorizationError::AccessDenied => {
                set_no_store(Redirect::to("/"))
            }
            Ok(_) => not_confirmed(&*Failure::from("Entra answered with an error")),
            // Expired, the back button, a lost cookie: the login restarts by itself, once.
            Err(error) => match error.restart().filter(|restart| restart.is_automatic()) {
                Some(restart) => {
                    // Through the login start, so that a rate limit there counts the restart.
                    set_no_store(Redirect::to(&format!("/auth/microsoft?again={}", restart.token())))
                }
                None => Rejected(error).into_response(),
            },
        }
    }

    /// Exchanges the code, and accepts the ID token only with this login's nonce, and only from the tenant that the
    /// token names.
    async fn confirm(&self, login: Authorized<Carried>) -> Result<Response, Failure> {
        let (client, issuer) = self.client().await?;
        let mut exchange = client.exchange_code(login.code.into())?;
        if let Some(verifier) = login.code_verifier {
            exchange = exchange.set_pkce_verifier(verifier.into());
        }
        let tokens = exchange.request_async(&self.http).await?;
        let id_token: EntraIdToken = tokens.id_token().ok_or("no ID token came")?.to_string().parse()?;
        // Signature, audience, time and nonce (OpenID Connect Core section 3.1.3.7). The issuer is compared below,
        // because that of `common` has the placeholder `{tenantid}` for the user's tenant.
        let nonce: Nonce = login.nonce.ok_or("the login has no nonce")?.into();
        let claims = id_token.claims(&client.id_token_verifier().require_issuer_match(false), &nonce)?;
        let EntraClaims { tid, oid } = claims.additional_claims();
        if claims.issuer().as_str() != issuer.replace("{tenantid}", tid) {
            return Err("the ID token's issuer is not that of its tenant".into());
        }
        let tenants = &self.settings.tenants;
        if !tenants.is_empty() && !tenants.contains(tid) {
            return Err("users of this tenant may not sign in".into());
        }
        let name = claims.preferred_username().map(|name| name.as_str()).unwrap_or_default();
        let path = login.origin.return_to.map_or_else(|| "/".to_owned(), |path| path.to_string());
        let invitation = login.data.invitation.unwrap_or_else(|| "no invitation".to_owned());
        tracing::info!(code = "signed_in", "signed in");
        // Start your session for (`tid`, `oid`) here, and redirect to `path`. Never use `name` or an e-mail address:
        // the administrator of any tenant can enter someone else's there.
        Ok(set_no_store(format!("Signed in as {name} (tenant {tid}, object {oid}, {invitation}). Continue at {path}")))
    }

    /// The client, and the issuer of its ID tokens.
    ///
    /// Fetched by hand, because `CoreProviderMetadata::discover_async` refuses the metadata of `common`, whose issuer differs from
    /// the URL of the request.
    async fn client(&self) -> Result<(Client, String), Failure> {
        let mut known = self.metadata.lock().await;
        let metadata = match &*known {
            Some((asked_at, metadata)) if asked_at.elapsed() < METADATA_LIFETIME => metadata.clone(),
            _ => {
                let address = format!("{}/v2.0/.well-known/openid-configuration", self.settings.authority);
                let document = self.http.get(address).send().await?.error_for_status()?.bytes().await?;
                let metadata: CoreProviderMetadata = serde_json::from_slice(&document)?;
                let keys = CoreJsonWebKeySet::fetch_async(metadata.jwks_uri(), &self.http).await?;
                known.insert((Instant::now(), metadata.set_jwks(keys))).1.clone()
            }
        };
        let issuer = metadata.issuer().to_string();
        let Settings { client_id, client_secret, .. } = &self.settings;
        let id = ClientId::new(client_id.clone());
        let client = CoreClient::from_provider_metadata(metadata, id, Some(client_secret.clone()))
            .set_auth_type(AuthType::RequestBody)
            .set_redirect_uri(RedirectUrl::new(self.settings.redirect_uri())?);
        Ok((client, issuer))
    }
}

/// Entra's own claims besides the standard ones: the tenant, and the user's id in it, which is the same for every app.
#[derive(Debug, Deserialize, Serialize)]
struct EntraClaims {
    tid: String,
    oid: String,
}

impl AdditionalClaims for EntraClaims {}

type EntraIdToken = IdToken<EntraClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

/// Entra could not be reached, or its response was not for this login.
fn not_confirmed(error: &(dyn std::error::Error + 'static)) -> Response {
    tracing::error!(code = "not_confirmed", error, "sign-in failed at Entra");
    set_no_store((StatusCode::BAD_GATEWAY, "Microsoft did not confirm this sign-in. Please start again."))
}

// ---- The example itself --------------------------------------------------------------------------------------------

fn main() -> ExitCode {
    stand_in::program::run(HELP, serve, once)
}

async fn serve() -> Result<(), Failure> {
    let settings = Settings::from_environment()?;
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    println!("open {}/auth/microsoft", settings.public_url);
    axum::serve(TcpListener::bind(listen).await?, app(settings)?).await?;
    Ok(())
}

async fn once(log: stand_in::log::Log) -> Result<stand_in::report::Report, Failure> {
    let mut report = stand_in::report::Report::default();
    for form_post in [false, true] {
        println!("    Entra answers by {}", if form_post { "form_post" } else { "query" });
        walk_through(form_post, &log, &mut report).await?;
    }
    Ok(report)
}

async fn walk_through(
    form_post: bool,
    log: &stand_in::log::Log,
    report: &mut stand_in::report::Report,
) -> Result<(), Failure> {
    use stand_in::grants::Registration;
    use stand_in::microsoft::TENANTS;
    use stand_in::openid::Trouble;
    use stand_in::program;
    use stand_in::user_agent::UserAgent;

    let [(_, contoso), _] = TENANTS;
    let (listener, public_url) = program::listen("localhost").await?;
    let client = Registration::new("8d4a1b2c-0f3e-4d5a-9b6c-7e8f9a0b1c2d", &format!("{public_url}{CALLBACK}"))?;
    let entra = stand_in::microsoft::start(client.clone()).await?;
    let settings = Settings {
        public_url: public_url.clone(),
        client_id: client.client_id,
        client_secret: ClientSecret::new(client.client_secret),
        authority: format!("{}/common", entra.address),
        tenants: vec![contoso.to_owned()],
        form_post,
        keys: program::fresh_ring()?,
    };
    program::spawn(listener, app(settings)?);
    let start = format!("{public_url}/auth/microsoft");

    let mut ann = UserAgent::of("ann@contoso", &entra.address, log)?;
    let link = ann.callback(&format!("{start}?return_to=/basket&invitation=welcome")).await?;
    let answer = ann.open(&link).await?;
    report.signed_in("Ann of Contoso signs in", &answer, &format!("as ann@contoso (tenant {contoso}"));
    let held = answer.body.ends_with(", welcome). Continue at /basket");
    report.check("with the login's data", &answer.body, held, "welcome");
    let answer = ann.open(&link).await?;
    report.restarts("the same link again", &answer, "already_used");

    let mut bob = UserAgent::of("bob@contoso", &entra.address, log)?;
    let fresh = bob.callback(&start).await?;
    let answer = ann.open(&fresh).await?;
    report.refused("Bob's fresh link in Ann's browser (login CSRF)", &answer, "other_browser");
    let answer = bob.open(&fresh).await?;
    report.signed_in("that did not use it up: Bob signs in", &answer, "as bob@contoso");

    for (trouble, what, words) in [
        (Trouble::Tenant, "an ID token of another tenant's issuer", "not that of its tenant"),
        (Trouble::Nonce, "an ID token with another login's nonce", "nonce"),
        (Trouble::Audience, "an ID token for another client", "audience"),
    ] {
        entra.trouble.set(trouble);
        let link = bob.callback(&start).await?;
        let answer = bob.open(&link).await?;
        report.not_confirmed(what, &answer, words);
    }
    entra.trouble.set(None);
    let mallory = UserAgent::of("mallory@contoso", &entra.address, log)?.callback(&start).await?;
    let link = bob.callback(&start).await?.with("code", &mallory.parameter("code"));
    let answer = bob.open(&link).await?;
    report.not_confirmed("Mallory's code in Bob's callback", &answer, "AADSTS50148");
    let mut carl = UserAgent::of("carl@fabrikam", &entra.address, log)?;
    let link = carl.callback(&start).await?;
    let answer = carl.open(&link).await?;
    report.not_confirmed("Carl of Fabrikam, whose tenant is not on the list", &answer, "may not sign in");

    let answer = ann.get(&format!("{start}?invitation={}", "x".repeat(1400)).parse()?).await?;
    report.ends("a state that Entra would find too long does not begin", &answer, 400, "state_too_long");
    let mut request = ann.begin(&start).await?;
    let padded = request.query().unwrap_or_default().replace("state=", &format!("state={}", "x".repeat(1800)));
    request.set_query(Some(&padded));
    let answer = ann.get(&request).await?;
    let held = answer.status == 400 && answer.body.starts_with("AADSTS90015");
    report.check("what Entra says to one", &answer.body, held, "AADSTS90015");
    let mut request = ann.begin(&start).await?;
    let elsewhere = request.query().unwrap_or_default().replace("callback", "elsewhere");
    request.set_query(Some(&elsewhere));
    let answer = ann.get(&request).await?;
    let held = answer.status == 400 && answer.body.starts_with("AADSTS50011");
    report.check("a redirect_uri that is not registered stays at Entra", &answer.body, held, "AADSTS50011");
    Ok(())
}
