//! The sources and destinations of documents.

use std::future::Future;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};
use std::time::SystemTime;

use oauth_state::ring::source::helper::HelperSource;
use oauth_state::ring::source::{
    EnvSource, Fetched, FileSource, KeySource, SourceError, SourceErrorKind, WritableSource,
};
use oauth_state::ring::{KeyRingDocument, SecretString};

use crate::deadline;
use crate::failure::Failure;

/// One byte more than the maximum of a document, so that a larger one is refused as too large.
const LARGEST: usize = 65_537;
const STANDARD_INPUT: &str = "standard input";

/// A location from the command line.
#[derive(Clone)]
pub enum Source {
    File(Arc<FileSource>),
    Variable(EnvSource),
    StandardInput,
    Helper(HelperSource),
}

/// The content of a source.
pub struct Loaded {
    /// For commands that change it.
    pub document: KeyRingDocument,
    pub text: SecretString,
    pub version: Option<String>,
    /// By the source's clock, if it sends one.
    pub server_time: Option<SystemTime>,
    /// By this computer's clock, before and after the answer.
    pub asked_at: SystemTime,
    pub answered_at: SystemTime,
}

impl FromStr for Source {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let (scheme, location) = match given.split_once(':') {
            Some((scheme, location)) if is_scheme(scheme) => (scheme, location),
            _ if given == "-" => return Ok(Self::StandardInput),
            _ => ("file", given),
        };
        if location.is_empty() {
            return Err("the location is missing".to_owned());
        }
        Ok(match scheme {
            "file" => Self::File(Arc::new(FileSource::new(location))),
            "env" => Self::Variable(EnvSource::variable(location)),
            _ => Self::Helper(HelperSource::new(scheme, location)),
        })
    }
}

/// At least two characters: one letter is a Windows drive.
fn is_scheme(text: &str) -> bool {
    text.len() > 1
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

impl Source {
    pub fn name(&self) -> &str {
        match self {
            Self::File(source) => source.name(),
            Self::Variable(source) => source.name(),
            Self::StandardInput => STANDARD_INPUT,
            Self::Helper(source) => source.name(),
        }
    }

    /// The file, if the location is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(source) => Some(source.path()),
            _ => None,
        }
    }

    pub fn is_writable(&self) -> bool {
        matches!(self, Self::File(_) | Self::Helper(_))
    }

    /// The files that a killed writer left.
    pub fn leftovers(&self) -> Vec<PathBuf> {
        match self {
            Self::File(source) => source.leftovers(),
            _ => Vec::new(),
        }
    }

    pub fn load(&self) -> Result<Loaded, Failure> {
        deadline::waits_for(self.name());
        let asked_at = SystemTime::now();
        let fetched = match self {
            Self::File(source) => wait_for(source.fetch(None)),
            Self::Variable(source) => wait_for(source.fetch(None)),
            Self::StandardInput => standard_input().map(|text| Fetched::document(text, None)),
            Self::Helper(source) => wait_for(source.clone().time_limit(deadline::left()).fetch(None)),
        };
        let answered_at = SystemTime::now();
        let nothing = || SourceError::new(self.name(), SourceErrorKind::Unavailable, "it says that nothing changed");
        let Fetched::Document { text, version, server_time, .. } = fetched? else { return Err(nothing().into()) };
        let to_do = "fix it, or restore the current document (not an older one)";
        let refused = |error| Failure::from(SourceError::document(self.name(), error).with_remedy(to_do));
        let document = text.expose().parse::<KeyRingDocument>().map_err(refused)?;
        Ok(Loaded { document, text, version, server_time, asked_at, answered_at })
    }

    /// Writes if the current version is still this one; with `None`, only if there is no version.
    pub fn store(&self, text: &SecretString, expected: Option<&str>) -> Result<(), Failure> {
        deadline::waits_for(format!("writing to {} (oauth-state keys list shows whether it was written)", self.name()));
        match self {
            Self::File(source) => wait_for(source.store(text, expected))?,
            Self::Helper(source) => wait_for(source.clone().time_limit(deadline::left()).store(text, expected))?,
            Self::Variable(_) | Self::StandardInput => return Err(self.read_only()),
        };
        Ok(())
    }

    pub fn read_only(&self) -> Failure {
        let message = format!("{} can only be read", self.name());
        Failure::usage("read_only", message, "add --out - and store the output where the ring comes from")
    }
}

fn standard_input() -> Result<SecretString, SourceError> {
    // Allocated from the start, so that a growing buffer leaves no copy of the keys behind.
    let mut text = zeroize::Zeroizing::new(String::with_capacity(LARGEST));
    let read = std::io::stdin().lock().take(LARGEST as u64).read_to_string(&mut text);
    read.map_err(|cause| {
        let not_text = cause.kind() == std::io::ErrorKind::InvalidData;
        let kind = if not_text { SourceErrorKind::Document } else { SourceErrorKind::Unavailable };
        SourceError::new(STANDARD_INPUT, kind, cause)
    })?;
    if text.trim_ascii().is_empty() {
        return Err(SourceError::new(STANDARD_INPUT, SourceErrorKind::Missing, "it is empty"));
    }
    Ok(SecretString::from(std::mem::take(&mut *text)))
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// One thread waits; [`deadline::run`] limits how long.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    let (mut future, waker) = (pin!(future), Arc::new(Unpark(thread::current())).into());
    loop {
        if let Poll::Ready(ready) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return ready;
        }
        thread::park();
    }
}

#[cfg(test)]
mod tests;
