//! The result of a check, and the remedy.

use std::fmt;

use oauth_state::ring::LintLevel;

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// No problem.
    Ok,
    /// Logins work, but an operator should look at it.
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

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its result.
    pub level: Level,
    /// The stable name, for pipelines.
    pub name: &'static str,
    /// The key, provider or store of the check, for programs: `found` names it, too.
    pub about: Option<String>,
    /// The finding, on one line.
    pub found: String,
    /// The remedy, if one is needed.
    pub to_do: Option<String>,
}

impl Check {
    /// No problem.
    pub fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { level: Level::Ok, name, about: None, found: found.into(), to_do: None }
    }

    /// An operator should look at it.
    pub fn warning(name: &'static str, found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { level: Level::Warning, to_do: Some(to_do.into()), ..Self::ok(name, found) }
    }

    /// Logins fail or are not safe.
    pub fn error(name: &'static str, found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { level: Level::Error, to_do: Some(to_do.into()), ..Self::ok(name, found) }
    }

    /// Adds the subject of the check.
    #[must_use]
    pub fn about(self, about: impl Into<String>) -> Self {
        Self { about: Some(about.into()), ..self }
    }
}
