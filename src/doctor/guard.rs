//! The guard's store: what it says of itself, and whether its clock is this machine's.

use std::time::Duration;

use super::Check;
use crate::replay::{Examined, Flaw, GuardError, GuardErrorKind, with_cause};

/// A store that needs longer than this to answer is as good as down.
const LONGEST: Duration = Duration::from_secs(10);

/// What a service says to its guard's builder.
#[derive(Clone, Debug, Default)]
pub struct StoreOptions {
    /// `RedisGuardBuilder::prefix`.
    pub prefix: Option<String>,
    /// `EvictionPolicy::DangerouslyWarn`.
    pub accept_eviction: bool,
    /// `root_certificates` of either, in PEM.
    pub root_certificates: Option<Vec<u8>>,
    /// `PostgresGuardBuilder::create_tables`.
    pub create_tables: bool,
}

/// A guard over Redis at this address.
#[cfg(feature = "redis")]
pub async fn redis(url: String, options: StoreOptions, skew: Duration) -> Vec<Check> {
    let mut builder = crate::replay::RedisGuard::builder(url);
    if options.accept_eviction {
        builder = builder.on_evicting_policy(crate::replay::EvictionPolicy::DangerouslyWarn);
    }
    if let Some(prefix) = options.prefix {
        builder = builder.prefix(prefix);
    }
    if let Some(pem) = options.root_certificates {
        #[cfg(feature = "redis-tls")]
        {
            builder = builder.root_certificates(pem);
        }
        #[cfg(not(feature = "redis-tls"))]
        return vec![without_tls("redis", &pem)];
    }
    told("redis", in_time(builder.examine()).await, skew)
}

/// A guard over Postgres at this address.
#[cfg(feature = "postgres")]
pub async fn postgres(url: String, options: StoreOptions, skew: Duration) -> Vec<Check> {
    let mut builder = crate::replay::PostgresGuard::builder(url);
    if options.create_tables {
        builder = builder.create_tables();
    }
    if let Some(pem) = options.root_certificates {
        #[cfg(feature = "postgres-tls")]
        {
            builder = builder.root_certificates(pem);
        }
        #[cfg(not(feature = "postgres-tls"))]
        return vec![without_tls("postgres", &pem)];
    }
    told("postgres", in_time(builder.examine()).await, skew)
}

#[cfg(any(
    all(feature = "redis", not(feature = "redis-tls")),
    all(feature = "postgres", not(feature = "postgres-tls"))
))]
fn without_tls(store: &str, _: &[u8]) -> Check {
    let to_do = format!("build it with: cargo install oauth-state-cli --features {store}-tls");
    Check::error("guard", format!("{store}: this build of oauth-state has no TLS for it"), to_do).about(store)
}

async fn in_time(examined: impl Future<Output = Result<Examined, GuardError>>) -> Result<Examined, GuardError> {
    let in_time = tokio::time::timeout(LONGEST, examined).await;
    in_time.unwrap_or_else(|_| Err(GuardError::unavailable("it did not answer within 10 s")))
}

fn told(store: &str, examined: Result<Examined, GuardError>, skew: Duration) -> Vec<Check> {
    let checks = match examined {
        Ok(Examined { well, flaws, ahead }) => {
            let well = well.into_iter().map(|(name, found)| Check::ok(name, format!("{store}: {found}")));
            let flawed = flaws.into_iter().map(|Flaw { name, found, to_do, fatal }| {
                let check = if fatal { Check::error } else { Check::warning };
                check(name, format!("{store}: {found}"), to_do.to_owned())
            });
            well.chain(flawed).chain([clock(ahead, skew)]).collect()
        }
        Err(error) => vec![unusable(store, &error)],
    };
    checks.into_iter().map(|check| check.about(store)).collect()
}

fn unusable(store: &str, error: &GuardError) -> Check {
    let to_do = match error.kind() {
        GuardErrorKind::Misconfigured => "correct the address, the setting or the right that it names",
        GuardErrorKind::Overloaded => "wait until the store is less busy, or raise its limit of connections",
        GuardErrorKind::Full => "give the store more memory or disk",
        _ => "start the store, or correct its address and the way there",
    };
    Check::error("guard", format!("{store}: {}", with_cause(error)), to_do)
}

/// The skew is the most by which any two clocks may differ. Beyond it servers refuse each other's states; beyond twice that,
/// Postgres forgets marks early.
fn clock(ahead: Option<i64>, skew: Duration) -> Check {
    let Some(ahead) = ahead else {
        return Check::warning(
            "clock",
            "the store does not tell its time",
            "let the user have +info, or use Redis 6.2 or later",
        );
    };
    let apart = Duration::from_millis(ahead.unsigned_abs());
    let direction = if ahead < 0 { "behind" } else { "ahead" };
    let found = format!(
        "the store's clock is {}.{} s {direction} of this machine's, and the ring's skew is {} s",
        apart.as_secs(),
        apart.subsec_millis() / 100,
        skew.as_secs()
    );
    let to_do = "let both take their time from the same source (NTP)";
    // Less than a second is what the way there takes, not a difference.
    if apart < Duration::from_secs(1) || apart.saturating_mul(2) <= skew {
        Check::ok("clock", found)
    } else if apart <= skew {
        Check::warning("clock", found, to_do)
    } else {
        Check::error("clock", found, to_do)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn clocks_may_differ_by_half_the_skew_and_must_not_by_more_than_it() {
        let level = |ahead, skew| clock(Some(ahead), Duration::from_secs(skew)).level;
        for sign in [1, -1] {
            assert_eq!(level(sign * 30_000, 60), Level::Ok);
            assert_eq!(level(sign * 30_001, 60), Level::Warning);
            assert_eq!(level(sign * 60_000, 60), Level::Warning);
            assert_eq!(level(sign * 60_001, 60), Level::Error);
            assert_eq!(level(sign * 999, 0), Level::Ok);
            assert_eq!(level(sign * 1_000, 0), Level::Error);
        }
        assert!(clock(Some(-1_250), Duration::ZERO).found.contains("1.2 s behind"));
        assert_eq!(clock(None, Duration::from_secs(60)).level, Level::Warning);
    }

    #[test]
    fn a_fatal_flaw_is_an_error_and_another_a_warning() {
        let flaws = vec![Flaw::fatal("replica", "r", "t"), Flaw::warning("fsync", "f", "t")];
        let examined = Examined { well: vec![("version", "redis 7".to_owned())], flaws, ahead: Some(0) };
        let checks = told("redis", Ok(examined), Duration::from_secs(60));
        let levels: Vec<_> = checks.iter().map(|check| (check.name, check.level)).collect();
        let expected = [Level::Ok, Level::Error, Level::Warning, Level::Ok];
        assert_eq!(levels, ["version", "replica", "fsync", "clock"].into_iter().zip(expected).collect::<Vec<_>>());
        let down = told("redis", Err(GuardError::unavailable("refused")), Duration::from_secs(60));
        assert!(matches!(&down[..], [Check { level: Level::Error, name: "guard", .. }]));
    }
}
