//! What a server is told when it starts, and what it puts into a state.

use std::net::SocketAddr;
use std::time::Duration;

use oauth_state::provider::ResponseMode;
use serde::{Deserialize, Serialize};

use crate::{Failure, Options};

/// What the command line and the environment say.
pub struct Settings {
    pub name: String,
    pub listen: SocketAddr,
    pub public: String,
    pub issuer: String,
    pub client_id: String,
    pub client_secret: String,
    /// OpenID Connect in place of plain OAuth 2.0.
    pub openid: bool,
    pub lifetime: Duration,
    pub response_mode: ResponseMode,
    pub until_end_of_input: bool,
}

impl Settings {
    /// Reads the options of `demo server`; the secret comes from the environment.
    pub fn from_options(options: &Options, openid: bool) -> Result<Self, Failure> {
        Ok(Self {
            name: options.get("name").unwrap_or("A").to_owned(),
            listen: options.require("listen")?.parse()?,
            public: options.require("public")?.trim_end_matches('/').to_owned(),
            issuer: options.require("issuer")?.to_owned(),
            client_id: options.require("client-id")?.to_owned(),
            client_secret: std::env::var("CLIENT_SECRET").map_err(|_| "CLIENT_SECRET is not set")?,
            openid,
            lifetime: options.lifetime(60)?,
            response_mode: match options.get("response-mode") {
                None | Some("query") => ResponseMode::Query,
                Some("form_post") => ResponseMode::FormPost,
                Some("form_post_reposted") => ResponseMode::FormPostReposted,
                Some(_) => return Err("--response-mode takes query, form_post or form_post_reposted".into()),
            },
            until_end_of_input: options.until_end_of_input()?,
        })
    }
}

/// What travels in the state for this application: enough to show on which server the login began.
#[derive(Clone, Serialize, Deserialize)]
pub struct BegunOn {
    pub server: String,
}
