//! The guard's store: its report, and the difference of its clock.

use std::time::Duration;

use oauth_state::guard::{GuardError, GuardErrorKind};
use oauth_state_guard_kit::{Examined, Flaw, with_cause};

use zeroize::Zeroizing;

use super::check::Check;

/// A store that needs longer than this counts as down. Two of them fit into the time limit of a command.
const LONGEST: Duration = Duration::from_secs(4);

/// A service's settings for its guard's builder. No `Debug`: one is a private key.
#[derive(Clone, Default)]
pub struct StoreOptions {
    /// `RedisGuardBuilder::prefix`.
    pub prefix: Option<String>,
    /// `OnEvictingServer::DangerouslyWarn`.
    pub accept_eviction: bool,
    /// `root_certificates` of either, in PEM.
    pub root_certificates: Option<Vec<u8>>,
    /// `client_certificate` of either, with its key, both in PEM.
    pub client: Option<(Vec<u8>, Zeroizing<Vec<u8>>)>,
    /// `PostgresGuardBuilder::create_tables`.
    pub create_tables: bool,
    /// The application and its environment, to compare with the names in the store; without them, those are not
    /// checked.
    pub belongs_to: Option<(String, String)>,
    /// No other application or environment uses the server.
    pub own_store: bool,
}

/// A guard over Redis at this address.
#[cfg(feature = "redis")]
pub async fn redis(url: String, options: StoreOptions, skew: Duration) -> Vec<Check> {
    let mut builder = oauth_state_redis::RedisGuard::builder(url);
    if options.accept_eviction {
        builder = builder.on_evicting_policy(oauth_state_redis::OnEvictingServer::DangerouslyWarn);
    }
    let prefix = options.prefix.as_deref().unwrap_or(oauth_state_redis::DEFAULT_PREFIX);
    let whose = Whose::of(&options).check("redis", &[("prefix", prefix.to_owned())]);
    builder = builder.prefix(prefix);
    #[cfg(feature = "redis-tls")]
    {
        if let Some(pem) = options.root_certificates {
            builder = builder.root_certificates(pem);
        }
        if let Some((certificate, key)) = options.client {
            builder = builder.client_certificate(certificate, key.as_slice());
        }
    }
    #[cfg(not(feature = "redis-tls"))]
    if options.root_certificates.is_some() || options.client.is_some() {
        return vec![without_tls("redis")];
    }
    told("redis", in_time(builder.examine()).await, whose, skew)
}

/// A guard over Postgres at this address.
#[cfg(feature = "postgres")]
pub async fn postgres(url: String, options: StoreOptions, skew: Duration) -> Vec<Check> {
    let mut builder = oauth_state_postgres::PostgresGuard::builder(url);
    let whose = Whose::of(&options);
    if options.create_tables {
        builder = builder.create_tables();
    }
    #[cfg(feature = "postgres-tls")]
    {
        if let Some(pem) = options.root_certificates {
            builder = builder.root_certificates(pem);
        }
        if let Some((certificate, key)) = options.client {
            builder = builder.client_certificate(certificate, key.as_slice());
        }
    }
    #[cfg(not(feature = "postgres-tls"))]
    if options.root_certificates.is_some() || options.client.is_some() {
        return vec![without_tls("postgres")];
    }
    let examined = in_time(builder.examine()).await;
    let whose = examined.as_ref().ok().and_then(|examined| whose.check("postgres", &examined.kept_in));
    told("postgres", examined, whose, skew)
}

#[cfg(any(
    all(feature = "redis", not(feature = "redis-tls")),
    all(feature = "postgres", not(feature = "postgres-tls"))
))]
fn without_tls(store: &str) -> Check {
    let to_do = format!("in a checkout of oauth-state: cargo install --path crates/cli --features {store}-tls");
    Check::error("guard", format!("{store}: this build of oauth-state has no TLS for it"), to_do).about(store)
}

async fn in_time<T>(examined: impl Future<Output = Result<T, GuardError>>) -> Result<T, GuardError> {
    let in_time = tokio::time::timeout(LONGEST, examined).await;
    in_time.unwrap_or_else(|_| Err(GuardError::unavailable("it did not answer within 10 s")))
}

fn told(store: &str, examined: Result<Examined, GuardError>, whose: Option<Check>, skew: Duration) -> Vec<Check> {
    let checks: Vec<_> = match examined {
        Ok(Examined { well, flaws, ahead, .. }) => {
            let well = well.into_iter().map(|(name, found)| Check::ok(name, format!("{store}: {found}")));
            let flawed = flaws.into_iter().map(|Flaw { name, found, remedy, fatal }| {
                let check = if fatal { Check::error } else { Check::warning };
                check(name, format!("{store}: {found}"), remedy.to_owned())
            });
            well.chain(flawed).chain([clock(ahead, skew)]).collect()
        }
        Err(error) => vec![unusable(store, &error)],
    };
    checks.into_iter().chain(whose).map(|check| check.about(store)).collect()
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

/// The users of the store, as declared by the service's operator.
enum Whose {
    NotSaid,
    /// Only one environment of one application.
    Own,
    /// This application in this environment, and perhaps others.
    Of {
        app: String,
        environment: String,
    },
}

impl Whose {
    fn of(options: &StoreOptions) -> Self {
        match &options.belongs_to {
            None => Self::NotSaid,
            Some(_) if options.own_store => Self::Own,
            Some((app, environment)) => Self::Of { app: app.clone(), environment: environment.clone() },
        }
    }

    /// A store does not show whose marks it holds. A name can: one without an environment may be the same in another.
    fn check(&self, store: &str, kept_in: &[(&'static str, String)]) -> Option<Check> {
        let (app, environment) = match self {
            Self::NotSaid => return None,
            Self::Own => {
                let found = format!("{store}: no other application or environment uses it, as --own-store says");
                return Some(Check::ok("environment", found));
            }
            Self::Of { app, environment } => (app, environment),
        };
        if let Some((what, name)) = kept_in.iter().find(|(_, name)| names(name, environment)) {
            return Some(Check::ok("environment", format!("{store}: the {what} {name:?} names {environment}")));
        }
        let places: Vec<_> = kept_in.iter().map(|(what, name)| format!("the {what} {name:?}")).collect();
        let (verb, place) = (if places.len() == 1 { "does" } else { "do" }, places.join(" and "));
        let to_do = match store {
            "redis" => {
                format!("give each a prefix of its own, such as RedisGuardBuilder::prefix(\"{app}:{environment}:\")")
            }
            _ => format!(
                "give each a database or a schema of its own, such as ?options=-csearch_path%3D{app}_{environment}"
            ),
        };
        Some(Check::warning(
            "environment",
            format!(
                "{store}: {place} {verb} not name {environment}: another environment or application with the same configuration would share \
                 these marks, and could fill the store or delete them"
            ),
            format!("{to_do}; or pass --own-store if no other uses this server"),
        ))
    }
}

/// Whether a name, such as `shop:production:`, contains the words of an environment, in any case.
fn names(name: &str, environment: &str) -> bool {
    let words = |text: &str| {
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words.map(|word| format!(" {} ", word.to_ascii_lowercase())).collect::<String>()
    };
    words(name).contains(&words(environment))
}

/// The skew is the maximum difference of any two clocks. Beyond it servers refuse each other's states; beyond twice
/// that, Postgres drops marks early.
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
    // Less than a second may be network latency.
    if apart < Duration::from_secs(1) || apart.saturating_mul(2) <= skew {
        Check::ok("clock", found)
    } else if apart <= skew {
        Check::warning("clock", found, to_do)
    } else {
        Check::error("clock", found, to_do)
    }
}

#[cfg(test)]
mod tests;
