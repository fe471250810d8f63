//! One application server: login start, callback, and the pages that show the outcome.

use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, Uri};
use oauth_state::error::FinishErrorKind;
use oauth_state::outcome::AuthorizationError;
use oauth_state::{Binding, Callback, Expect, FinishError, Flow, LiveKeyRing, Login, LoginOutcome, Provider, ReturnTo};
use oauth_state_axum::{BindingHeaders, CallbackRequest, Rejected, redirect, run_to_completion, set_no_store};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::contents::Contents;
use crate::exchanged::Exchanged;
use crate::identity::Identity;
use crate::pages::{self, Outcome};
use crate::settings::{self, BegunOn, Settings};
use crate::{Failure, guard, keys};

/// The provider's id in states.
const PROVIDER: &str = "demo";

struct Site {
    flow: Flow<BegunOn>,
    /// Decodes states for the pages of the demonstration; a service needs the flow alone.
    keys: LiveKeyRing,
    settings: Settings,
    /// The target of a page's button.
    home: ReturnTo,
    /// The return path of the showcase's logins.
    after_login: ReturnTo,
    /// Whether the servers share a replay guard.
    shared: bool,
    identity: Identity,
}

/// Serves until the process is told to stop, or the process that started it is gone.
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
    let keys = keys::from_environment().await?;
    let flow = Flow::builder(settings::app()?, keys.clone(), guard)
        .carrying::<BegunOn>()
        .provider(provider)
        .lifetime(settings.lifetime);
    let flow = settings.browsers(flow)?.build()?;
    tracing::info!(server = settings.name, ring = flow.fingerprint(), "ready");

    let listener = TcpListener::bind(settings.listen).await?;
    println!("listening on {}", listener.local_addr()?);
    let until_end_of_input = settings.until_end_of_input;
    let identity = Identity::new(&settings)?;
    let site = Arc::new(Site {
        flow,
        keys,
        settings,
        home: "/".parse()?,
        after_login: "/?after=login".parse()?,
        shared,
        identity,
    });
    // A provider may answer by POST although it is declared to use the query: the refusal names the reason, and a 405 would not.
    let callbacks = get(callback).post(callback);
    let app = Router::new().route("/", get(home)).route("/login", get(login)).route("/callback", callbacks);
    axum::serve(listener, app.with_state(site)).with_graceful_shutdown(end_of_input(until_end_of_input)).await?;
    Ok(())
}

/// With `--until end-of-input`: waits for the end of standard input, which comes even if the process that started this
/// one is killed.
pub async fn end_of_input(wanted: bool) {
    let mut bytes = [0; 64];
    let mut input = tokio::io::stdin();
    while wanted && input.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
    if !wanted {
        std::future::pending::<()>().await;
    }
}

async fn home(State(site): State<Arc<Site>>, uri: Uri) -> Html<String> {
    let is_after_login = uri.path_and_query().is_some_and(|path| path.as_str() == site.after_login.as_str());
    Html(pages::home(&site.settings, site.shared, is_after_login))
}

async fn login(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let mut response = start(&site, &headers).await.unwrap_or_else(|refusal| site.refuse(refusal));
    site.flow.allow_framing(response.headers_mut());
    response
}

async fn start(site: &Site, headers: &HeaderMap) -> Result<Response, Refusal> {
    let mut login = Login::with(PROVIDER).data(BegunOn { server: site.settings.name.clone() });
    if site.settings.showcase {
        login = login.return_to(site.after_login.clone());
    }
    let begun = site.flow.begin(Binding::cookies(headers), login)?;
    tracing::info!(server = site.settings.name, "login started");
    let url = site.identity.authorization_url(&begun).await?;
    Ok(redirect(&begun, url))
}

async fn callback(State(site): State<Arc<Site>>, request: Result<CallbackRequest, Rejected<FinishError>>) -> Response {
    // On a task of its own: a browser that disconnects must not leave a used state and an unused code.
    run_to_completion(async move {
        let (finished, contents) = match request {
            Ok(request) => {
                let (headers, callback) = request.split();
                let contents = site.contents(callback.state());
                (site.finish(headers, callback).await, contents)
            }
            Err(Rejected(refused)) => (Err(refused), None),
        };
        let outcome = match finished {
            Ok(outcome) => outcome,
            // The page that posts the callback once more, from this site.
            Err(refused) if refused.kind() == FinishErrorKind::RepostNeeded => {
                return Rejected(refused).into_response();
            }
            Err(refused) => Outcome::refused(&refused),
        };
        // The demo shows the code; the crate has logged it, and a service shows the user only `public_text`.
        tracing::info!(server = site.settings.name, outcome = outcome.code, "callback");
        let status = StatusCode::from_u16(outcome.status).unwrap_or(StatusCode::BAD_REQUEST);
        set_no_store((status, Html(pages::outcome(&outcome, &site.settings, contents.as_ref()))))
    })
    .await
}

impl Site {
    fn refuse(&self, refusal: Refusal) -> Response {
        match refusal {
            Refusal::Begin(error) => {
                tracing::warn!(%error, "login not started");
                error.to_page(&self.home).map(axum::body::Body::from)
            }
            Refusal::Provider(error) => {
                tracing::warn!(%error, "provider not reached");
                set_no_store((StatusCode::BAD_GATEWAY, "The provider could not be reached."))
            }
        }
    }

    /// The state, decoded for the page. Never sign a user in by this: it checks neither browser nor replay.
    fn contents(&self, state: &str) -> Option<Contents> {
        let ring = self.keys.ring();
        self.settings.showcase.then(|| Contents::read(&ring, state, SystemTime::now()).ok()).flatten()
    }

    async fn finish(&self, headers: BindingHeaders, callback: Callback) -> Result<Outcome, FinishError> {
        Ok(match self.flow.finish(headers.cookies(), Expect::provider(PROVIDER), callback).await? {
            LoginOutcome::Authorized(login) => {
                let begun_on = login.data.server.clone();
                let return_to = login.origin.return_to.clone();
                match self.identity.exchange(login).await {
                    Exchanged::Subject(subject) => Outcome::signed_in(&subject, &begun_on, return_to.as_ref()),
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
