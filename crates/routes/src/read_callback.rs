//! Reading a callback from a request whose body has not been read.

use http::Method;
use http::request::Parts;
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use oauth_state::error::FinishErrorKind;
use oauth_state::observe::{Observer as _, Observers};
use oauth_state::seam::{LARGEST_CALLBACK, refuse_what_must_not_consume};
use oauth_state::{Callback, FinishError};

use crate::BoxError;

/// Reads a callback from a request, GET (`query`) or POST (`form_post`), for your own routes. It reads at most the size
/// of the largest callback, whatever length the request announces.
///
/// # Errors
///
/// As [`Callback::from_parts`]; `not_consumed` is returned before the body is read.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::Full;
/// use oauth_state::testing::block_on;
/// use oauth_state_routes::read_callback;
///
/// let body = Full::<Bytes>::from("state=ost1...&code=abc");
/// let (parts, body) = http::Request::post("/auth/apple/callback").body(body)?.into_parts();
/// let callback = block_on(read_callback(&parts, body))?; // for Flow::finish
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn read_callback<B>(parts: &Parts, body: B) -> Result<Callback, FinishError>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    refuse_what_must_not_consume(&parts.method, &parts.headers)?;
    if parts.method != Method::POST {
        return Callback::from_parts(parts, &[]);
    }
    // Report it here: no flow sees a request that does not become a callback.
    let unread = |refused: &FinishError| Observers::default().event(&refused.to_event(None));
    let body = Limited::new(body, LARGEST_CALLBACK).collect().await.map_err(unreadable).inspect_err(unread)?;
    Callback::from_parts(parts, &body.to_bytes())
}

fn unreadable(error: BoxError) -> FinishError {
    if error.is::<LengthLimitError>() {
        return FinishErrorKind::TooLong.into();
    }
    let refused = FinishError::from(FinishErrorKind::Malformed);
    refused.with_diagnosis("the body of the callback could not be read").with_source(error)
}
