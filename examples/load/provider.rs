//! The provider: it responds to every authorization request with a code, at once.

use axum::Router;
use axum::extract::RawQuery;
use axum::response::Redirect;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::Failure;

/// Returns the address of its authorization endpoint.
pub async fn start() -> Result<String, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = Router::new().route("/authorize", get(authorize));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(format!("http://{address}/authorize"))
}

async fn authorize(RawQuery(query): RawQuery) -> Redirect {
    let query = query.unwrap_or_default();
    let state = query.split('&').find_map(|pair| pair.strip_prefix("state=")).unwrap_or_default();
    Redirect::to(&format!("/callback?state={state}&code=a-code"))
}
