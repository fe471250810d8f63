//! The errors of the client and the vault, as errors of the source.

use std::error::Error as _;

use azure_core::Error;
use azure_core::error::{ErrorKind, ErrorResponse};
use oauth_state::ring::source::{SourceError, SourceErrorKind};

use crate::secret::AzureSecret;
use crate::step::Step;

/// The vault's error: the outer code, the more precise inner one, and the message.
struct Said {
    status: u16,
    code: String,
    message: String,
}

impl Said {
    fn kind(&self) -> SourceErrorKind {
        match (self.status, self.code.as_str()) {
            (_, "SecretDisabled" | "ObjectIsDeletedButRecoverable" | "ObjectIsBeingDeleted") => {
                SourceErrorKind::Missing
            }
            (401 | 403, _) => SourceErrorKind::Denied,
            (404, _) => SourceErrorKind::Missing,
            (408 | 429 | 500.., _) => SourceErrorKind::Unavailable,
            (409, _) => SourceErrorKind::Conflict,
            _ => SourceErrorKind::Misconfigured,
        }
    }
}

impl AzureSecret {
    /// Keeps only the code and the message of the client's error: the rest may contain the response.
    pub(crate) fn refused(&self, step: Step, error: Error) -> SourceError {
        match error.kind() {
            ErrorKind::HttpResponse { status, error_code, .. } => {
                let (status, code) = (u16::from(*status), error_code.clone().unwrap_or_default());
                self.told(step, said(status, code, error))
            }
            ErrorKind::Connection | ErrorKind::Io => {
                unsure(step, self.error(SourceErrorKind::Unavailable, deepest(&error))).because(error)
            }
            // The client's message may quote the value.
            ErrorKind::DataConversion => self.error(SourceErrorKind::Unavailable, "its response could not be read"),
            ErrorKind::Credential => self.without_token(&error),
            // For example an address without TLS, or a challenge for another vault.
            _ => self.error(SourceErrorKind::Misconfigured, &error),
        }
    }

    fn told(&self, step: Step, said: Said) -> SourceError {
        let error = self.error(said.kind(), format_args!("{} {}: {}", said.status, said.code, said.message));
        match (error.kind(), said.code.as_str()) {
            (_, "ObjectIsDeletedButRecoverable") => error
                .with_remedy("recover the secret (az keyvault secret recover) or purge it before you write it again"),
            (_, "ForbiddenByFirewall" | "ForbiddenByConnection") => {
                error.with_remedy("allow the service's network in the vault's firewall")
            }
            (_, "SecretDisabled") => error.with_remedy("enable the version, or write a new one"),
            (SourceErrorKind::Denied, _) => {
                error.with_remedy(format!("grant {} on this secret to the service's identity", step.permission()))
            }
            _ => unsure(step, error),
        }
    }

    /// The credential returned no token; its service may be temporarily unavailable.
    fn without_token(&self, error: &Error) -> SourceError {
        let mut kind = SourceErrorKind::Denied;
        let mut cause = error.source();
        while let Some(current) = cause {
            match current.downcast_ref::<Error>().map(Error::kind) {
                Some(ErrorKind::Connection | ErrorKind::Io) => kind = SourceErrorKind::Unavailable,
                Some(ErrorKind::HttpResponse { status, .. }) if matches!(u16::from(*status), 408 | 429 | 500..) => {
                    kind = SourceErrorKind::Unavailable;
                }
                _ => {}
            }
            cause = current.source();
        }
        self.error(kind, format_args!("no token: {error}"))
            .with_remedy("give the process a managed identity, a workload identity, or sign in with az login")
    }
}

/// A write without a response may have succeeded.
fn unsure(step: Step, error: SourceError) -> SourceError {
    if step == Step::Set && error.kind() == SourceErrorKind::Unavailable {
        return error.with_remedy("the outcome is unknown: read the secret before you repeat the step");
    }
    error
}

fn said(status: u16, code: String, error: Error) -> Said {
    let answer = ErrorResponse::try_from(error).ok().and_then(|answer| answer.error);
    let Some(detail) = answer else {
        return Said { status, code, message: "not a response of Key Vault".to_owned() };
    };
    let inner = detail.inner_error.and_then(|inner| inner.code);
    let message = detail.message.unwrap_or_default();
    let code = match inner.or(detail.code) {
        // Without an inner code, only the message distinguishes this from a missing permission.
        Some(code) if code == "Forbidden" && message.contains("disabled secret") => "SecretDisabled".to_owned(),
        Some(code) => code,
        None => code,
    };
    Said { status, code, message }
}

/// The innermost error: the outer ones only say that something failed.
fn deepest(error: &Error) -> String {
    let mut current: &dyn std::error::Error = error;
    while let Some(cause) = current.source() {
        current = cause;
    }
    current.to_string()
}
