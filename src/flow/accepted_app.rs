//! Another application whose logins a flow finishes during a renaming.
//!
//! The names of application and environment are part of every key. A renamed application would refuse each login in progress, so a flow can
//! also derive the keys of the other names, which open states and never seal any. A state names its key by id: no key is tried on a state
//! that does not name it.

use std::time::{Duration, SystemTime};

use super::{ConfigError, FlowInner};
use crate::clock::unix_seconds;
use crate::cookie::CookieFamilies;
use crate::name::App;
use crate::token::keys::{AcceptedApp, Names, PurposeKeys};

/// The longest time for which another application is accepted. A renaming needs two deploys and a lifetime; a setting that must be renewed
/// every day is never left in place by mistake.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The other application as the builder was given it.
pub(super) struct RenamedApp {
    pub(super) app: App,
    pub(super) until: SystemTime,
    pub(super) may_be_of_other_environment: bool,
}

/// The other application that a flow of `own` accepts, if it was given one.
pub(super) fn checked_accepted(
    given: &[RenamedApp],
    own: &App,
    now: SystemTime,
) -> Result<Option<AcceptedApp>, ConfigError> {
    let (RenamedApp { app, until, may_be_of_other_environment }, more) = match given {
        [] => return Ok(None),
        [only, more @ ..] => (only, more),
    };
    if !more.is_empty() {
        return Err(ConfigError::AcceptsSeveral);
    }
    if app == own {
        return Err(ConfigError::AcceptsItself(app.name().to_owned()));
    }
    // A state of another environment must not open by a slip in a name (RFC 8725 section 2.7, substitution).
    if app.environment() != own.environment() && !may_be_of_other_environment {
        return Err(ConfigError::AcceptsOtherEnvironment(app.environment().to_owned()));
    }
    // A time that has passed is an error of `duration_since`, and none of the flow: it accepts nothing, and a server can restart.
    if until.duration_since(now).is_ok_and(|left| left > LONGEST) {
        return Err(ConfigError::AcceptsTooLong(app.name().to_owned()));
    }
    Ok(Some(AcceptedApp { app: app.clone(), until: unix_seconds(*until) }))
}

impl FlowInner {
    /// The cookies of the names whose keys opened a state. With the cookies of other names, a state of one application would be bound to the
    /// browser secret of another.
    pub(super) fn cookies_of(&self, keys: &PurposeKeys) -> &CookieFamilies {
        match keys.names {
            Names::Own => &self.cookies,
            Names::Accepted => &self.accepted_cookies,
        }
    }
}
