//! The addresses that a guard accepts: `redis://`, `rediss://`, `redis+sentinel://`, `redis+cluster://` and `unix://`.

use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
#[cfg(feature = "tls")]
use redis::{Client, ClientTlsConfig, TlsCertificates, TlsMode};
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};

use tokio::sync::Mutex;

use oauth_state::guard::GuardError;
use oauth_state_guard_kit::{CredentialSource, Credentials, is_this_machine};

const SENTINEL_PORT: u16 = 26_379;
const SERVER_PORT: u16 = 6_379;

/// The builder's settings other than the address.
#[derive(Default)]
pub(super) struct Options {
    pub(super) credentials: Option<CredentialSource>,
    pub(super) sentinel_credentials: Option<Credentials>,
    /// PEM.
    pub(super) root_certificates: Option<Vec<u8>>,
    /// PEM: the certificate chain and its key.
    pub(super) client_certificate: Option<(Vec<u8>, Vec<u8>)>,
}

/// What an address leads to.
pub(super) enum Target {
    Server(Box<ConnectionInfo>),
    /// Those that name the current primary.
    Sentinels(Box<Mutex<SentinelClient>>),
    /// Some nodes of a cluster.
    Cluster(Vec<ConnectionInfo>),
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

/// Reads an address. Its errors do not repeat it, because it may contain a password.
pub(super) fn target(url: &str, options: &Options) -> Result<Target, GuardError> {
    if is_socket(url) {
        refuse_certificates(options)?;
        return Ok(Target::Server(Box::new(url.into_connection_info().map_err(GuardError::misconfigured)?)));
    }
    let address = Address::read(url)?;
    if address.tls {
        needs_tls(options)?;
    } else {
        refuse_certificates(options)?;
    }
    match address.shape {
        Shape::Single => {
            let host = address.hosts.first().copied().unwrap_or_default();
            Ok(Target::Server(Box::new(address.server(host, options)?)))
        }
        Shape::Sentinel => address.sentinel(options),
        Shape::Cluster => address.cluster(options),
    }
}

/// Whether the address is a path to a Unix socket: `unix:///run/redis.sock?db=0&user=…&pass=…`.
fn is_socket(url: &str) -> bool {
    ["unix://", "redis+unix://", "valkey+unix://"].iter().any(|scheme| url.starts_with(scheme))
}

fn refuse_certificates(options: &Options) -> Result<(), GuardError> {
    if options.root_certificates.is_some() || options.client_certificate.is_some() {
        return refuse("certificates need rediss://, rediss+sentinel:// or rediss+cluster://");
    }
    Ok(())
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
        with_certificates(server, options).map_err(GuardError::misconfigured)
    }

    fn sentinel(&self, options: &Options) -> Result<Target, GuardError> {
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
        if let Some(given) = &options.sentinel_credentials {
            builder =
                builder.set_client_to_sentinel_username(given.user()).set_client_to_sentinel_password(given.password());
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
        Ok(Target::Sentinels(Box::new(Mutex::new(client))))
    }

    fn cluster(&self, options: &Options) -> Result<Target, GuardError> {
        if !self.path.is_empty() {
            return refuse("redis+cluster:// does not support a database number");
        }
        let nodes: Result<Vec<_>, _> =
            self.hosts.iter().map(|host| self.server(&with_port(host, SERVER_PORT), options)).collect();
        Ok(Target::Cluster(nodes?))
    }
}

const FORMS: &str = "invalid address; expected redis://host:6379, rediss://host:6379, \
                     redis+sentinel://host:26379,host:26379/mymaster, redis+cluster://host:6379,host:6379 or \
                     unix:///run/redis.sock";

fn refuse<T>(reason: &'static str) -> Result<T, GuardError> {
    Err(GuardError::misconfigured(reason))
}

fn with_port(host: &str, port: u16) -> String {
    // An IPv6 address has colons only inside its brackets.
    let has_port = host.rsplit_once(']').map_or(host, |(_, after)| after).contains(':');
    if has_port { host.to_owned() } else { format!("{host}:{port}") }
}

#[cfg(feature = "tls")]
fn needs_tls(options: &Options) -> Result<(), GuardError> {
    use oauth_state_guard_kit::{certificates_in, choose_crypto_provider, private_key_in};
    choose_crypto_provider();
    // The client skips a text without certificates, and every handshake then fails.
    if let Some(pem) = &options.root_certificates {
        certificates_in(pem, "root_certificates")?;
    }
    if let Some((certificate, key)) = &options.client_certificate {
        certificates_in(certificate, "client_certificate")?;
        private_key_in(key, "the key of client_certificate")?;
    }
    Ok(())
}

#[cfg(not(feature = "tls"))]
fn needs_tls(_: &Options) -> Result<(), GuardError> {
    refuse("rediss:// needs TLS: enable the feature `tls` of oauth-state-redis")
}

#[cfg(feature = "tls")]
fn certificates(options: &Options) -> Option<TlsCertificates> {
    let client_tls = options.client_certificate.clone();
    let client_tls = client_tls.map(|(client_cert, client_key)| ClientTlsConfig { client_cert, client_key });
    let root_cert = options.root_certificates.clone();
    (client_tls.is_some() || root_cert.is_some()).then_some(TlsCertificates { client_tls, root_cert })
}

#[cfg(feature = "tls")]
fn with_certificates(server: ConnectionInfo, options: &Options) -> redis::RedisResult<ConnectionInfo> {
    match certificates(options) {
        Some(certificates) if matches!(server.addr(), ConnectionAddr::TcpTls { .. }) => {
            Ok(Client::build_with_tls(server, certificates)?.get_connection_info().clone())
        }
        _ => Ok(server),
    }
}

#[cfg(not(feature = "tls"))]
#[expect(clippy::unnecessary_wraps, reason = "the other form may fail")]
fn with_certificates(server: ConnectionInfo, _: &Options) -> redis::RedisResult<ConnectionInfo> {
    Ok(server)
}

/// The host that this connection would reach unencrypted over a network.
pub(super) fn unencrypted(server: &ConnectionInfo) -> Option<&str> {
    match server.addr() {
        ConnectionAddr::Tcp(host, _) if !is_this_machine(host) => Some(host),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
