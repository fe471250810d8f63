//! The check of the guard's store.

use std::path::PathBuf;
use std::time::Duration;

use super::check::Check;
use super::options::Doctor;

/// The checks of the named guard.
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
            "no guard given; guard checks skipped",
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
            let found = format!("the certificate or key in {} cannot be read ({error})", path.display());
            Check::error("guard", found, "name the file that the service reads")
        })
    };
    let client = match (&options.client_certificate, &options.client_key) {
        (Some(certificate), Some(key)) => Some((read(certificate)?, read(key)?.into())),
        _ => None,
    };
    Ok(super::guard::StoreOptions {
        prefix: options.redis_prefix.clone(),
        accept_eviction: options.dangerously_accept_eviction,
        root_certificates: options.root_certificates.as_ref().map(read).transpose()?,
        client,
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

/// An error: a pipeline that requests a check must not continue without one.
#[cfg(not(all(feature = "redis", feature = "postgres")))]
fn not_in_this_build(store: &str, feature: &str) -> Check {
    let to_do = format!("in a checkout of oauth-state: cargo install --path crates/cli --features {feature}");
    Check::error("guard", format!("this build of oauth-state cannot look at {store}"), to_do)
}
