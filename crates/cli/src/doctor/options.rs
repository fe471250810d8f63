//! The options of `doctor`: the configuration of the service.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use oauth_state::Purpose;

use super::cookie::WebOrigin;
use super::provider::ProviderSpec;
use super::size::BoundBy;
use super::store_address::StoreAddress;
use crate::sources::Source;
use crate::text;

#[derive(Args)]
#[command(after_help = "\
PROVIDER is the id of a preset, such as github, and after commas what the methods of Provider take: custom, response_mode=MODE
(query, form_post, form_post_reposted), max_state_chars=N, issuer=URL, requires_iss=URL, redirect_uri=URL, redirect_uri:NAME=URL.

ADDRESS is that of the guard, env:NAME or file:PATH. One with a password is taken from a variable or a file alone.

Examples:
  oauth-state doctor --keys ring.json --app shop --environment production --origin https://shop.example \\
      --provider github --provider apple --redis env:REDIS_URL
  oauth-state doctor --keys env:OAUTH_STATE_KEYS --app shop --environment staging --origin https://staging.shop.example \\
      --provider acme,custom,max_state_chars=255 --tenant-bytes 16 --data-bytes 40 --postgres file:/run/secrets/database \\
      --strict --json")]
pub struct Doctor {
    /// The ring.
    #[arg(long, value_name = "SOURCE")]
    pub keys: Source,
    /// The application's name, as the service gives it to `App::new`.
    #[arg(long, value_name = "NAME")]
    pub app: String,
    /// The environment, likewise.
    #[arg(long, value_name = "ENV")]
    pub environment: String,
    /// What browsers see of the service, such as https://shop.example.
    #[arg(long, value_name = "ORIGIN")]
    pub origin: WebOrigin,
    /// A provider; may be given again.
    #[arg(long, value_name = "PROVIDER", required = true)]
    pub provider: Vec<ProviderSpec>,
    /// A purpose that the service accepts: login, link, reauthenticate or custom:NAME; may be given again. login by default.
    #[arg(long, value_name = "PURPOSE", value_parser = text::parse_purpose)]
    pub purpose: Vec<Purpose>,
    /// How long a user has between login start and callback.
    #[arg(long, value_name = "TIME", value_parser = text::parse_duration, default_value = "10m")]
    pub lifetime: Duration,
    /// The service is built with `shared_callback`.
    #[arg(long)]
    pub shared_callback: bool,
    /// The service is built with `dangerously_allow_plain_http`.
    #[arg(long)]
    pub dangerously_allow_plain_http: bool,
    /// The service is built with `build_signed_not_encrypted`.
    #[arg(long)]
    pub signed_readable_by_anybody: bool,
    /// What holds a login.
    #[arg(long, value_enum, value_name = "BINDING", default_value_t)]
    pub binding: BoundBy,
    /// The longest tenant that a state carries, in bytes.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=64))]
    pub tenant_bytes: u16,
    /// The longest return path that a state carries.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1024))]
    pub return_to_chars: u16,
    /// The longest data that a state carries, as JSON.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16))]
    pub data_bytes: u16,
    /// The guard: Redis or Valkey.
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["postgres", "single_process"])]
    pub redis: Option<StoreAddress>,
    /// What its keys begin with, if the service says so.
    #[arg(long, value_name = "PREFIX", requires = "redis")]
    pub redis_prefix: Option<String>,
    /// The service accepts a store that evicts marks (`OnEvictingServer::DangerouslyWarn`): a warning, and no error.
    #[arg(long, requires = "redis")]
    pub dangerously_accept_eviction: bool,
    /// The guard: Postgres.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "single_process")]
    pub postgres: Option<StoreAddress>,
    /// The service's guard makes its table itself (`create_tables`).
    #[arg(long, requires = "postgres")]
    pub create_tables: bool,
    /// No other application or environment uses the store: its prefix, database or schema need not name the environment.
    #[arg(long, conflicts_with = "single_process")]
    pub own_store: bool,
    /// The certificates (PEM) that vouch for the store over TLS, instead of the operating system's.
    #[arg(long, value_name = "FILE", conflicts_with = "single_process")]
    pub root_certificates: Option<PathBuf>,
    /// The certificate (PEM) that the service shows to the store (`client_certificate`).
    #[arg(long, value_name = "FILE", requires = "client_key", conflicts_with = "single_process")]
    pub client_certificate: Option<PathBuf>,
    /// Its key (PEM).
    #[arg(long, value_name = "FILE", requires = "client_certificate")]
    pub client_key: Option<PathBuf>,
    /// The guard: `SingleProcessGuard`.
    #[arg(long)]
    pub single_process: bool,
    /// The age from which the active key is to be replaced.
    #[arg(long, value_name = "TIME", value_parser = text::parse_duration, default_value = "90d")]
    pub max_age: Duration,
    /// The least serial that the ring may have.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub minimum_serial: u64,
    /// Exit with 1 for warnings, too.
    #[arg(long, alias = "deny-warnings")]
    pub strict: bool,
}
