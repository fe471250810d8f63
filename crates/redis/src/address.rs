//! The addresses that a guard accepts: `redis://`, `rediss://`, `redis+sentinel://` and `redis+cluster://`.

use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo};
#[cfg(feature = "tls")]
use redis::{TlsCertificates, TlsMode};
use tokio::sync::Mutex;

use super::connection::{self, Connector};
use oauth_state::guard::GuardError;

const SENTINEL_PORT: u16 = 26_379;
const SERVER_PORT: u16 = 6_379;

/// A user name and a password.
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: String,
}

/// The builder's settings other than the address.
#[derive(Default)]
pub(super) struct Options {
    pub(super) credentials: Option<Credentials>,
    pub(super) sentinel_credentials: Option<Credentials>,
    /// PEM.
    pub(super) root_certificates: Option<Vec<u8>>,
}

/// A parsed address. `redis` itself parses the part of each server.
struct Address<'u> {
    tls: bool,
    shape: Shape,
    /// `user:password@`, or nothing.
    user_info: &'u str,
    hosts: Vec<&'u str>,
    /// Without its slash.
    path: &'u str,
    query: Option<&'u str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Single,
    Sentinel,
    Cluster,
}

/// Creates the connector for this address. Its errors do not repeat the address, which may contain a password.
pub(super) fn connector(url: &str, options: &Options) -> Result<Connector, GuardError> {
    let address = Address::read(url)?;
    if address.tls {
        needs_tls()?;
    } else if options.root_certificates.is_some() {
        return refuse("root certificates need rediss://, rediss+sentinel:// or rediss+cluster://");
    }
    match address.shape {
        Shape::Single => {
            let server = address.server(address.hosts.first().copied().unwrap_or_default(), options)?;
            Ok(Connector::Single(Box::new(client(server, options).map_err(GuardError::misconfigured)?)))
        }
        Shape::Sentinel => address.sentinel(options),
        Shape::Cluster => address.cluster(options),
    }
}

impl<'u> Address<'u> {
    fn read(url: &'u str) -> Result<Self, GuardError> {
        let Some((scheme, rest)) = url.split_once("://") else { return refuse(FORMS) };
        let (tls, shape) = match scheme {
            "redis" | "valkey" => (false, Shape::Single),
            "rediss" | "valkeys" => (true, Shape::Single),
            "redis+sentinel" => (false, Shape::Sentinel),
            "rediss+sentinel" => (true, Shape::Sentinel),
            "redis+cluster" => (false, Shape::Cluster),
            "rediss+cluster" => (true, Shape::Cluster),
            _ => return refuse(FORMS),
        };
        if rest.contains('#') {
            return refuse("the address must not have a fragment; TLS is always verified");
        }
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        // A password may hold an unescaped `@`; a host cannot.
        let (user_info, hosts) = authority.rfind('@').map_or(("", authority), |at| {
            let (user_info, hosts) = authority.split_at(at);
            (user_info, hosts.trim_start_matches('@'))
        });
        let hosts: Vec<_> = hosts.split(',').collect();
        if hosts.iter().any(|host| host.is_empty()) || (shape == Shape::Single && hosts.len() > 1) {
            return refuse(FORMS);
        }
        Ok(Self { tls, shape, user_info, hosts, path, query })
    }

    /// One server of this address, with its credentials.
    fn server(&self, host: &str, options: &Options) -> Result<ConnectionInfo, GuardError> {
        let scheme = if self.tls { "rediss" } else { "redis" };
        let at = if self.user_info.is_empty() { "" } else { "@" };
        let path = if self.shape == Shape::Single { self.path } else { "" };
        let query = self.query.map(|query| format!("?{query}")).unwrap_or_default();
        let url = format!("{scheme}://{}{at}{host}/{path}{query}", self.user_info);
        let server = url.into_connection_info().map_err(GuardError::misconfigured)?;
        let Some(Credentials { user, password }) = &options.credentials else { return Ok(server) };
        let settings = server.redis_settings().clone().set_username(user).set_password(password);
        Ok(server.set_redis_settings(settings))
    }

    fn sentinel(&self, options: &Options) -> Result<Connector, GuardError> {
        if self.path.is_empty() || self.path.contains('/') {
            return refuse(
                "redis+sentinel:// needs the name of the primary, such as redis+sentinel://host:26379/mymaster",
            );
        }
        let sentinels: Result<Vec<ConnectionAddr>, _> = self
            .hosts
            .iter()
            .map(|host| Ok(self.server(&with_port(host, SENTINEL_PORT), options)?.addr().clone()))
            .collect();
        let server = self.server(&with_port("primary", SERVER_PORT), options)?;
        let server = server.redis_settings();
        let builder = SentinelClientBuilder::new(sentinels?, self.path, SentinelServerType::Master);
        let mut builder = builder.map_err(GuardError::misconfigured)?.set_client_to_redis_db(server.db());
        if let Some(user) = server.username() {
            builder = builder.set_client_to_redis_username(user);
        }
        if let Some(password) = server.password() {
            builder = builder.set_client_to_redis_password(password);
        }
        if let Some(Credentials { user, password }) = &options.sentinel_credentials {
            builder = builder.set_client_to_sentinel_username(user).set_client_to_sentinel_password(password);
        }
        #[cfg(feature = "tls")]
        if self.tls {
            builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
            if let Some(certificates) = certificates(options) {
                builder = builder
                    .set_client_to_redis_certificates(certificates.clone())
                    .set_client_to_sentinel_certificates(certificates);
            }
        }
        let client = builder.build().map_err(GuardError::misconfigured)?;
        Ok(Connector::Sentinel(Box::new(Mutex::new(client))))
    }

    fn cluster(&self, options: &Options) -> Result<Connector, GuardError> {
        if !self.path.is_empty() {
            return refuse("redis+cluster:// does not support a database number");
        }
        let nodes: Result<Vec<_>, _> =
            self.hosts.iter().map(|host| self.server(&with_port(host, SERVER_PORT), options)).collect();
        let builder = redis::cluster::ClusterClient::builder(nodes?);
        #[cfg(feature = "tls")]
        let builder = match certificates(options) {
            Some(certificates) => builder.certs(certificates),
            None => builder,
        };
        let client = connection::cluster(builder).map_err(GuardError::misconfigured)?;
        Ok(Connector::Cluster(Box::new(client)))
    }
}

const FORMS: &str = "invalid address; expected redis://host:6379, rediss://host:6379, \
                     redis+sentinel://host:26379,host:26379/mymaster or redis+cluster://host:6379,host:6379";

fn refuse<T>(reason: &'static str) -> Result<T, GuardError> {
    Err(GuardError::misconfigured(reason))
}

fn with_port(host: &str, port: u16) -> String {
    // An IPv6 address has colons only inside its brackets.
    let has_port = host.rsplit_once(']').map_or(host, |(_, after)| after).contains(':');
    if has_port { host.to_owned() } else { format!("{host}:{port}") }
}

#[cfg(feature = "tls")]
fn needs_tls() -> Result<(), GuardError> {
    oauth_state_guard_kit::choose_crypto_provider();
    Ok(())
}

#[cfg(not(feature = "tls"))]
fn needs_tls() -> Result<(), GuardError> {
    refuse("rediss:// needs TLS: enable the feature `tls` of oauth-state-redis")
}

#[cfg(feature = "tls")]
fn certificates(options: &Options) -> Option<TlsCertificates> {
    let root_cert = Some(options.root_certificates.clone()?);
    Some(TlsCertificates { client_tls: None, root_cert })
}

#[cfg(feature = "tls")]
fn client(server: ConnectionInfo, options: &Options) -> redis::RedisResult<Client> {
    match certificates(options) {
        Some(certificates) => Client::build_with_tls(server, certificates),
        None => Client::open(server),
    }
}

#[cfg(not(feature = "tls"))]
fn client(server: ConnectionInfo, _: &Options) -> redis::RedisResult<Client> {
    Client::open(server)
}

#[cfg(test)]
mod tests;
