//! One HTTP client for the whole program: for the server's calls to the provider, and for the walk-through.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::Failure;

type HttpRequest = http::Request<Vec<u8>>;
type HttpResponse = http::Response<Vec<u8>>;

/// No answer in this demonstration is larger.
const LARGEST: usize = 1 << 20;
/// A provider that does not answer within this time counts as unreachable.
const LONGEST: Duration = Duration::from_secs(10);

/// Sends one request over plain HTTP, follows no redirects.
pub async fn send(request: HttpRequest) -> Result<HttpResponse, HttpFailure> {
    match tokio::time::timeout(LONGEST, inner(request)).await {
        Ok(answer) => answer.map_err(HttpFailure),
        Err(late) => Err(HttpFailure(late.into())),
    }
}

async fn inner(request: HttpRequest) -> Result<HttpResponse, Failure> {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let response = client.request(request.map(|body| Full::new(Bytes::from(body)))).await?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, LARGEST).collect().await?.to_bytes();
    Ok(HttpResponse::from_parts(parts, body.to_vec()))
}

/// The error type that the crates of OAuth and OpenID Connect ask for.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP request failed")]
pub struct HttpFailure(#[source] Failure);
