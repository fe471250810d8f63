//! One service for companies with their own identity providers: the host identifies the company, and its connection is
//! loaded by id and company. Login hints, pushed authorization requests (RFC 9126) and step-up.
//!
//! ```text
//! cargo run --example enterprise -- --help     # what it needs
//! node tests/e2e/enterprise.mjs                # against two certified providers, in a browser
//! ```
//!
//! Copy everything above the line `The example itself`. For one provider that you know in advance see `google.rs`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::collections::HashMap;
use std::error::Error;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use oauth_state::outcome::{AuthorizationError, StepUp};
use oauth_state::{
    App, AuthorizationUrl, Authorized, Denied, Flow, KeyRing, Provider, Purpose, ReturnTo, SingleProcessGuard, Tenant,
};
use oauth_state_axum::{LoginRequest, LoginRoutes, Site, router};
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod, CoreGrantType, CoreIdTokenClaims,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode,
    CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthorizationCode, ClientId, ClientSecret, IssuerUrl, Nonce, PkceCodeVerifier,
    ProviderMetadata, RedirectUrl, TokenResponse, reqwest,
};
use rand::TryRng as _;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use uuid::Uuid;

type Failure = Box<dyn Error + Send + Sync>;

/// How long a provider's metadata and keys are used before they are fetched again.
const METADATA_LIFETIME: Duration = Duration::from_secs(3600);
/// The cookie of this example's own sessions. A real service uses a library for them, which also ends sessions:
/// docs/frameworks.md.
const SESSION: &str = "__Host-session";

const HELP: &str = "\
Signs in users of several companies, each with the company's own OpenID provider.

  cargo run --example enterprise    serves on 127.0.0.1:8080

  GET  /                            the page of the company with this host
  GET  /auth/{connection}           starts a login, with ?login_hint=ann@acme.example and ?campaign=7
  POST /auth/{connection}/reauthenticate    asks the signed-in user to authenticate again

Needs in the environment:

  CUSTOMERS_FILE     JSON: [{\"tenant\": a UUID, \"name\": ..., \"url\": \"http://acme.localhost:8080\",
                     \"connections\": [{\"id\": \"sso\", \"issuer\": ..., \"client_id\": ..., \"client_secret\": ...}]}, ...]
                     each company registers {url}/auth/{id}/callback at its provider
  OAUTH_STATE_KEYS   the key ring that all servers share, from `oauth-state keys generate`
  LISTEN             the address to listen on (default 127.0.0.1:8080)";

/// A company. A real service keeps them in a database.
#[derive(Deserialize)]
struct Customer {
    tenant: Uuid,
    name: String,
    /// Scheme, host and port of its pages.
    url: String,
    connections: Vec<Connection>,
}

/// A company's identity provider, as its administrator entered it.
///
/// This server sends requests to the issuer and to every endpoint in its metadata, some of them with the client's
/// secret (SSRF): let them out only through a filter that reaches public addresses.
#[derive(Deserialize)]
struct Connection {
    id: String,
    issuer: IssuerUrl,
    client_id: String,
    client_secret: ClientSecret,
}

impl Customer {
    fn has_host(&self, host: &str) -> bool {
        self.url.split_once("://").is_some_and(|(_, own)| own.eq_ignore_ascii_case(host))
    }

    fn redirect_uri(&self, connection: &Connection) -> String {
        format!("{}/auth/{}/callback", self.url, connection.id)
    }
}

/// The data of each login.
#[derive(Serialize, Deserialize)]
struct Campaign {
    id: u32,
}

/// The data of a signed-in user's session.
#[derive(Clone)]
struct Session {
    tenant: Tenant,
    connection: String,
    /// The `sub` of the ID token: unique only within this connection, so it identifies no user by itself.
    subject: String,
    campaign: u32,
    /// The user has authenticated again.
    is_confirmed: bool,
}

impl Session {
    /// A service with a table of users has its own ids.
    fn user_id(&self) -> Vec<u8> {
        [self.tenant.as_bytes(), self.connection.as_bytes(), b" ", self.subject.as_bytes()].concat()
    }
}

/// The members of a provider's metadata that `openidconnect` does not read.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct MoreMetadata {
    pushed_authorization_request_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for MoreMetadata {}

type Metadata = ProviderMetadata<
    MoreMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

struct Service {
    customers: Vec<Customer>,
    http: reqwest::Client,
    metadata: Mutex<HashMap<String, (Instant, Metadata)>>,
    sessions: Mutex<HashMap<String, Session>>,
}

fn app(customers: Vec<Customer>, keys: KeyRing) -> Result<Router, Failure> {
    let guard = SingleProcessGuard::with_capacity(1_000_000); // a fleet shares one: docs/guards.md
    let flow = Flow::builder(App::new("shop", "production")?, keys, guard)
        .purpose(Purpose::Login)
        .purpose(Purpose::Reauthenticate)
        .loads_providers()
        .carrying::<Campaign>()
        .build()?;
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none()) // a response must not redirect this server (SSRF)
        .timeout(Duration::from_secs(10))
        .build()?;
    let service = Arc::new(Service { customers, http, metadata: Mutex::default(), sessions: Mutex::default() });
    let routes = routes(flow, &service)?;
    Ok(Router::new().route("/", get(home)).with_state(service).merge(router(routes)))
}

fn routes(flow: Flow<Campaign>, service: &Arc<Service>) -> Result<LoginRoutes, Failure> {
    let [site, user, connection, url, login, step_up] = std::array::from_fn(|_| Arc::clone(service));
    Ok(LoginRoutes::builder_with_data(flow, campaign)
        .site(move |request| Arc::clone(&site).site(request))
        .signed_in_user(move |request| Arc::clone(&user).signed_in_user(request))
        .connections(move |id, site| Arc::clone(&connection).connection(id, site))
        .authorize(move |to, request| Arc::clone(&url).authorize(to, request))
        .on_login(move |done, request| Arc::clone(&login).sign_in(done, request))
        .on_step_up(move |done, request| Arc::clone(&step_up).step_up(done, request))
        .on_denied(denied)
        .build()?)
}

/// Anyone can write a link with such a number. Without a valid one, the login starts anyway.
async fn campaign(request: LoginRequest) -> Result<Campaign, Failure> {
    Ok(Campaign { id: request.query("campaign").and_then(|id| id.parse().ok()).unwrap_or_default() })
}

async fn denied(denied: Denied<Campaign>, _request: LoginRequest) -> Result<Response, Failure> {
    let text = match denied.error {
        AuthorizationError::AccessDenied => "You chose not to sign in.",
        _ => "Your identity provider could not sign you in. Please try again later.",
    };
    tracing::info!(code = "denied", campaign = denied.data.id, "the provider did not sign the user in");
    Ok(page(StatusCode::FORBIDDEN, text))
}

impl Service {
    /// The company of this page. A proxy in front must check the host and pass it on.
    fn customer(&self, headers: &HeaderMap) -> Option<&Customer> {
        let host = headers.get(HOST)?.to_str().ok()?;
        self.customers.iter().find(|customer| customer.has_host(host))
    }

    /// As `WHERE tenant = $1 AND id = $2` would. By the id alone, one company's provider would sign users in at another
    /// company.
    fn find(&self, tenant: Option<&Tenant>, id: &str) -> Option<(&Customer, &Connection)> {
        let customer = self.customers.iter().find(|customer| Some(&customer.tenant.into()) == tenant)?;
        customer.connections.iter().find(|connection| connection.id == id).map(|connection| (customer, connection))
    }

    async fn site(self: Arc<Self>, request: LoginRequest) -> Result<Site, Failure> {
        let customer = self.customer(&request.headers);
        Ok(customer.map_or_else(Site::default, |customer| Site::default().with_tenant(customer.tenant)))
    }

    async fn connection(self: Arc<Self>, id: String, site: Site) -> Result<Option<Provider>, Failure> {
        let Some((customer, connection)) = self.find(site.tenant(), &id) else { return Ok(None) };
        let metadata = self.metadata(connection).await?;
        let issuer = connection.issuer.as_str();
        let provider = Provider::oidc(&id, issuer)?
            .authorization_endpoint(metadata.authorization_endpoint().as_str())
            .client_id(&connection.client_id)
            .redirect_uri(&customer.redirect_uri(connection))
            .scopes(["openid"]) // it brings the nonce with it
            .for_tenant(customer.tenant);
        let sends_iss = metadata.additional_metadata().authorization_response_iss_parameter_supported;
        Ok(Some(if sends_iss { provider.requires_iss(issuer) } else { provider }))
    }

    /// Adds the hint, and pushes the request if the provider supports it: the browser then carries only a reference.
    async fn authorize(
        self: Arc<Self>,
        url: AuthorizationUrl,
        request: LoginRequest,
    ) -> Result<AuthorizationUrl, Failure> {
        let tenant = self.customer(&request.headers).map(|customer| customer.tenant.into());
        let (_, connection) = self.find(tenant.as_ref(), url.provider()).ok_or("the connection is gone")?;
        let url = match request.query("login_hint") {
            Some(hint) => url.login_hint(&hint),
            None => url,
        };
        match self.metadata(connection).await?.additional_metadata().pushed_authorization_request_endpoint.as_deref() {
            Some(endpoint) => {
                let request_uri = self.push(endpoint, connection, url.form_body()).await?;
                Ok(url.pushed(&request_uri))
            }
            None => Ok(url),
        }
    }

    /// Sends a pushed authorization request, with the client's authentication (RFC 9126 section 2.1), and returns its
    /// `request_uri`.
    async fn push(&self, endpoint: &str, connection: &Connection, form: String) -> Result<String, Failure> {
        #[derive(Deserialize)]
        struct Pushed {
            request_uri: String,
        }
        let push = self
            .http
            .post(endpoint)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(AUTHORIZATION, connection.basic_auth())
            .body(form);
        let answer = push.send().await?.error_for_status()?;
        Ok(serde_json::from_slice::<Pushed>(&answer.bytes().await?)?.request_uri)
    }

    /// Starts a session for the user named by the company's provider.
    async fn sign_in(self: Arc<Self>, login: Authorized<Campaign>, _: LoginRequest) -> Result<Response, Failure> {
        let Authorized { origin, data, code, code_verifier, nonce, .. } = login;
        let found = self.find(origin.tenant.as_ref(), &origin.provider).ok_or("the connection is gone")?;
        let verifier = code_verifier.map(Into::into);
        let claims = self.id_token(found, code.into(), verifier, nonce.map(Into::into)).await?;
        // A new id at each sign-in: an attacker who planted the old one gains nothing (session fixation).
        let id = random_id()?;
        let session = Session {
            tenant: found.0.tenant.into(),
            connection: found.1.id.clone(),
            subject: claims.subject().to_string(),
            campaign: data.id,
            is_confirmed: false,
        };
        lock(&self.sessions).insert(id.clone(), session);
        tracing::info!(code = "signed_in", campaign = data.id, "signed in");
        // `Lax`: a `Strict` cookie would not be sent with a step-up's callback, where no user would seem signed in.
        let cookie = format!("{SESSION}={id}; Path=/; HttpOnly; Secure; SameSite=Lax");
        let path = origin.return_to.as_ref().map_or("/", ReturnTo::as_str);
        Ok(([(SET_COOKIE, cookie)], Redirect::to(path)).into_response())
    }

    /// Records that the user has authenticated again, if it is the same user and the provider really asked.
    async fn step_up(self: Arc<Self>, login: StepUp<Campaign>, request: LoginRequest) -> Result<Response, Failure> {
        let (id, session) = self.session(&request.headers).ok_or("the session is gone")?;
        let found = self.find(Some(&session.tenant), login.provider()).ok_or("the connection is gone")?;
        let verifier = login.code_verifier().map(Into::into);
        let claims = self.id_token(found, login.code().into(), verifier, login.nonce().map(Into::into)).await?;
        // An attacker at an unlocked computer can answer the prompt with an account of their own.
        if session.connection != found.1.id || session.subject != claims.subject().as_str() {
            tracing::warn!(code = "other_account", "step-up refused");
            return Ok(page(StatusCode::FORBIDDEN, "That is not the account that you are signed in with."));
        }
        let auth_time = claims.auth_time().and_then(|time| u64::try_from(time.timestamp()).ok());
        let Ok(confirmed) = login.confirm(auth_time) else {
            tracing::warn!(code = "stale_authentication", "step-up refused");
            return Ok(page(StatusCode::FORBIDDEN, "Your identity provider did not ask you to sign in again."));
        };
        lock(&self.sessions).entry(id).and_modify(|session| session.is_confirmed = true);
        tracing::info!(code = "confirmed", "the user authenticated again");
        Ok(Redirect::to(confirmed.origin.return_to.as_ref().map_or("/", ReturnTo::as_str)).into_response())
    }

    /// Exchanges the code and verifies the ID token: signature, issuer, audience, time and nonce (OpenID Connect Core section 3.1.3.7).
    async fn id_token(
        &self,
        (customer, connection): (&Customer, &Connection),
        code: AuthorizationCode,
        verifier: Option<PkceCodeVerifier>,
        nonce: Option<Nonce>,
    ) -> Result<CoreIdTokenClaims, Failure> {
        let (id, secret) = (ClientId::new(connection.client_id.clone()), connection.client_secret.clone());
        let client = CoreClient::from_provider_metadata(self.metadata(connection).await?, id, Some(secret))
            .set_redirect_uri(RedirectUrl::new(customer.redirect_uri(connection))?);
        let exchange = client.exchange_code(code)?.set_pkce_verifier(verifier.ok_or("the login has no code_verifier")?);
        let tokens = exchange.request_async(&self.http).await?;
        let nonce = nonce.ok_or("the login has no nonce")?;
        Ok(tokens.id_token().ok_or("no ID token came")?.claims(&client.id_token_verifier(), &nonce)?.clone())
    }

    /// The provider's metadata and keys. Fetching them blocks no other login, because one company's provider may be
    /// slow.
    async fn metadata(&self, connection: &Connection) -> Result<Metadata, Failure> {
        let issuer = connection.issuer.as_str();
        let known = lock(&self.metadata).get(issuer).cloned();
        if let Some((_, metadata)) = known.filter(|(asked_at, _)| asked_at.elapsed() < METADATA_LIFETIME) {
            return Ok(metadata);
        }
        let metadata = Metadata::discover_async(connection.issuer.clone(), &self.http).await?;
        lock(&self.metadata).insert(issuer.to_owned(), (Instant::now(), metadata.clone()));
        Ok(metadata)
    }

    async fn signed_in_user(self: Arc<Self>, request: LoginRequest) -> Result<Option<Vec<u8>>, Failure> {
        Ok(self.session(&request.headers).map(|(_, session)| session.user_id()))
    }

    /// The session of this browser at this company, with its id.
    fn session(&self, headers: &HeaderMap) -> Option<(String, Session)> {
        let tenant = self.customer(headers)?.tenant.into();
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|value| value.split("; ")).filter_map(|pair| pair.split_once('='));
        let (_, id) = pairs.find(|(name, _)| *name == SESSION)?;
        let session = lock(&self.sessions).get(id).cloned()?;
        (session.tenant == tenant).then(|| (id.to_owned(), session))
    }
}

impl Connection {
    /// `client_secret_basic` (RFC 6749 section 2.3.1), which encodes both parts first.
    fn basic_auth(&self) -> String {
        let [id, secret] = [self.client_id.as_str(), self.client_secret.secret()]
            .map(|part| form_urlencoded::byte_serialize(part.as_bytes()).collect::<String>());
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}")))
    }
}

/// `GET /`: the page of the company with this host.
async fn home(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response {
    let Some(customer) = service.customer(&headers) else {
        return page(StatusCode::NOT_FOUND, "No company has this address.");
    };
    let name = escaped(&customer.name);
    match service.session(&headers) {
        Some((_, Session { connection, subject, campaign, is_confirmed, .. })) => {
            let [connection, subject] = [connection, subject].map(|text| escaped(&text));
            let confirmed = if is_confirmed { "yes" } else { "no" };
            page(
                StatusCode::OK,
                &format!(
                    "<dl><dt>Company<dd id=company>{name}<dt>User<dd id=user>{subject}<dt>Campaign<dd id=campaign>{campaign}\
                     <dt>Confirmed<dd id=confirmed>{confirmed}</dl>\
                     <form method=post action=\"/auth/{connection}/reauthenticate?return_to=/\"><button>Confirm</button></form>"
                ),
            )
        }
        None => {
            let link = |id: String| format!("<p><a href=\"/auth/{id}\">Sign in with {id}</a>");
            let links: String = customer.connections.iter().map(|connection| link(escaped(&connection.id))).collect();
            page(StatusCode::OK, &format!("<h1>{name}</h1>{links}"))
        }
    }
}

fn page(status: StatusCode, html: &str) -> Response {
    (status, Html(format!("<!doctype html><title>Enterprise</title><main>{html}</main>"))).into_response()
}

/// Names, ids and subjects are text from outside.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

fn random_id() -> Result<String, Failure> {
    let mut bytes = [0; 32];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

// ---- The example itself --------------------------------------------------------------------------------------------

#[tokio::main]
async fn main() -> ExitCode {
    if std::env::args().len() > 1 {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}\n\n{HELP}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Failure> {
    let file = std::env::var("CUSTOMERS_FILE").map_err(|_| "CUSTOMERS_FILE is not set")?;
    let customers: Vec<Customer> = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let urls: Vec<_> = customers.iter().map(|customer| customer.url.clone()).collect();
    // Or LiveKeyRing::load, which rotates keys without a restart: docs/rotation.md
    let app = app(customers, KeyRing::from_env()?)?;
    let listener = TcpListener::bind(listen).await?;
    println!("open {}", urls.join(" or "));
    axum::serve(listener, app).await?;
    Ok(())
}
