//! A source over your own client.

use crate::future::BoxFuture;
use std::error::Error;
use std::future::Future;

use super::{Fetched, KeySource, SourceError, SourceErrorKind};

/// Makes a source from a closure that fetches the document's text with your own client.
///
/// A [`SourceError`] from the closure is passed on; any other error counts as [`SourceErrorKind::Unavailable`].
///
/// # Examples
///
/// ```
/// use oauth_state::ring::RootKey;
/// use oauth_state::ring::source::{Fetched, KeySource, source_fn};
/// use oauth_state::testing::block_on;
///
/// // Replace this function with a call of your own client.
/// async fn secret(_name: &str) -> Result<String, std::io::Error> {
///     Ok(RootKey::generate().unwrap().to_secret_text().expose().to_owned())
/// }
/// let source = source_fn("our vault", || async { Ok(secret("prod/oauth-state").await?) });
/// assert!(matches!(block_on(source.fetch(None))?, Fetched::Document { .. }));
/// # Ok::<(), oauth_state::ring::source::SourceError>(())
/// ```
pub fn source_fn<F, Answer>(name: impl Into<String>, fetch: F) -> SourceFn<F>
where
    F: Fn() -> Answer + Send + Sync + 'static,
    Answer: Future<Output = Result<String, Box<dyn Error + Send + Sync>>> + Send,
{
    SourceFn { name: name.into(), fetch }
}

/// A source made by [`source_fn`].
#[derive(Clone)]
pub struct SourceFn<F> {
    name: String,
    fetch: F,
}

impl<F> std::fmt::Debug for SourceFn<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SourceFn").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<F, Answer> KeySource for SourceFn<F>
where
    F: Fn() -> Answer + Send + Sync + 'static,
    Answer: Future<Output = Result<String, Box<dyn Error + Send + Sync>>> + Send,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn fetch<'a>(&'a self, _known_version: Option<&'a str>) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        Box::pin(async move {
            match (self.fetch)().await {
                Ok(text) => Ok(Fetched::document(text, None)),
                Err(error) => match error.downcast::<SourceError>() {
                    Ok(error) => Err(*error),
                    Err(error) => {
                        Err(SourceError::new(&self.name, SourceErrorKind::Unavailable, &error).because(error))
                    }
                },
            }
        })
    }
}
