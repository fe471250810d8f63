//! The settings of a server, and the data that it puts into a state.

use std::net::SocketAddr;
use std::time::Duration;

use oauth_state::provider::ResponseMode;
use oauth_state::{App, FlowBuilder};
use serde::{Deserialize, Serialize};

use crate::{Failure, Options};

/// The settings from the command line and the environment.
pub struct Settings {
    pub name: String,
    pub listen: SocketAddr,
    pub public: String,
    pub issuer: String,
    pub client_id: String,
    pub client_secret: String,
    /// OpenID Connect in place of plain OAuth 2.0.
    pub openid: bool,
    /// Cookies without `Secure`, on loopback hosts alone.
    pub plain_http: bool,
    pub lifetime: Duration,
    pub response_mode: ResponseMode,
    /// The name of the login's cookie, for a proxy in front that passes no other.
    pub cookie_name: Option<String>,
    /// The frames in which logins may start: `own`, or the origin of the pages that embed this service.
    pub frames: Option<String>,
    /// The header in which the proxy in front sends the host that the browser used.
    pub host_header: Option<String>,
    pub until_end_of_input: bool,
    /// Pages with decoded states, and with controls that the front of the demonstration serves.
    pub showcase: bool,
}

/// The application and environment that every state is sealed for.
pub fn app() -> Result<App, Failure> {
    Ok(App::new("login-example", "demo")?)
}

impl Settings {
    /// Reads the options of `demo server`; the secret comes from the environment.
    pub fn from_options(options: &Options, openid: bool, plain_http: bool, showcase: bool) -> Result<Self, Failure> {
        Ok(Self {
            name: options.get("name").unwrap_or("A").to_owned(),
            listen: options.require("listen")?.parse()?,
            public: options.require("public")?.trim_end_matches('/').to_owned(),
            issuer: options.require("issuer")?.to_owned(),
            client_id: options.require("client-id")?.to_owned(),
            client_secret: std::env::var("CLIENT_SECRET").map_err(|_| "CLIENT_SECRET is not set")?,
            openid,
            plain_http,
            lifetime: options.lifetime(60)?,
            response_mode: match options.get("response-mode") {
                None | Some("query") => ResponseMode::Query,
                Some("form_post") => ResponseMode::FormPost,
                Some("form_post_reposted") => ResponseMode::FormPostReposted,
                Some(_) => return Err("--response-mode takes query, form_post or form_post_reposted".into()),
            },
            cookie_name: options.get("cookie-name").map(str::to_owned),
            frames: options.get("frames").map(str::to_owned),
            host_header: options.get("host-header").map(str::to_owned),
            until_end_of_input: options.until_end_of_input()?,
            showcase,
        })
    }

    /// Adapts a flow to the browsers and to the proxy in front.
    pub fn browsers<T>(&self, mut flow: FlowBuilder<T>) -> Result<FlowBuilder<T>, Failure> {
        if self.plain_http {
            flow = flow.allow_plain_http_on_loopback();
        }
        if let Some(name) = &self.cookie_name {
            flow = flow.dangerously_name_cookie(name);
        }
        flow = match self.frames.as_deref() {
            None => flow,
            Some("own") => flow.allow_same_origin_frames(),
            Some(origin) => flow.embedded_in([origin]),
        };
        if let Some(header) = &self.host_header {
            let public: http::Uri = self.public.parse()?;
            flow = flow.trusted_host_header(header).public_hosts(public.host());
        }
        Ok(flow)
    }
}

/// The application's data in the state: the server on which the login started.
#[derive(Clone, Serialize, Deserialize)]
pub struct BegunOn {
    pub server: String,
}
