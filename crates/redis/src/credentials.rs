//! Renewing the credentials of a living connection, before the server ends it.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cmd;

use oauth_state::guard::GuardError;
use oauth_state_guard_kit::{CredentialSource, with_cause};

/// The pause after a failure. Until the old credentials expire, there is time for several.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(10);

/// Authenticates again with new credentials whenever three quarters of their time are over. It ends with the
/// connection, or if the new ones do not expire.
pub(super) async fn renew(source: CredentialSource, mut connection: MultiplexedConnection, mut after: Duration) {
    loop {
        tokio::time::sleep(after).await;
        match authenticate(&source, &mut connection).await {
            Ok(Some(again)) => after = again,
            Ok(None) => return,
            Err(error) => {
                let cause = with_cause(&error);
                tracing::warn!(cause, "cannot renew the credentials of a connection to Redis");
                after = PAUSE_AFTER_FAILURE;
            }
        }
    }
}

async fn authenticate(
    source: &CredentialSource,
    connection: &mut MultiplexedConnection,
) -> Result<Option<Duration>, GuardError> {
    let given = source.ask().await?;
    let mut auth = cmd("AUTH");
    if !given.user().is_empty() {
        auth.arg(given.user());
    }
    auth.arg(given.password());
    auth.query_async::<()>(connection).await.map_err(GuardError::misconfigured)?;
    Ok(given.refresh_after())
}
