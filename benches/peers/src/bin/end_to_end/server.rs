//! The process of one contender: its routes over HTTP/1.1 on a loopback port, on one thread.

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt;
use cpu_time::ProcessTime;
use support::servers::Failure;
use tokio::net::TcpListener;

use crate::contenders::Contender;

/// Answers with the id of this process and the nanoseconds of processor time that it has used.
pub const PROCESSOR: &str = "/processor";

pub async fn serve(contender: Contender, port: u16, redis: &str) -> Result<(), Failure> {
    // Merged, so that no layer of the contender runs for it.
    let routes = Router::new().route(PROCESSOR, get(processor)).merge(contender.router(redis).await?);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?.tap_io(|connection| {
        // Otherwise a response may wait for the acknowledgement of the previous one.
        let _ = connection.set_nodelay(true);
    });
    Ok(axum::serve(listener, routes).await?)
}

async fn processor() -> String {
    format!("{} {}", std::process::id(), ProcessTime::now().as_duration().as_nanos())
}
