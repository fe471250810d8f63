//! A callback from a request whose body has not been read.

use http::Method;
use http::request::Parts;
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use oauth_state::error::FinishErrorKind;
use oauth_state::seam::routes::{LARGEST_CALLBACK, refuse_what_must_not_consume};
use oauth_state::seam::{caused_by, count_unread, refused_because};
use oauth_state::{Callback, FinishError};

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Takes a callback out of a request, GET (`query`) or POST (`form_post`), and reads no more of its body than a callback may have,
/// whatever the request says of its length.
///
/// # Errors
///
/// As [`Callback::from_parts`]; `not_consumed` comes before the body is read.
///
/// # Examples
///
/// ```
/// use http_body_util::Full;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (parts, body) = http::Request::post("/callback").body(Full::<bytes::Bytes>::from("state=ost1...&code=abc"))?.into_parts();
/// assert!(oauth_state_routes::read_callback(&parts, body).await.is_ok());
/// # Ok::<(), http::Error>(())
/// # }).unwrap();
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
    // What no flow will see, because it does not become a callback.
    let uncounted = |refused: &FinishError| count_unread(refused.kind());
    let body = Limited::new(body, LARGEST_CALLBACK).collect().await.map_err(unreadable).inspect_err(uncounted)?;
    Callback::from_parts(parts, &body.to_bytes())
}

fn unreadable(error: BoxError) -> FinishError {
    if error.is::<LengthLimitError>() {
        return FinishErrorKind::TooLong.into();
    }
    caused_by(refused_because(FinishErrorKind::Malformed, "the body of the callback could not be read"), error)
}
