//! The hosts of an address, one at a time. The client tries them in turn itself, but limits only the time to reach one: a
//! host that accepts connections and hangs would keep it from all others.

use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, LoadBalanceHosts};

use oauth_state_guard_kit::CONNECT_TIME;
use rand::TryRng;
use rand::rngs::SysRng;

/// A configuration for each host, in the order in which they are tried.
pub(super) fn one_by_one(config: &Config) -> Vec<Config> {
    let (hosts, addresses, ports) = (config.get_hosts(), config.get_hostaddrs(), config.get_ports());
    let number = hosts.len().max(addresses.len());
    // The client itself tells numbers that do not match.
    let is_matched = hosts.is_empty() || addresses.is_empty() || hosts.len() == addresses.len();
    if number < 2 || !is_matched || (ports.len() > 1 && ports.len() != number) {
        return vec![config.clone()];
    }
    let mut all: Vec<_> = (0..number)
        .map(|at| {
            let mut one = without_hosts(config);
            match hosts.get(at) {
                Some(Host::Tcp(host)) => drop(one.host(host)),
                #[cfg(unix)]
                Some(Host::Unix(folder)) => drop(one.host_path(folder)),
                None => {}
            }
            if let Some(address) = addresses.get(at) {
                one.hostaddr(*address);
            }
            if let Some(port) = ports.get(at).or(ports.first()) {
                one.port(*port);
            }
            one
        })
        .collect();
    let mut byte = [0];
    if config.get_load_balance_hosts() == LoadBalanceHosts::Random && SysRng.try_fill_bytes(&mut byte).is_ok() {
        let start = usize::from(byte[0]).checked_rem(number).unwrap_or_default();
        all.rotate_left(start);
    }
    all
}

/// How long to wait for each of several hosts, so that time is left for the next.
pub(super) fn time_for_each(hosts: usize) -> Duration {
    let share = u32::try_from(hosts).unwrap_or(u32::MAX).saturating_add(1);
    CONNECT_TIME.checked_div(share).unwrap_or(CONNECT_TIME)
}

/// Everything else of a configuration. There is no way to take a host out of one.
fn without_hosts(config: &Config) -> Config {
    let mut one = Config::new();
    one.ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle())
        .target_session_attrs(config.get_target_session_attrs())
        .channel_binding(config.get_channel_binding())
        .load_balance_hosts(config.get_load_balance_hosts());
    config.get_user().map(|user| one.user(user));
    config.get_password().map(|password| one.password(password));
    config.get_dbname().map(|name| one.dbname(name));
    config.get_options().map(|options| one.options(options));
    config.get_application_name().map(|name| one.application_name(name));
    config.get_connect_timeout().map(|time| one.connect_timeout(*time));
    config.get_tcp_user_timeout().map(|time| one.tcp_user_timeout(*time));
    config.get_keepalives_interval().map(|time| one.keepalives_interval(time));
    config.get_keepalives_retries().map(|number| one.keepalives_retries(number));
    one
}

#[cfg(test)]
mod tests;
