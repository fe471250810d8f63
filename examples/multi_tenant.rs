//! One service for many customers, each with their own GitHub app: one callback address, any number of servers, and the
//! tenant comes from the state. A customer may have their own callback address, which expects their tenant.
//!
//! ```text
//! cargo run --example multi_tenant -- --once     # two servers, against a stand-in: prints each step, exits 0 if all held
//! cargo run --example multi_tenant -- --help     # what it needs to run against GitHub itself
//! ```
//!
//! Copy everything above the line `The example itself`. For one tenant see `github.rs`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod stand_in;

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode};
use oauth_state::outcome::AuthorizationError;
use oauth_state::provider::{Preset, Sourced};
use oauth_state::{
    App, Authorized, Binding, Expect, FinishError, Flow, KeyRing, Login, LoginOutcome, Provider, Restart,
    SingleProcessGuard, Tenant,
};
use oauth_state_axum::{CallbackRequest, Rejected, redirect, run_to_completion, set_no_store};
use oauth2::basic::{BasicClient, BasicErrorResponse, BasicRequestTokenError};
use oauth2::{
    AuthType, AuthUrl, ClientId, ClientSecret, EndpointNotSet, EndpointSet, RedirectUrl, Scope, TokenResponse,
    TokenUrl, reqwest,
};
use serde::Deserialize;
use tokio::net::TcpListener;
use uuid::Uuid;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// The address that customers register for their apps at GitHub.
const CALLBACK: &str = "/auth/github/callback";

const HELP: &str = "\
Signs in users of several customers with GitHub, each with the customer's own app.

  cargo run --example multi_tenant              serves on 127.0.0.1:8080, against GitHub
  cargo run --example multi_tenant -- --once    signs in against a stand-in, tries the attacks, and exits

Needs in the environment:

  CUSTOMERS_FILE     JSON: [{\"tenant\": a UUID, \"name\": ..., \"client_id\": ..., \"client_secret\": ...,
                     \"own_address\": true for PUBLIC_URL/customers/{tenant}/auth/github/callback}, ...]
  OAUTH_STATE_KEYS   the key ring that all servers share, from `oauth-state keys generate`
  PUBLIC_URL         the public URL of this service (default http://localhost:8080);
                     each customer registers PUBLIC_URL/auth/github/callback for their app, or their own address
  LISTEN             the address to listen on (default 127.0.0.1:8080); start as many servers as you like, with the same keys";

/// A customer, with their OAuth app at GitHub.
#[derive(Clone, Deserialize)]
struct Customer {
    tenant: Uuid,
    name: String,
    client_id: String,
    client_secret: ClientSecret,
    /// Whether GitHub redirects their users to an address with the customer's name.
    #[serde(default)]
    own_address: bool,
}

/// The settings of one installation.
#[derive(Clone)]
struct Settings {
    public_url: String,
    customers: Vec<Customer>,
    keys: KeyRing,
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    user_endpoint: String,
}

impl Settings {
    fn from_environment() -> Result<Self, Failure> {
        let customers = std::env::var("CUSTOMERS_FILE").map_err(|_| "CUSTOMERS_FILE is not set")?;
        let github = Preset::find("github").ok_or("no preset for GitHub")?;
        let known = |figure: Option<Sourced<&'static str>>| figure.map(|figure| figure.value).unwrap_or_default();
        Ok(Self {
            public_url: std::env::var("PUBLIC_URL").unwrap_or_else(|_| "http://localhost:8080".to_owned()),
            customers: serde_json::from_str(&std::fs::read_to_string(customers)?)?,
            keys: KeyRing::from_env()?, // or LiveKeyRing::load, which rotates keys without a restart: docs/rotation.md
            issuer: known(github.issuer).to_owned(),
            authorization_endpoint: known(github.authorization_endpoint).to_owned(),
            token_endpoint: known(github.token_endpoint).to_owned(),
            user_endpoint: "https://api.github.com/user".to_owned(),
        })
    }

    fn redirect_uri(&self, customer: &Customer) -> String {
        let Self { public_url, .. } = self;
        if customer.own_address {
            format!("{public_url}/customers/{}/auth/github/callback", customer.tenant)
        } else {
            format!("{public_url}{CALLBACK}")
        }
    }

    fn client(&self, customer: &Customer) -> Result<Client, Failure> {
        Ok(BasicClient::new(ClientId::new(customer.client_id.clone()))
            .set_client_secret(customer.client_secret.clone())
            .set_auth_type(AuthType::RequestBody) // the form that GitHub documents
            .set_auth_uri(AuthUrl::new(self.authorization_endpoint.clone())?)
            .set_token_uri(TokenUrl::new(self.token_endpoint.clone())?)
            .set_redirect_uri(RedirectUrl::new(self.redirect_uri(customer))?))
    }
}

struct Site {
    flow: Flow,
    /// Each customer's name and client; a real service keeps them in a database.
    customers: HashMap<Uuid, (String, Client)>,
    http: reqwest::Client,
    user_endpoint: String,
}

fn app(settings: &Settings) -> Result<Router, Failure> {
    // The customers' client ids differ, so `client` builds the authorization URL instead of
    // `AuthorizationRequest::url`. If an `iss` comes, it must be GitHub's (RFC 9207).
    let redirect_uri = format!("{}{CALLBACK}", settings.public_url);
    let github = Provider::github().issuer(&settings.issuer).redirect_uri(&redirect_uri);
    let guard = SingleProcessGuard::with_capacity(1_000_000); // a fleet shares one: docs/guards.md
    let flow = Flow::builder(App::new("shop", "production")?, settings.keys.clone(), guard).provider(github).build()?;
    let customers = settings.customers.iter().map(|customer| {
        let client = settings.client(customer)?;
        Ok::<_, Failure>((customer.tenant, (customer.name.clone(), client)))
    });
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none()) // a response must not redirect this server (SSRF)
        .timeout(Duration::from_secs(10))
        .user_agent("shop") // GitHub's API refuses a request without one
        .build()?;
    let customers = customers.collect::<Result<_, _>>()?;
    let site = Site { flow, customers, http, user_endpoint: settings.user_endpoint.clone() };
    Ok(Router::new()
        .route("/customers/{tenant}/auth/github", get(login))
        .route(CALLBACK, get(callback))
        .route("/customers/{tenant}/auth/github/callback", get(callback_of_one))
        .with_state(Arc::new(site)))
}

/// `GET /customers/{tenant}/auth/github`, a link on a page of that customer.
async fn login(
    State(site): State<Arc<Site>>,
    Path(tenant): Path<Uuid>,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
) -> Response {
    let (binding, tenant) = (Binding::cookies(&headers), tenant.into());
    let expect = Expect::provider("github").tenant(&tenant);
    let restart = wish.again.and_then(|token| site.flow.restart(&token, &binding, expect));
    let login = restart.map_or_else(|| Login::with("github"), |restart| restart.login());
    site.begin(binding, &tenant, login)
}

#[derive(Deserialize)]
struct Wish {
    /// The state of a refused callback that sent the browser here.
    again: Option<String>,
}

/// The shared address of all customers: the state names the tenant, and only this service can seal a state.
async fn callback(State(site): State<Arc<Site>>, request: Result<CallbackRequest, Rejected<FinishError>>) -> Response {
    answer(site, None, request).await
}

/// The address of one customer with their tenant, like a host name of their own: the state must name the same tenant.
async fn callback_of_one(
    State(site): State<Arc<Site>>,
    Path(tenant): Path<Uuid>,
    request: Result<CallbackRequest, Rejected<FinishError>>,
) -> Response {
    answer(site, Some(tenant.into()), request).await
}

async fn answer(
    site: Arc<Site>,
    tenant: Option<Tenant>,
    request: Result<CallbackRequest, Rejected<FinishError>>,
) -> Response {
    // On its own task: a browser that disconnects must not leave a used state and an unused code.
    run_to_completion(async move {
        match request {
            Ok(request) => site.finish(tenant, request).await,
            // The crate logs the reason, with the reference that the page shows; the user sees only the generic message.
            Err(rejected) => rejected.into_response(),
        }
    })
    .await
}

impl Site {
    fn customer(&self, tenant: &Tenant) -> Option<&(String, Client)> {
        self.customers.get(&Uuid::from_slice(tenant.as_bytes()).ok()?)
    }

    fn begin(&self, binding: Binding<'_>, tenant: &Tenant, login: Login) -> Response {
        let Some((_, client)) = self.customer(tenant) else {
            return set_no_store((StatusCode::NOT_FOUND, "Unknown customer."));
        };
        let begun = match self.flow.begin(binding, login.tenant(tenant.clone())) {
            Ok(begun) => begun,
            Err(error) => return Rejected(error).into_response(),
        };
        let mut url = client.authorize_url(|| begun.csrf_token()).add_scope(Scope::new("read:user".to_owned()));
        if let Some(challenge) = begun.pkce_challenge() {
            url = url.set_pkce_challenge(challenge);
        }
        redirect(&begun, url.url().0.as_str())
    }

    /// `tenant` is the address's tenant, if it has one.
    async fn finish(&self, tenant: Option<Tenant>, request: CallbackRequest) -> Response {
        let (headers, callback) = request.split();
        let expect = Expect::provider("github");
        let expect = match &tenant {
            Some(tenant) => expect.tenant(tenant),
            // The shared address of all customers: the state names the tenant.
            None => expect.any_tenant(),
        };
        match self.flow.finish(headers.cookies(), expect, callback).await {
            Ok(LoginOutcome::Authorized(login)) => self.sign_in(login).await.unwrap_or_else(|error| {
                tracing::error!(code = "not_confirmed", error, "sign-in failed at GitHub");
                set_no_store((StatusCode::BAD_GATEWAY, "GitHub did not confirm this sign-in. Please start again."))
            }),
            Ok(LoginOutcome::Denied(refusal)) if refusal.error == AuthorizationError::AccessDenied => {
                set_no_store(Redirect::to("/"))
            }
            Ok(_) => set_no_store((StatusCode::BAD_GATEWAY, "GitHub could not sign you in. Please try again later.")),
            // Expired, the back button, a lost cookie: the login restarts by itself, once. Its tenant comes from the
            // address, or from the state if this is certainly the browser that started the login.
            Err(error) => {
                let restart = error.restart().filter(|restart| restart.is_automatic());
                let tenant = tenant.as_ref().or(restart.and_then(Restart::tenant));
                match restart.zip(tenant.and_then(|tenant| Uuid::from_slice(tenant.as_bytes()).ok())) {
                    Some((restart, tenant)) => {
                        // Through the login start, so that a rate limit there counts the restart.
                        let login_start = format!("/customers/{tenant}/auth/github?again={}", restart.token());
                        set_no_store(Redirect::to(&login_start))
                    }
                    None => Rejected(error).into_response(),
                }
            }
        }
    }

    async fn sign_in(&self, login: Authorized<()>) -> Result<Response, String> {
        // From the authentic state, never from a parameter: the tenant decides whose client exchanges the code.
        let tenant = login.origin.tenant.ok_or("the state has no tenant")?;
        let (name, client) = self.customer(&tenant).ok_or("the customer is gone")?;
        let mut exchange = client.exchange_code(login.code.into());
        if let Some(verifier) = login.code_verifier {
            exchange = exchange.set_pkce_verifier(verifier.into());
        }
        let tokens = exchange.request_async(&self.http).await.map_err(|error| why_no_token(&error))?;
        let user = self.user(tokens.access_token().secret()).await.map_err(|error| error.to_string())?;
        tracing::info!(code = "signed_in", "signed in");
        // Start your session for (`tenant`, `user.id`) here.
        Ok(set_no_store(format!("Signed in as {} (GitHub user {}) of {name}", user.login, user.id)))
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
    for customer in &settings.customers {
        println!("{}: open {}/customers/{}/auth/github", customer.name, settings.public_url, customer.tenant);
    }
    axum::serve(TcpListener::bind(listen).await?, app(&settings)?).await?;
    Ok(())
}

async fn once(log: stand_in::log::Log) -> Result<stand_in::report::Report, Failure> {
    use stand_in::grants::Registration;
    use stand_in::program;
    use stand_in::user_agent::UserAgent;

    // Two servers behind one host name, which take turns; they share only the keys.
    let public_url = "http://localhost".to_owned();
    let (first, first_url) = program::listen("127.0.0.1").await?;
    let (second, second_url) = program::listen("127.0.0.1").await?;
    let start_of = |number: u128| format!("{public_url}/customers/{}/auth/github", Uuid::from_u128(number));
    let (acme, bolt, cogs) = (1, 2, 3);
    let [shared, own] = [format!("{public_url}{CALLBACK}"), format!("{}/callback", start_of(bolt))];
    let apps = [
        Registration::new("Iv1.acme", &shared)?,
        Registration::new("Iv1.bolt", &own)?,
        Registration::new("Iv1.cogs", &shared)?,
    ];
    let github = stand_in::github::start(apps.to_vec()).await?;
    let [acmes_secret, bolts_secret, _] = apps.map(|app| app.client_secret);
    let customer = |number: u128, name: &str, client_secret: String| Customer {
        tenant: Uuid::from_u128(number),
        name: name.to_owned(),
        client_id: format!("Iv1.{}", name.to_lowercase()),
        client_secret: ClientSecret::new(client_secret),
        own_address: number == bolt,
    };
    let customers = vec![
        customer(acme, "Acme", acmes_secret),
        customer(bolt, "Bolt", bolts_secret),
        customer(cogs, "Cogs", "changed at GitHub since".to_owned()),
    ];
    let settings = Settings {
        public_url: public_url.clone(),
        customers,
        keys: program::fresh_ring()?,
        issuer: github.issuer.clone(),
        authorization_endpoint: github.authorization_endpoint.clone(),
        token_endpoint: github.token_endpoint.clone(),
        user_endpoint: github.user_endpoint.clone(),
    };
    program::spawn(first, app(&settings)?);
    program::spawn(second, app(&settings)?);
    let servers = [first_url, second_url];
    let browser = |person: &str| {
        UserAgent::of(person, &github.address, &log).map(|agent| agent.with_servers(&public_url, &servers))
    };
    let mut report = stand_in::report::Report::default();

    let mut ann = browser("ann")?;
    let link = ann.callback(&start_of(acme)).await?;
    let began_on = ann.last_server.clone();
    let answer = ann.open(&link).await?;
    report.signed_in("Ann of Acme signs in", &answer, "as ann");
    let held = answer.body.ends_with("of Acme");
    report.check("at Acme, which the callback read from the state", &answer.body, held, "Acme");
    let crossed = began_on != ann.last_server && servers.contains(&began_on) && servers.contains(&ann.last_server);
    report.check("started on one server, finished on the other", &ann.last_server, crossed, "the other");
    let answer = ann.open(&link).await?;
    report.not_confirmed("the same link on the server that never saw it", &answer, "bad_verification_code");
    let answer = ann.open(&link).await?;
    report.restarts("the same link on the server that finished", &answer, "already_used");
    let link = ann.callback(&start_of(acme)).await?;
    let answer = ann.open(&link.with("tenant", &Uuid::from_u128(bolt).to_string())).await?;
    report.signed_in("a parameter that names Bolt changes nothing", &answer, "of Acme");

    let mut bob = browser("bob")?;
    let link = bob.callback(&start_of(bolt)).await?;
    let answer = bob.open(&link).await?;
    report.signed_in("Bob of Bolt, at the address of Bolt, which expects it", &answer, "of Bolt");
    let link = ann.callback(&start_of(acme)).await?;
    let answer = ann.open(&link.at(&format!("/customers/{}/auth/github/callback", Uuid::from_u128(bolt)))).await?;
    report.refused("a login of Acme at the address of Bolt", &answer, "wrong_tenant");
    let answer = ann.open(&link).await?;
    report.signed_in("that did not use it up: at the shared address", &answer, "of Acme");
    let for_acme = ann.callback(&start_of(acme)).await?;
    let for_bolt = ann.callback(&start_of(bolt)).await?;
    let answer = ann.open(&for_bolt.with("code", &for_acme.parameter("code"))).await?;
    report.not_confirmed("Acme's code in a login of Bolt", &answer, "bad_verification_code");
    let link = ann.callback(&start_of(cogs)).await?;
    let answer = ann.open(&link).await?;
    report.not_confirmed(
        "Cogs, whose secret is stale: each customer has their own",
        &answer,
        "incorrect_client_credentials",
    );

    let fresh = bob.callback(&start_of(bolt)).await?;
    let answer = ann.open(&fresh).await?;
    report.refused("Bob's fresh link in Ann's browser (login CSRF)", &answer, "other_browser");
    let answer = ann.get(&start_of(9).parse()?).await?;
    report.ends("a customer that does not exist", &answer, 404, "");
    let length = fresh.parameter("state").len();
    report.check("a state with a tenant in it, in characters", &length.to_string(), length <= 150, "150 at most");
    Ok(report)
}
