//! How a check came out, and what there is to do.

use std::fmt;

use oauth_state::ring::LintLevel;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Ok,
    /// Logins work; somebody should look at it.
    Warning,
    /// Logins fail or are not safe, or soon will be.
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

impl From<LintLevel> for Level {
    fn from(severity: LintLevel) -> Self {
        match severity {
            LintLevel::Warning => Self::Warning,
            LintLevel::Error => Self::Error,
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// How it came out.
    pub level: Level,
    /// The stable word for pipelines.
    pub name: &'static str,
    /// The key, provider or store that it is about, for programs: `found` says it, too.
    pub about: Option<String>,
    /// What was found, on one line.
    pub found: String,
    /// What to change, where something is to be.
    pub to_do: Option<String>,
}

impl Check {
    /// As it should be.
    pub fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { level: Level::Ok, name, about: None, found: found.into(), to_do: None }
    }

    /// Somebody should look at it.
    pub fn warning(name: &'static str, found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { level: Level::Warning, to_do: Some(to_do.into()), ..Self::ok(name, found) }
    }

    /// Logins fail or are not safe.
    pub fn error(name: &'static str, found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { level: Level::Error, to_do: Some(to_do.into()), ..Self::ok(name, found) }
    }

    /// With what it is about.
    #[must_use]
    pub fn about(self, about: impl Into<String>) -> Self {
        Self { about: Some(about.into()), ..self }
    }
}
