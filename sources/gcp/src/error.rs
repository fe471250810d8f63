//! The errors of the client and the service, as errors of the source.

use std::error::Error as _;

use google_cloud_gax::error::binding::BindingError;
use google_cloud_gax::error::{CredentialsError, Error};
use oauth_state::ring::source::{SourceError, SourceErrorKind};

use crate::secret::GcpSecret;
use crate::step::Step;

impl GcpSecret {
    /// Keeps only the code and the message of the client's error: the rest may contain the response or headers.
    pub(crate) fn refused(&self, step: Step, error: Error) -> SourceError {
        if let Some(status) = error.status() {
            let http = error.http_status_code().map(|code| format!("{code} ")).unwrap_or_default();
            let answer = format!("{http}{}: {}", status.code.name(), status.message);
            return self.told(step, step.kind(status.code), answer);
        }
        if let Some(code) = error.http_status_code() {
            let kind = match code {
                401 | 403 => SourceErrorKind::Denied,
                404 => SourceErrorKind::Misconfigured,
                _ => SourceErrorKind::Unavailable,
            };
            return self.told(step, kind, format!("HTTP status {code}, not a response of Secret Manager"));
        }
        if error.is_deserialization() {
            // The client's message may quote the payload.
            return self.error(SourceErrorKind::Unavailable, "its response could not be read");
        }
        let cause = error.source();
        if let Some(refused) = cause.and_then(|cause| cause.downcast_ref::<CredentialsError>()) {
            let kind = if refused.is_transient() { SourceErrorKind::Unavailable } else { SourceErrorKind::Denied };
            return self.error(kind, format_args!("no token: {refused}")).with_remedy(
                "give the process application default credentials that work: a service account of its machine or pod, or \
                 GOOGLE_APPLICATION_CREDENTIALS",
            );
        }
        if cause.is_some_and(|cause| cause.is::<BindingError>()) || error.is_serialization() {
            return self.error(SourceErrorKind::Misconfigured, "the client refuses these names");
        }
        self.told(step, SourceErrorKind::Unavailable, deepest(&error)).because(error)
    }

    fn told(&self, step: Step, kind: SourceErrorKind, answer: String) -> SourceError {
        let error = self.error(kind, answer);
        match kind {
            SourceErrorKind::Denied => {
                let to_do = format!("grant {} on {} to the service's identity", step.permission(), self.secret);
                error.with_remedy(to_do)
            }
            SourceErrorKind::Missing if step == Step::AddVersion => {
                error.with_remedy("create the secret first (gcloud secrets create); this source only adds versions")
            }
            SourceErrorKind::Missing => error.with_remedy(
                "add an enabled version (oauth-state keys generate), point the alias at one, or fix the name",
            ),
            SourceErrorKind::Conflict => {
                error.with_remedy("another writer was faster: read the current version and repeat the step")
            }
            SourceErrorKind::Unavailable if matches!(step, Step::AddVersion | Step::PointAlias) => {
                error.with_remedy("the outcome is unknown: read the secret before you repeat the step")
            }
            _ => error,
        }
    }
}

/// The innermost error: the outer ones only say that something failed.
fn deepest(error: &Error) -> String {
    let mut current: &dyn std::error::Error = error;
    while let Some(cause) = current.source() {
        current = cause;
    }
    current.to_string()
}
