//! Errors for users and pipelines.

use oauth_state::ring::source::{SourceError, SourceErrorKind};
use oauth_state::ring::{RingError, StepError};

/// The exit codes; `--help`, the manual and docs/command-line.md list them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Done = 0,
    NotWell = 1,
    Usage = 2,
    Source = 3,
    Document = 4,
    Conflict = 5,
    Clock = 6,
}

/// Nothing was done. One line each.
#[derive(Debug)]
pub struct Failure {
    pub code: &'static str,
    pub message: String,
    pub to_do: String,
    pub exit: Exit,
}

impl Failure {
    pub fn new(exit: Exit, code: &'static str, message: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { code, message: message.into(), to_do: to_do.into(), exit }
    }

    pub fn usage(code: &'static str, message: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self::new(Exit::Usage, code, message, to_do)
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        let exit = match error.kind() {
            SourceErrorKind::Document => Exit::Document,
            SourceErrorKind::Conflict => Exit::Conflict,
            _ => Exit::Source,
        };
        Self::new(exit, error.kind().code(), error.problem(), error.remedy())
    }
}

impl From<StepError> for Failure {
    fn from(error: StepError) -> Self {
        let message = match std::error::Error::source(&error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
        match &error {
            StepError::Refused(RingError::OutOfRange { .. }) => {
                Self::usage("out_of_range", message, "give a time within its range")
            }
            StepError::Refused(RingError::SkewRaisedTooFar { most: 0, .. }) => Self::new(
                Exit::Document,
                "document",
                message,
                "write that document by hand (no command does; see \"Raising the skew\" in docs/key-ring.md), or make a new ring with \
                 oauth-state keys generate --skew --serial",
            ),
            StepError::Refused(RingError::SkewRaisedTooFar { most, .. }) => {
                Self::new(Exit::Document, "document", message, format!("give --skew {most}s or less"))
            }
            StepError::Refused(RingError::SkewLoweredTooFar { least, .. }) => {
                Self::new(Exit::Document, "document", message, format!("give --skew {least}s or more"))
            }
            StepError::Refused(RingError::TimesChanged) => Self::new(
                Exit::Document,
                "document",
                message,
                "wait until the others are retired; oauth-state keys list says when",
            ),
            StepError::Refused(RingError::KeyCount) => Self::new(
                Exit::Document,
                "document",
                message,
                "wait until a key is retired; oauth-state keys list says when",
            ),
            StepError::Refused(_) => {
                Self::new(Exit::Document, "document", message, "see oauth-state keys list and oauth-state keys check")
            }
            _ => Self::new(Exit::Source, "randomness", message, "the operating system gives no randomness; try again"),
        }
    }
}
