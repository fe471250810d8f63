//! The addresses of the login starts, as browsers see them.

use std::collections::BTreeSet;

use oauth_state::seam::redirect_uris;
use oauth_state::{Provider, ReturnTo};

use crate::error::RoutesError;

/// The address of a login start, next to one of the provider's redirect_uris.
#[derive(Clone)]
pub(crate) struct Again {
    pub(crate) redirect: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) path: ReturnTo,
}

/// The provider's login start as browsers see it. It is next to each redirect_uri, because a proxy or a nesting router
/// may have removed a prefix of the path. Adds each such prefix to `prefixes`.
pub(crate) fn login_starts(
    provider: &Provider,
    path: &str,
    prefixes: &mut BTreeSet<String>,
) -> Result<Vec<Again>, RoutesError> {
    let callback = format!("{path}/callback");
    let mut starts = Vec::new();
    for (redirect, address) in redirect_uris(provider) {
        // The flow itself refuses an invalid address.
        let Some((host, at)) = address else { continue };
        let Some(prefix) = at.strip_suffix(&callback) else {
            return Err(RoutesError::RedirectUri { provider: provider.id().to_owned(), callback });
        };
        let path = format!("{prefix}{path}").parse::<ReturnTo>().map_err(|_| RoutesError::MountPath)?;
        starts.push(Again { redirect: redirect.map(str::to_owned), host: host.map(str::to_owned), path });
        prefixes.insert(prefix.to_owned());
    }
    if starts.is_empty() {
        let path = path.parse::<ReturnTo>().map_err(|_| RoutesError::MountPath)?;
        starts.push(Again { redirect: None, host: None, path });
    }
    Ok(starts)
}
