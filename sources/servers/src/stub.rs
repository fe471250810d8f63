//! The HTTP loop under the stubs, on loopback.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test's own server: it fails loudly"
)]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// The request.
pub(crate) struct Question {
    /// Such as `PATCH`.
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    /// Without the question mark.
    pub(crate) query: String,
    /// The header of that name.
    pub(crate) authorization: Option<String>,
    /// `Null` if there was none.
    pub(crate) body: Value,
}

/// The response.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) header: Option<(&'static str, String)>,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn ok(body: Value) -> Self {
        Self { status: 200, header: None, body }
    }

    pub(crate) fn error(status: u16, error: Value) -> Self {
        Self { status, header: None, body: json!({ "error": error }) }
    }
}

/// A server on a free port; it ends when it is dropped.
pub(crate) struct HttpStub {
    pub(crate) address: SocketAddr,
    requests: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl HttpStub {
    pub(crate) async fn start(answer: impl Fn(Question) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port of loopback");
        let address = listener.local_addr().expect("a bound port");
        let requests = Arc::new(AtomicUsize::new(0));
        let (counter, answer) = (Arc::clone(&requests), Arc::new(answer));
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new(); // ends them when this task is ended
            while let Ok((connection, _)) = listener.accept().await {
                let (counter, answer) = (Arc::clone(&counter), Arc::clone(&answer));
                let service = service_fn(move |request| {
                    counter.fetch_add(1, Ordering::SeqCst);
                    let answer = Arc::clone(&answer);
                    async move { Ok::<_, Infallible>(respond(&*answer, request).await) }
                });
                connections.spawn(async move {
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(connection), service)
                        .await;
                });
            }
        });
        Self { address, requests, accepting }
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Stops listening on the port.
    pub(crate) async fn stop(&mut self) {
        self.accepting.abort();
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for HttpStub {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn respond(answer: &impl Fn(Question) -> Answer, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let authorization = head.headers.get("authorization").and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
    let answered = answer(Question {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        authorization,
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    });
    let mut response = Response::builder().status(answered.status).header("content-type", "application/json");
    if let Some((name, value)) = answered.header {
        response = response.header(name, value);
    }
    response.body(Full::from(answered.body.to_string())).expect("a response")
}
