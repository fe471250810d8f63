//! One application server: begin, callback, and pages that say what happened.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode};
use oauth_state::error::FinishErrorKind;
use oauth_state::outcome::AuthorizationError;
use oauth_state::{App, Binding, Expect, FinishError, Flow, Login, LoginOutcome, Provider, ReturnTo};
use oauth_state_axum::{CallbackRequest, Rejected, redirect, run_to_completion, set_no_store};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::exchanged::Exchanged;
use crate::identity::Identity;
use crate::pages::{self, Outcome};
use crate::settings::{BegunOn, Settings};
use crate::{Failure, guard, keys};

/// The provider's id in states.
const PROVIDER: &str = "demo";

struct Site {
    flow: Flow<BegunOn>,
    settings: Settings,
    /// Where the button of a page leads.
    home: ReturnTo,
    /// Whether the other servers know what was used here.
    shared: bool,
    identity: Identity,
}

/// Serves until the process is told to stop, or whoever started it is gone.
pub async fn run(settings: Settings) -> Result<(), Failure> {
    let shared = guard::is_shared();
    let guard = guard::from_environment().await?;
    let provider = Provider::custom(PROVIDER)?
        .client_id(&settings.client_id)
        .redirect_uri(&format!("{}/callback", settings.public))
        .authorization_endpoint(&format!("{}/authorize", settings.issuer)) // with --openid, discovery replaces it
        .scopes(settings.openid.then_some("openid"))
        .response_mode(settings.response_mode)
        .requires_iss(&settings.issuer);
    let flow = Flow::builder(App::new("login-example", "demo")?, keys::from_environment().await?, guard)
        .carrying::<BegunOn>()
        .provider(provider)
        .lifetime(settings.lifetime);
    let flow = settings.browsers(flow)?.build()?;
    tracing::info!(server = settings.name, ring = flow.fingerprint(), "ready");

    let listener = TcpListener::bind(settings.listen).await?;
    println!("listening on {}", listener.local_addr()?);
    let until_end_of_input = settings.until_end_of_input;
    let identity = Identity::new(&settings)?;
    let site = Arc::new(Site { flow, settings, home: "/".parse()?, shared, identity });
    // A provider may answer by POST although it is declared to use the query: the refusal names the reason, and a 405 would not.
    let callbacks = get(callback).post(callback);
    let app = Router::new().route("/", get(home)).route("/login", get(login)).route("/callback", callbacks);
    axum::serve(listener, app.with_state(site)).with_graceful_shutdown(end_of_input(until_end_of_input)).await?;
    Ok(())
}

/// With `--until end-of-input`: standard input ends when the process does that started this one, however that comes
/// about.
pub async fn end_of_input(wanted: bool) {
    let mut bytes = [0; 64];
    let mut input = tokio::io::stdin();
    while wanted && input.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
    if !wanted {
        std::future::pending::<()>().await;
    }
}

async fn home(State(site): State<Arc<Site>>) -> Html<String> {
    Html(pages::home(&site.settings.name, site.settings.lifetime.as_secs(), site.shared))
}

async fn login(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let mut response = start(&site, &headers).await.unwrap_or_else(|refusal| site.refuse(refusal));
    site.flow.allow_framing(response.headers_mut());
    response
}

async fn start(site: &Site, headers: &HeaderMap) -> Result<Response, Refusal> {
    let login = Login::with(PROVIDER).data(BegunOn { server: site.settings.name.clone() });
    let begun = site.flow.begin(Binding::cookies(headers), login)?;
    tracing::info!(server = site.settings.name, "login begun");
    let url = site.identity.authorization_url(&begun).await?;
    Ok(redirect(&begun, url))
}

async fn callback(State(site): State<Arc<Site>>, request: Result<CallbackRequest, Rejected<FinishError>>) -> Response {
    // On a task of its own: a browser that disconnects must not leave a used state and an unused code.
    run_to_completion(async move {
        let finished = match request {
            Ok(request) => site.finish(request).await,
            Err(Rejected(refused)) => Err(refused),
        };
        let outcome = match finished {
            Ok(outcome) => outcome,
            // The page that posts the callback once more, from this site.
            Err(refused) if refused.kind() == FinishErrorKind::RepostNeeded => {
                return Rejected(refused).into_response();
            }
            Err(refused) => {
                tracing::warn!(code = refused.code(), diagnosis = refused.diagnosis(), "callback refused");
                Outcome::refused(&refused)
            }
        };
        // The demo shows the code; a service logs it, and shows the user only `public_text`.
        tracing::info!(server = site.settings.name, outcome = outcome.code, "callback");
        let status = StatusCode::from_u16(outcome.status).unwrap_or(StatusCode::BAD_REQUEST);
        set_no_store((status, Html(pages::outcome(&outcome, &site.settings.name))))
    })
    .await
}

impl Site {
    fn refuse(&self, refusal: Refusal) -> Response {
        match refusal {
            Refusal::Begin(error) => {
                tracing::warn!(%error, "login not begun");
                error.to_page(&self.home).map(axum::body::Body::from)
            }
            Refusal::Provider(error) => {
                tracing::warn!(%error, "provider not reached");
                set_no_store((StatusCode::BAD_GATEWAY, "The provider could not be reached."))
            }
        }
    }

    async fn finish(&self, request: CallbackRequest) -> Result<Outcome, FinishError> {
        let (headers, callback) = request.split();
        Ok(match self.flow.finish(headers.cookies(), Expect::provider(PROVIDER), callback).await? {
            LoginOutcome::Authorized(login) => {
                let begun_on = login.data.server.clone();
                match self.identity.exchange(login).await {
                    Exchanged::Subject(subject) => Outcome::signed_in(&subject, &begun_on),
                    Exchanged::Refused(error) => Outcome::code_refused(&error, &begun_on),
                    Exchanged::Failed(code, text) => Outcome::provider_failed(code, text),
                }
            }
            LoginOutcome::Denied(refusal) if refusal.error == AuthorizationError::AccessDenied => {
                Outcome::denied(&refusal.data.server)
            }
            _ => Outcome::provider_failed("provider_error", "The provider answered with an error."),
        })
    }
}

/// A login that could not start.
enum Refusal {
    Begin(oauth_state::BeginError),
    Provider(Failure),
}

impl From<oauth_state::BeginError> for Refusal {
    fn from(error: oauth_state::BeginError) -> Self {
        Self::Begin(error)
    }
}

impl From<Failure> for Refusal {
    fn from(error: Failure) -> Self {
        Self::Provider(error)
    }
}
