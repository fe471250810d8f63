//! Guides.
//!
//! Pages without a link are in the repository.
//!
//! **Start**
//!
//! * [Quick start](quick_start): sign a user in today
//! * [How it works](how_it_works): one login in one drawing
//! * `docs/frameworks.md`: axum, actix-web and others
//! * `docs/clients.md`: JSON, single-page and native clients
//! * [Migrating](migrating) from a HashMap, a table or sessions
//!
//! **Operate**
//!
//! * [Choosing a replay guard](guards): what remembers used states
//! * [Keys and rotation](rotation): create, rotate and revoke keys
//! * `docs/operations.md`: metrics, alerts and what to do about them
//! * `docs/deploys.md`: what a deploy may change while logins run
//! * `docs/scaling.md`: capacity, and what reaches its limit first
//! * `docs/command-line.md`: the command line `oauth-state`
//!
//! **Security**
//!
//! * [Threat model](threat_model): against whom the crate protects, and against whom not
//! * `SECURITY.md`: every promise, with the tests as evidence
//! * `docs/side-channels.md`: what times, responses and memory reveal
//! * `docs/model.md`: the model of the protocol
//!
//! **Reference**
//!
//! * [Wire format](wire_format): for another implementation
//! * [Providers](providers): limits and behavior of each provider
//! * [Glossary](glossary)
//! * [Comparison](comparison) with sessions, cookies, stores and other ecosystems
//! * `docs/benchmarks.md`: time, memory and behavior under load
//!
//! # In the repository
//!
//! The package contains what users of the crate need. The repository also has:
//!
//! * `examples/`: GitHub, Google, Microsoft, Apple, many tenants, a JSON API, the migration from a HashMap, and a complete login over two server processes;
//!   `-- --once` runs an example without a browser;
//! * `crates/`: separate packages for the guards over Redis and Postgres, the routes, the store and the tests for guards;
//! * `sources/`: separate packages for key rings from AWS Secrets Manager, Vault and OpenBao, Google Secret Manager and Azure Key Vault;
//! * `crates/cli/`: the command line `oauth-state` (package `oauth-state-cli`);
//! * `docs/`: the pages named above, the key ring document, each source of keys, signed states, fuzzing, and the design decisions;
//! * `tests/`, `fuzz/`: the tests, and frozen vectors for other implementations.
//!
//! ```
//! // Every code block on these pages is compiled and run, like this one.
//! assert_eq!(oauth_state::testing::flow().fingerprint().len(), 16);
//! ```

// On docs.rs, links to files of the repository must lead elsewhere. The first definition of a link wins, so these come before the page's own.

#[cfg_attr(any(not(doctest), feature = "testing"), doc = include_str!("quick_start.md"))]
pub mod quick_start {}

/// One login in one drawing, and what each step is for.
///
#[doc = include_str!("how_it_works.svg")]
///
#[doc = include_str!("how_it_works.md")]
pub mod how_it_works {}

#[doc = include_str!("threat_model.md")]
pub mod threat_model {}

/// [security]: crate::docs#in-the-repository
/// [migrating]: crate::docs::migrating
/// [migration]: crate::docs#in-the-repository
/// [decisions]: crate::docs#in-the-repository
/// [throughput]: crate::docs#in-the-repository
/// [memory]: crate::docs#in-the-repository
/// [with_sqlx]: crate::docs#in-the-repository
/// [with_deadpool]: crate::docs#in-the-repository
/// [with_diesel]: crate::docs#in-the-repository
/// [mariadb]: crate::docs#in-the-repository
///
#[cfg_attr(any(not(doctest), feature = "cache"), doc = include_str!("../../docs/guards.md"))]
pub mod guards {}

/// [key-ring]: crate::ring::KeyRingDocument
/// [raising-the-skew]: crate::ring::KeyRingDocument
/// [refused-revocations]: crate::ring::KeyRingDocument
/// [command-line]: crate::docs#in-the-repository
/// [environment]: crate::ring::source::EnvSource
/// [file]: crate::ring::source::FileSource
/// [your-own]: crate::ring::source::source_fn
/// [aws]: crate::docs#in-the-repository
/// [vault]: crate::docs#in-the-repository
/// [gcp]: crate::docs#in-the-repository
/// [azure]: crate::docs#in-the-repository
///
#[cfg_attr(any(not(doctest), feature = "refresh"), doc = include_str!("../../docs/rotation.md"))]
pub mod rotation {}

/// [presets.rs]: crate::provider::Preset
/// [e2e]: crate::docs#in-the-repository
///
#[cfg_attr(any(not(doctest), feature = "testing"), doc = include_str!("../../docs/providers.md"))]
pub mod providers {}

/// [migrate-from-hashmap]: crate::docs#in-the-repository
/// [clients]: crate::docs#in-the-repository
/// [frameworks]: crate::docs#in-the-repository
///
#[cfg_attr(
    any(not(doctest), all(feature = "oauth2", feature = "uuid")),
    doc = include_str!("../../docs/migrating.md")
)]
pub mod migrating {}

#[doc = include_str!("comparison.md")]
pub mod comparison {}

/// [vectors]: crate::docs#in-the-repository
/// [key-ring]: crate::ring::KeyRingDocument
/// [worked-examples]: crate::docs#in-the-repository
/// [signed-states]: crate::FlowBuilder::build_signed_not_encrypted
///
#[doc = include_str!("../../docs/wire-format.md")]
pub mod wire_format {}

#[doc = include_str!("glossary.md")]
pub mod glossary {}
