//! One application server in its own process: login start, callback, and the routes of an operator.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode, header};
use oauth_state::{App, Binding, Expect, Flow, FlowBuilder, KeyRing, Login, Provider, ReplayGuard, SingleProcessGuard};
use oauth_state_axum::{CallbackRequest, run_to_completion};
use oauth_state_postgres::PostgresGuard;
use oauth_state_postgres::PostgresPayloadStore;
use oauth_state_redis::RedisGuard;
use oauth_state_redis::RedisPayloadStore;
use oauth_state_store::{
    Consumed, MemoryPayloadStore, Migration, MigrationPlan, StateStore, StoredFlow, UnboundLegacyStore,
};
use serde::{Deserialize, Serialize};
use support::servers::Failure;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;

use super::old::{OldMap, OldTable, Visit};
use crate::stores::PATIENT;

/// The server's settings on its standard input, in one line, so that no key is among its arguments.
#[derive(Clone, Serialize, Deserialize)]
pub struct Settings {
    pub ring: String,
    pub redis: String,
    pub postgres: String,
    pub store: String,
    /// A migration between two stores, instead of `store`.
    pub plan: Option<String>,
    /// Distinguishes it from the previous process in this place.
    pub process: u64,
}

#[derive(Serialize, Deserialize)]
pub struct BegunAnswer {
    pub process: u64,
    pub state: String,
    pub code_challenge: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub struct CallbackAnswer {
    pub process: u64,
    /// `finished`, or the code of the refusal.
    pub code: String,
    pub visit: Option<u64>,
    pub code_verifier: Option<String>,
}

#[derive(Default, Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Counted {
    pub issued: [u64; 2],
    pub consumed: [u64; 2],
    pub refused: [u64; 2],
    pub not_issued: u64,
    pub unowned: u64,
}

struct Site {
    store: Arc<dyn StateStore<Visit>>,
    migration: Option<(MigrationPlan, Migration<Visit>)>,
    process: u64,
}

/// Serves until its standard input ends, because the parent process has ended.
pub async fn run() -> Result<(), Failure> {
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    let settings: Settings = serde_json::from_str(&input.next_line().await?.ok_or("no settings")?)?;
    let site = Arc::new(Site::new(&settings).await?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?.port());
    let app = Router::new()
        .route("/begin", get(begin))
        .route("/callback", get(callback))
        .route("/plan", post(plan))
        .route("/counts", get(counts));
    tokio::select! {
        served = async { axum::serve(listener, app.with_state(site)).await } => Ok(served?),
        _ = input.next_line() => Ok(()),
    }
}

fn builder(settings: &Settings, guard: impl ReplayGuard) -> Result<FlowBuilder<Visit>, Failure> {
    let ring = settings.ring.parse::<KeyRing>()?;
    let builder = Flow::builder(App::new("shop", "trial")?, ring, guard).carrying::<Visit>();
    Ok(builder.provider(Provider::github()))
}

async fn store(name: &str, settings: &Settings) -> Result<Arc<dyn StateStore<Visit>>, Failure> {
    let redis = || RedisGuard::builder(&settings.redis).budget(PATIENT).connect();
    Ok(match name {
        "sealed" => Arc::new(builder(settings, redis().await?)?.build()?),
        "redis" => {
            let guard = redis().await?;
            let rows = RedisPayloadStore::from_guard(&guard);
            Arc::new(StoredFlow::new(builder(settings, guard)?, rows)?)
        }
        "postgres" => {
            let guard = PostgresGuard::builder(&settings.postgres).budget(PATIENT).connect().await?;
            let rows = PostgresPayloadStore::from_guard(&guard).await?;
            Arc::new(StoredFlow::new(builder(settings, guard)?, rows)?)
        }
        "memory" => {
            let builder = builder(settings, SingleProcessGuard::with_capacity(1_000_000))?;
            Arc::new(StoredFlow::new(builder, MemoryPayloadStore::with_capacity(100_000))?)
        }
        "hashmap" => Arc::new(UnboundLegacyStore::new(OldMap::default())),
        "table" => {
            let (client, connection) = tokio_postgres::connect(&settings.postgres, tokio_postgres::NoTls).await?;
            tokio::spawn(connection);
            Arc::new(UnboundLegacyStore::new(OldTable(client)))
        }
        other => return Err(format!("no store {other}").into()),
    })
}

impl Site {
    async fn new(settings: &Settings) -> Result<Self, Failure> {
        let process = settings.process;
        let Some(plan) = &settings.plan else {
            return Ok(Self { store: store(&settings.store, settings).await?, migration: None, process });
        };
        let plan = plan.parse::<MigrationPlan>()?;
        let mut stores = Vec::new();
        for name in ["sealed", "redis", "hashmap", "table"] {
            stores.push((name, store(name, settings).await?));
        }
        let migration = plan.build(stores)?;
        Ok(Self { store: Arc::new(migration.clone()), migration: Some((plan, migration)), process })
    }
}

#[derive(Deserialize)]
struct Begin {
    visit: u64,
}

async fn begin(State(site): State<Arc<Site>>, Query(asked): Query<Begin>, headers: HeaderMap) -> Response {
    let login = Login::with("github").data(Visit { number: asked.visit });
    let issued = match site.store.issue(Binding::cookies(&headers), login).await {
        Ok(issued) => issued,
        Err(error) => return (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    };
    let body = BegunAnswer { process: site.process, state: issued.state, code_challenge: issued.code_challenge };
    let mut response = Json(body).into_response();
    if let Some(cookie) = issued.set_cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie.try_into().expect("a header"));
    }
    response
}

async fn callback(State(site): State<Arc<Site>>, request: CallbackRequest) -> Json<CallbackAnswer> {
    run_to_completion(async move {
        let (headers, callback) = request.split();
        let consumed = site.store.consume(headers.cookies(), Expect::provider("github"), callback).await;
        let mut answer =
            CallbackAnswer { process: site.process, code: "refused".to_owned(), visit: None, code_verifier: None };
        match consumed {
            Ok(Consumed::Code(login)) => {
                // Before the response, so that a win is known even if the response is lost with this process.
                println!("won {}", login.data.number);
                answer.code = "finished".to_owned();
                answer.visit = Some(login.data.number);
                answer.code_verifier = login.code_verifier.map(|verifier| verifier.secret().to_owned());
            }
            Ok(_) => {}
            Err(error) => answer.code = error.code().to_owned(),
        }
        Json(answer)
    })
    .await
}

/// An operator's action after the plan's file has changed.
async fn plan(State(site): State<Arc<Site>>, text: String) -> Result<(), (StatusCode, String)> {
    let refuse = |error: String| (StatusCode::BAD_REQUEST, error);
    let (plan, migration) = site.migration.as_ref().ok_or_else(|| refuse("no migration".to_owned()))?;
    let next = text.parse::<MigrationPlan>().map_err(|error| refuse(error.to_string()))?;
    plan.apply(&next, migration).map_err(|error| refuse(error.to_string()))
}

async fn counts(State(site): State<Arc<Site>>) -> Json<Counted> {
    let counts = site.migration.as_ref().map(|(_, migration)| migration.counts()).unwrap_or_default();
    let (old, new) = (counts.old, counts.new);
    Json(Counted {
        issued: [old.issued, new.issued],
        consumed: [old.consumed, new.consumed],
        refused: [old.refused, new.refused],
        not_issued: old.not_issued + new.not_issued,
        unowned: counts.unowned,
    })
}
