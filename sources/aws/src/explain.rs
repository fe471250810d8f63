//! The meaning of the SDK's errors, in words that contain neither a key nor a credential.
//!
//! The SDK's error is not kept as the cause: its `Debug` prints the response, whose body can be the secret.

use std::error::Error;
use std::fmt::Write;

use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use oauth_state::ring::source::{SourceError, SourceErrorKind};

use crate::AwsSecret;

/// The error of a call that needs this right.
pub(crate) fn call<E>(source: &AwsSecret, right: &str, error: &SdkError<E, HttpResponse>) -> SourceError
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let name = &source.name;
    match error {
        SdkError::ServiceError(service) => {
            answered(source, right, service.raw().status().as_u16(), service.err().code(), service.err().message())
        }
        SdkError::TimeoutError(_) => SourceError::new(name, SourceErrorKind::Unavailable, "no answer in time"),
        SdkError::DispatchFailure(failure) => {
            let because = failure.as_connector_error().map(|error| chain(error)).unwrap_or_default();
            // A connection that ends early is reported as a network fault or as "other".
            unsent(name, &because).unwrap_or_else(|| SourceError::new(name, SourceErrorKind::Unavailable, because))
        }
        SdkError::ConstructionFailure(_) => {
            let because = error.source().map(chain).unwrap_or_default();
            unsent(name, &because).unwrap_or_else(|| SourceError::new(name, SourceErrorKind::Misconfigured, because))
        }
        SdkError::ResponseError(response) => SourceError::new(
            name,
            SourceErrorKind::Unavailable,
            format_args!("{} with a body that is not from Secrets Manager", response.raw().status()),
        ),
        _ => SourceError::new(name, SourceErrorKind::Unavailable, "the call failed in an unknown way"),
    }
}

/// Nothing was sent: there were no credentials or no region. The SDK tells which only in its message.
fn unsent(name: &str, because: &str) -> Option<SourceError> {
    let error = |kind| SourceError::new(name, kind, because);
    if because.contains("credential") || because.contains("identity") {
        let remedy = "give the process credentials: a role of its instance, task or service account, a profile, or \
                      AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
        return Some(error(SourceErrorKind::Denied).with_remedy(remedy));
    }
    because
        .to_ascii_lowercase()
        .contains("region")
        .then(|| error(SourceErrorKind::Misconfigured).with_remedy("set AWS_REGION, or the region of the client"))
}

fn answered(source: &AwsSecret, right: &str, status: u16, code: Option<&str>, message: Option<&str>) -> SourceError {
    let name = &source.name;
    let mut answer = status.to_string();
    let code = code.unwrap_or_default();
    let message = message.unwrap_or_default();
    for part in [code, harmless(message)] {
        if !part.is_empty() {
            let _ = write!(answer, " {part}");
        }
    }
    match code {
        "ResourceNotFoundException" if message.contains("staging label") => {
            SourceError::new(name, SourceErrorKind::Missing, answer)
                .with_remedy(format!("write a ring there (oauth-state keys generate), or give a version the label {}", source.staging_label))
        }
        "ResourceNotFoundException" => SourceError::new(name, SourceErrorKind::Missing, answer)
            .with_remedy("write a ring there (oauth-state keys generate), or fix the secret's name, the region or the account"),
        "InvalidRequestException" if message.contains("delet") => {
            SourceError::new(name, SourceErrorKind::Missing, answer)
                .with_remedy("the secret is marked for deletion; restore it with aws secretsmanager restore-secret")
        }
        "DecryptionFailure" | "EncryptionFailure" => SourceError::new(name, SourceErrorKind::Denied, answer)
            .with_remedy("enable the secret's KMS key, and give this identity kms:Decrypt and kms:GenerateDataKey on it"),
        "AccessDeniedException" | "AccessDenied" => SourceError::new(name, SourceErrorKind::Denied, answer).with_remedy(format!(
            "add {right} on this secret to the policy of this identity (and kms:Decrypt, if the secret has a KMS key of its own)"
        )),
        "ExpiredTokenException" | "ExpiredToken" | "RequestExpired" => {
            SourceError::new(name, SourceErrorKind::Denied, answer)
                .with_remedy("renew the credentials; if they are fresh, correct this machine's clock")
        }
        "UnrecognizedClientException" | "InvalidClientTokenId" | "InvalidSignatureException"
        | "SignatureDoesNotMatch" | "IncompleteSignature" | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException" | "AuthFailure" | "OptInRequired" | "NotAuthorized" => {
            SourceError::new(name, SourceErrorKind::Denied, answer)
                .with_remedy("give the process valid credentials; if they are valid, correct this machine's clock")
        }
        "ThrottlingException" | "Throttling" | "TooManyRequestsException" | "RequestLimitExceeded"
        | "LimitExceededException" => SourceError::new(name, SourceErrorKind::Unavailable, answer)
            .with_remedy("it will be retried; if the error persists, refresh less often or ask AWS for a higher quota"),
        "InternalServiceError" | "InternalFailure" | "ServiceUnavailable" | "ServiceUnavailableException"
        | "RequestTimeout" | "RequestTimeoutException" => SourceError::new(name, SourceErrorKind::Unavailable, answer),
        "ResourceExistsException" => SourceError::new(name, SourceErrorKind::Conflict, answer),
        // A proxy or an emulator may refuse without a code.
        _ if matches!(status, 401 | 403) => SourceError::new(name, SourceErrorKind::Denied, answer)
            .with_remedy(format!("add {right} on this secret to the policy of this identity, or renew its credentials")),
        _ => SourceError::new(name, kind_of(status), answer),
    }
}

fn kind_of(status: u16) -> SourceErrorKind {
    match status {
        404 => SourceErrorKind::Missing,
        // Below 400: success, but the body is not from Secrets Manager.
        ..400 | 408 | 429 | 500.. => SourceErrorKind::Unavailable,
        _ => SourceErrorKind::Misconfigured,
    }
}

/// A message about a parameter may repeat it, and the document is a parameter.
fn harmless(message: &str) -> &str {
    if message.contains("osk1.") { "[its message repeats key material]" } else { message }
}

/// The messages of an error and of its causes, without those that only repeat another.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            let _ = write!(text, ": {words}");
        }
        next = cause.source();
    }
    harmless(&text).to_owned()
}
