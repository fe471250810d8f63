//! The guard's store: where its address comes from, and the look at it.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::check::Check;

use super::options::Doctor;

/// Where the address of a store is.
#[derive(Clone)]
pub enum StoreAddress {
    Variable(String),
    File(PathBuf),
    /// As it stands; one with a password has been refused by then.
    Literal(String),
}

impl FromStr for StoreAddress {
    type Err = Infallible;

    fn from_str(given: &str) -> Result<Self, Infallible> {
        Ok(match given.split_once(':') {
            Some(("env", name)) => Self::Variable(name.to_owned()),
            Some(("file", path)) => Self::File(path.into()),
            _ => Self::Literal(given.to_owned()),
        })
    }
}

impl StoreAddress {
    fn read(&self) -> Result<String, Check> {
        let (place, address) = match self {
            Self::Literal(address) => return Ok(address.clone()),
            // What a variable or a file holds is not quoted: it may be a password.
            Self::Variable(name) => (
                format!("the environment variable {name}"),
                std::env::var(name).map_err(|_| "is not set, or is not text".to_owned()),
            ),
            Self::File(path) => (
                format!("the file {}", path.display()),
                std::fs::read_to_string(path).map_err(|error| format!("cannot be read ({error})")),
            ),
        };
        let problem = match address.map(|text| text.trim().to_owned()) {
            Ok(address) if !address.is_empty() => return Ok(address),
            Ok(_) => "is empty".to_owned(),
            Err(problem) => problem,
        };
        let found = format!("{place}, where the guard's address should be, {problem}");
        Err(Check::error("guard", found, "put the address there that the service has"))
    }
}

/// What there is to say of the guard that is named.
pub fn guard(options: &Doctor, skew: Duration) -> Vec<Check> {
    match (&options.redis, &options.postgres) {
        (Some(address), _) => address.read().map_or_else(|check| vec![check], |url| redis(options, url, skew)),
        (_, Some(address)) => address.read().map_or_else(|check| vec![check], |url| postgres(options, url, skew)),
        _ if options.single_process => vec![Check::ok(
            "guard",
            "in this process alone: another process lets a link that was used here through to the provider, so run one",
        )],
        _ => vec![Check::warning(
            "guard",
            "no guard was named, so that none was looked at",
            "add --redis or --postgres, or --single-process where one process takes all callbacks",
        )],
    }
}

#[cfg(feature = "redis")]
fn redis(options: &Doctor, url: String, skew: Duration) -> Vec<Check> {
    match store_options(options) {
        Ok(with) => wait_for(super::guard::redis(url, with, skew)),
        Err(check) => vec![check],
    }
}

#[cfg(not(feature = "redis"))]
fn redis(_: &Doctor, _: String, _: Duration) -> Vec<Check> {
    vec![not_in_this_build("Redis", "redis")]
}

#[cfg(feature = "postgres")]
fn postgres(options: &Doctor, url: String, skew: Duration) -> Vec<Check> {
    match store_options(options) {
        Ok(with) => wait_for(super::guard::postgres(url, with, skew)),
        Err(check) => vec![check],
    }
}

#[cfg(not(feature = "postgres"))]
fn postgres(_: &Doctor, _: String, _: Duration) -> Vec<Check> {
    vec![not_in_this_build("Postgres", "postgres")]
}

#[cfg(any(feature = "redis", feature = "postgres"))]
fn store_options(options: &Doctor) -> Result<super::guard::StoreOptions, Check> {
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|error| {
            let found = format!("the certificates in {} cannot be read ({error})", path.display());
            Check::error("guard", found, "name the file that the service reads")
        })
    };
    Ok(super::guard::StoreOptions {
        prefix: options.redis_prefix.clone(),
        accept_eviction: options.dangerously_accept_eviction,
        root_certificates: options.root_certificates.as_ref().map(read).transpose()?,
        create_tables: options.create_tables,
        belongs_to: Some((options.app.clone(), options.environment.clone())),
        own_store: options.own_store,
    })
}

#[cfg(any(feature = "redis", feature = "postgres"))]
fn wait_for(checks: impl Future<Output = Vec<Check>>) -> Vec<Check> {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(checks),
        Err(error) => vec![Check::error("guard", format!("nothing could be asked: {error}"), "try again")],
    }
}

/// An error: a pipeline that asks for a look must not go on without one.
#[cfg(not(all(feature = "redis", feature = "postgres")))]
fn not_in_this_build(store: &str, feature: &str) -> Check {
    let to_do = format!("in a checkout of oauth-state: cargo install --path crates/cli --features {feature}");
    Check::error("guard", format!("this build of oauth-state cannot look at {store}"), to_do)
}
