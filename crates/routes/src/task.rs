//! The task that outlives the connection.

use std::future::Future;

/// Runs `work` on a task of its own, so that it ends even if the client's connection goes away: between the mark and
/// the exchange of the code, a login would be lost.
///
/// # Panics
///
/// If `work` panics, or if it is called outside a tokio runtime.
///
/// # Examples
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// assert_eq!(oauth_state_routes::run_to_completion(async { 42 }).await, 42);
/// # });
/// ```
pub async fn run_to_completion<R: Send + 'static>(work: impl Future<Output = R> + Send + 'static) -> R {
    match tokio::spawn(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that shuts down cancels the task; then no client waits for an answer.
            Err(_) => std::future::pending().await,
        },
    }
}
