//! How a connection travels: unencrypted, over TLS that is verified, or as a connector of the caller's says.

use std::sync::Arc;

use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, Connection, Error, NoTls, Socket};

use super::errors::{cannot_use, told};
use oauth_state::BoxFuture;
use oauth_state::guard::GuardError;
use oauth_state_guard_kit::is_this_machine;

/// How a connection travels.
#[derive(Clone)]
pub(super) enum Transport {
    Unencrypted,
    #[cfg(feature = "tls")]
    Verified(Arc<super::tls::Certificates>),
    /// A connector of the caller's own.
    Own(Own),
}

/// Connects with a connector of the caller's own.
pub(super) type Own = Arc<dyn Fn(Config) -> BoxFuture<'static, Result<Client, Error>> + Send + Sync>;

/// Hides the type of the caller's connector.
pub(super) fn own<T>(connector: T) -> Own
where
    T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
    T::Stream: Send,
    T::TlsConnect: Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    Arc::new(move |mut config| {
        let connector = connector.clone();
        // Otherwise the client goes on without TLS if the server, or an attacker on the way, refuses it.
        config.ssl_mode(SslMode::Require);
        Box::pin(async move { config.connect(connector).await.map(drive) })
    })
}

impl Transport {
    pub(super) async fn connect(&self, mut config: Config) -> Result<Client, GuardError> {
        match self {
            #[cfg(feature = "tls")]
            Self::Verified(certificates) if !is_over_sockets(&config) => {
                config.ssl_mode(SslMode::Require);
                let connector = super::tls::connector(certificates)?;
                config.connect(connector).await.map(drive).map_err(cannot_use)
            }
            Self::Own(connect) if !is_over_sockets(&config) => connect(config).await.map_err(cannot_use),
            _ => {
                config.ssl_mode(SslMode::Disable);
                config.connect(NoTls).await.map(drive).map_err(cannot_use)
            }
        }
    }

    /// The first host to which marks and passwords travel unencrypted over a network.
    pub(super) fn unencrypted(&self, config: &Config) -> Option<String> {
        if !matches!(self, Self::Unencrypted) {
            return None;
        }
        // Given addresses are used instead of the hosts, whose names then are only for certificates.
        let addresses = config.get_hostaddrs();
        if !addresses.is_empty() {
            return addresses.iter().find(|address| !address.is_loopback()).map(ToString::to_string);
        }
        config.get_hosts().iter().find_map(|host| match host {
            Host::Tcp(host) if !is_this_machine(host) => Some(host.clone()),
            _ => None,
        })
    }
}

/// Unix sockets, over which Postgres has no TLS: as in libpq, its words are then ignored.
fn is_over_sockets(config: &Config) -> bool {
    config.get_hostaddrs().is_empty() && !config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(_)))
}

/// Runs the connection on its own task, which ends with its client.
fn drive<S>((client, connection): (Client, Connection<Socket, S>)) -> Client
where
    S: tokio_postgres::tls::TlsStream + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(cause = told(&error), "a connection to Postgres ended");
        }
    });
    client
}

#[cfg(test)]
mod tests;
