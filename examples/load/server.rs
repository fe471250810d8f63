//! One application server in its own process.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use oauth_state::observe::{FLOW_SECONDS, LATENCY_SECONDS, describe};
use oauth_state::ring::Refresh;
use oauth_state::ring::source::source_fn;
use oauth_state::{
    App, Binding, Expect, Flow, FlowBuilder, LiveKeyRing, Login, Provider, ReplayGuard, SingleProcessGuard,
};
use oauth_state_axum::{CallbackRequest, redirect, run_to_completion};
use oauth_state_postgres::PostgresGuard;
use oauth_state_postgres::PostgresPayloadStore;
use oauth_state_redis::RedisGuard;
use oauth_state_redis::RedisPayloadStore;
use oauth_state_store::{Consumed, MemoryPayloadStore, StateStore, StoredFlow};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;

use crate::Failure;

/// The measurement is a login's time and not a timeout: a busy machine may take its time.
const PATIENT: Duration = Duration::from_secs(10);
const MARKS: usize = 2_000_000;

/// The server's settings on its standard input, in one line, so that no key is among its arguments.
#[derive(Clone, Serialize, Deserialize)]
pub struct Settings {
    pub ring: String,
    pub provider: String,
    pub store: String,
    pub guard: String,
    pub redis: String,
    pub postgres: String,
}

/// The response to a callback.
#[derive(Serialize, Deserialize)]
pub struct CallbackAnswer {
    /// `finished`, or the code of the refusal.
    pub code: String,
    pub visit: Option<u64>,
    pub code_verifier: Option<String>,
}

#[derive(Clone)]
struct Site {
    store: Arc<dyn StateStore<u64>>,
    provider: Arc<str>,
}

/// Serves until its standard input ends, because the parent process has ended.
pub fn run() -> Result<bool, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let served = runtime.block_on(serve());
    // A pending read of standard input does not end with the runtime.
    runtime.shutdown_background();
    served.map(|()| true)
}

async fn serve() -> Result<(), Failure> {
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    let settings: Settings = serde_json::from_str(&input.next_line().await?.ok_or("no settings")?)?;
    // Before the flow is built, because the flow looks up its metric handles then.
    let metrics = install_recorder()?;
    let site =
        Site { store: store(&settings, keys(&settings).await?).await?, provider: settings.provider.as_str().into() };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?.port());
    let app = Router::new().route("/begin", get(begin)).route("/callback", get(callback)).with_state(site);
    let app = app.route("/metrics", get(move || async move { metrics.render() }));
    tokio::select! {
        served = async { axum::serve(listener, app).await } => Ok(served?),
        _ = input.next_line() => Ok(()),
    }
}

/// Histograms with bounds, so that a fleet's percentiles can be computed from the sum of its servers' buckets.
fn install_recorder() -> Result<PrometheusHandle, Failure> {
    let flows = Matcher::Full("oauth_state_flow_duration_seconds".to_owned());
    let builder = PrometheusBuilder::new().set_buckets(LATENCY_SECONDS)?.set_buckets_for_metric(flows, FLOW_SECONDS)?;
    let handle = builder.install_recorder()?;
    describe();
    Ok(handle)
}

/// Refreshed from time to time, as in a service; it never changes here.
async fn keys(settings: &Settings) -> Result<LiveKeyRing, Failure> {
    let ring = settings.ring.clone();
    let source = source_fn("the line that this server was started with", move || {
        let ring = ring.clone();
        async move { Ok(ring) }
    });
    let (keys, refresher) = LiveKeyRing::load(source, Refresh::every(Duration::from_secs(1))).await?;
    tokio::spawn(refresher.run());
    Ok(keys)
}

fn builder(keys: LiveKeyRing, guard: impl ReplayGuard) -> Result<FlowBuilder<u64>, Failure> {
    let builder = Flow::builder(App::new("shop", "load")?, keys, guard).carrying::<u64>();
    Ok(builder.provider(Provider::github()))
}

async fn store(settings: &Settings, keys: LiveKeyRing) -> Result<Arc<dyn StateStore<u64>>, Failure> {
    let redis = || RedisGuard::builder(&settings.redis).budget(PATIENT).connect();
    let memory = || SingleProcessGuard::with_capacity(MARKS);
    Ok(match (settings.store.as_str(), settings.guard.as_str()) {
        ("sealed", "redis") => Arc::new(builder(keys, redis().await?)?.build()?),
        ("sealed", _) => Arc::new(builder(keys, memory())?.build()?),
        ("redis", _) => {
            let guard = redis().await?;
            let rows = RedisPayloadStore::from_guard(&guard);
            Arc::new(StoredFlow::new(builder(keys, guard)?, rows)?)
        }
        ("postgres", _) => {
            let guard = PostgresGuard::builder(&settings.postgres).budget(PATIENT).connect().await?;
            let rows = PostgresPayloadStore::from_guard(&guard).await?;
            Arc::new(StoredFlow::new(builder(keys, guard)?, rows)?)
        }
        _ => Arc::new(StoredFlow::new(builder(keys, memory())?, MemoryPayloadStore::with_capacity(MARKS))?),
    })
}

#[derive(Deserialize)]
struct Begin {
    visit: u64,
}

async fn begin(State(site): State<Site>, Query(asked): Query<Begin>, headers: HeaderMap) -> Response {
    let login = Login::with("github").data(asked.visit);
    match site.store.issue(Binding::cookies(&headers), login).await {
        Ok(issued) => {
            let (state, challenge) = (&issued.state, issued.code_challenge.as_deref().unwrap_or_default());
            let query = format!("state={state}&code_challenge_method=S256&code_challenge={challenge}");
            redirect(&issued, format!("{}?{query}", site.provider))
        }
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    }
}

async fn callback(State(site): State<Site>, request: CallbackRequest) -> Json<CallbackAnswer> {
    run_to_completion(async move {
        let (headers, callback) = request.split();
        let consumed = site.store.consume(headers.cookies(), Expect::provider("github"), callback).await;
        Json(match consumed {
            Ok(Consumed::Code(login)) => CallbackAnswer {
                code: "finished".to_owned(),
                visit: Some(login.data),
                code_verifier: login.code_verifier.map(|verifier| verifier.secret().to_owned()),
            },
            Ok(_) => CallbackAnswer { code: "refused".to_owned(), visit: None, code_verifier: None },
            Err(error) => CallbackAnswer { code: error.code().to_owned(), visit: None, code_verifier: None },
        })
    })
    .await
}
