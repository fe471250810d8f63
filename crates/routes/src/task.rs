//! The task that outlives the connection.

use std::future::Future;

/// Runs `work` on its own task, so that it completes even if the client disconnects: a disconnect between the mark and
/// the exchange of the code would lose the login. [`Routes`](crate::Routes) do so themselves.
///
/// # Panics
///
/// If `work` panics, or if it is called outside a tokio runtime.
pub async fn run_to_completion<R: Send + 'static>(work: impl Future<Output = R> + Send + 'static) -> R {
    let runtime = tokio::runtime::Handle::try_current();
    #[expect(clippy::expect_used, reason = "documented, and tokio's message does not say what to do")]
    let runtime = runtime.expect("a callback needs a tokio runtime; in tests, use #[tokio::test]");
    match runtime.spawn(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that shuts down cancels the task; then no client waits for a response.
            Err(_) => std::future::pending().await,
        },
    }
}
