//! Guides, to be read beside the items.
//!
//! | you want to … | read |
//! |---|---|
//! | sign somebody in today | [`quick_start`] |
//! | understand it in one drawing | [`how_it_works`] |
//! | know against whom it protects, and against whom not | [`threat_model`] |
//! | choose what remembers used states | [`guards`] |
//! | make, rotate and revoke keys | [`rotation`] |
//! | know what a provider takes and sends | [`providers`] |
//! | move off a HashMap, a table, or sessions | [`migrating`] |
//! | compare it with sessions, cookies, stores and other ecosystems | [`comparison`] |
//! | write another implementation | [`wire_format`] |
//! | look a word up | [`glossary`] |
//!
//! # In the repository
//!
//! The package holds what a user of the crate needs. In the repository there are besides:
//!
//! * `examples/`: GitHub, Google, Microsoft, Apple, many tenants, a JSON API, the move from a HashMap, and a whole login over two server processes, each of which
//!   runs without a browser by `-- --once`;
//! * `crates/`: the guards over Redis and Postgres, and the tests for guards, as packages of their own;
//! * `sources/`: key rings from AWS Secrets Manager, Vault and OpenBao, Google Secret Manager and Azure Key Vault, as packages of their own;
//! * `crates/cli/`: the command line `oauth-state`, a package of its own (`oauth-state-cli`);
//! * `docs/`: frameworks, the command line, every fault of every guard, the table of providers, the runbook for keys, each source of keys, benchmarks, scaling, side channels, the model of the protocol, fuzzing, and why it is as it is;
//! * `SECURITY.md`: every promise with the tests that hold it;
//! * `tests/`, `fuzz/`: those tests, and frozen vectors for other implementations.
//!
//! ```
//! // Every block of code on these pages is compiled and run, as this one is.
//! assert_eq!(oauth_state::testing::flow().fingerprint().len(), 16);
//! ```

// Links to files of the repository lead elsewhere here: of two definitions of a link, the first holds, and these stand before those of the page.

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

#[cfg_attr(any(not(doctest), feature = "cache"), doc = include_str!("guards.md"))]
pub mod guards {}

#[cfg_attr(any(not(doctest), feature = "refresh"), doc = include_str!("rotation.md"))]
pub mod rotation {}

#[cfg_attr(any(not(doctest), feature = "testing"), doc = include_str!("providers.md"))]
pub mod providers {}

/// [migrate-from-hashmap]: crate::docs#in-the-repository
/// [json-api]: crate::docs#in-the-repository
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
