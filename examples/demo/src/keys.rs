//! The keys of a server: from a file that is read every second, or from its environment.

use std::time::Duration;

use oauth_state::ring::Refresh;
use oauth_state::ring::source::FileSource;
use oauth_state::{KeyRing, LiveKeyRing};

use crate::Failure;

/// The environment variable that holds the file's name.
pub const FILE_VARIABLE: &str = "OAUTH_STATE_KEYS_FILE";

/// A file changes while this server runs; its environment does not.
pub async fn from_environment() -> Result<LiveKeyRing, Failure> {
    let Some(path) = std::env::var_os(FILE_VARIABLE) else {
        return Ok(KeyRing::from_env()?.into());
    };
    let (keys, refresher) = LiveKeyRing::load(FileSource::new(path), Refresh::every(Duration::from_secs(1))).await?;
    tokio::spawn(refresher.run());
    Ok(keys)
}
