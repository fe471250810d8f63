//! Credentials for a store, fixed or asked for before each connection.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use oauth_state::BoxFuture;
use oauth_state::guard::GuardError;

/// A user name and a password, or a token that serves as one. `Debug` does not show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    user: String,
    password: String,
    valid_for: Option<Duration>,
}

impl Credentials {
    /// Credentials that stay valid while a connection is open.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { user: user.into(), password: password.into(), valid_for: None }
    }

    /// How long the store accepts them, for a token that expires. A store that ends or refuses open connections at that
    /// time is authenticated to again before it, if it has a command for that (Redis: `AUTH`).
    #[must_use]
    pub fn valid_for(self, time: Duration) -> Self {
        Self { valid_for: Some(time), ..self }
    }

    /// The user name.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The password.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// After this time, ask again: three quarters of the time for which they are valid.
    #[must_use]
    pub fn refresh_after(&self) -> Option<Duration> {
        self.valid_for.map(|time| time.mul_f32(0.75))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .field("valid_for", &self.valid_for)
            .finish_non_exhaustive()
    }
}

/// Where a guard gets its credentials from: it asks before every connection.
#[derive(Clone)]
pub struct CredentialSource(Arc<dyn Fn() -> BoxFuture<'static, Result<Credentials, GuardError>> + Send + Sync>);

impl CredentialSource {
    /// Asks this function, for example one that reads a file which a sidecar rewrites, or makes a token of a cloud's
    /// identity service.
    pub fn new<F, R, E>(ask: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<Credentials, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let ask = Arc::new(ask);
        Self(Arc::new(move || {
            let asked = ask();
            Box::pin(async { asked.await.map_err(|cause| GuardError::unavailable(NoCredentials(cause.into()))) })
        }))
    }

    /// Always these.
    #[must_use]
    pub fn fixed(credentials: Credentials) -> Self {
        Self(Arc::new(move || {
            let credentials = credentials.clone();
            Box::pin(async { Ok(credentials) })
        }))
    }

    /// Asks for the credentials.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](oauth_state::guard::GuardErrorKind::Unavailable) with the cause that the function returned.
    pub async fn ask(&self) -> Result<Credentials, GuardError> {
        (self.0)().await
    }
}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialSource")
    }
}

/// The function for the credentials failed.
#[derive(Debug)]
struct NoCredentials(Box<dyn Error + Send + Sync>);

impl fmt::Display for NoCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to get credentials for the store: {}", self.0)
    }
}

impl Error for NoCredentials {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests;
