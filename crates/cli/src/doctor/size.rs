//! The size of a state, compared with the provider's limit: a real state, sealed under a throw-away key.

use super::check::Check;
use clap::ValueEnum;
use oauth_state::inspect::PublicData;
use oauth_state::{AuthorizationRequest, BeginError, Binding, Flow, Login, Provider, Purpose, ReturnTo, Tenant};
use serde_json::Value;

use super::provider::ProviderSpec;

/// What holds a login of this service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum BoundBy {
    /// A cookie of this crate
    #[default]
    Cookie,
    /// The service's own session
    Session,
    /// A secret that a client without cookies keeps
    LoginSecret,
}

/// Stands for the caller's data, which may be public or not.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct AnyData(pub Value);
impl PublicData for AnyData {}

/// The content of the service's largest state.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sizes {
    /// Bytes of a tenant, 0 to 64.
    pub tenant: usize,
    /// Characters of a return path; 0 for none.
    pub return_to: usize,
    /// Bytes of the caller's data as JSON.
    pub data: usize,
}

impl Sizes {
    /// Starts a login of that size, at the only provider of a flow.
    pub(super) fn begin(
        self,
        flow: &Flow<AnyData>,
        spec: &ProviderSpec,
        purposes: &[Purpose],
        bound_by: BoundBy,
    ) -> Result<AuthorizationRequest, BeginError> {
        let names_user = |purpose: &Purpose| matches!(purpose, Purpose::Link | Purpose::Reauthenticate);
        let purpose = purposes.iter().copied().find(names_user).or(purposes.first().copied()).unwrap_or(Purpose::Login);
        let mut login = Login::with(&spec.id).purpose(purpose).data(AnyData(self.value()));
        if let Ok(tenant) = Tenant::from_bytes(&vec![b't'; self.tenant]) {
            login = login.tenant(tenant);
        }
        if let Ok(path) = format!("/{}", "r".repeat(self.return_to.saturating_sub(1))).parse::<ReturnTo>()
            && self.return_to > 0
        {
            login = login.return_to(path);
        }
        let redirects = spec.redirect_uris.iter().filter_map(|(id, _)| id.as_deref());
        if let Some(longest) = redirects.max_by_key(|id| id.len()) {
            login = login.redirect(longest);
        }
        let binding = || match bound_by {
            BoundBy::Cookie => Binding::cookie_headers([]),
            BoundBy::Session => Binding::session(&[0; 32]).unwrap_or_else(|_| Binding::cookie_headers([])),
            BoundBy::LoginSecret => Binding::new_login_secret(),
        };
        let bound =
            if names_user(&purpose) { binding().for_user(b"user").unwrap_or_else(|_| binding()) } else { binding() };
        flow.begin(bound.dangerously_assume_same_origin(), login)
    }

    /// Data of exactly this many bytes of JSON.
    fn value(self) -> Value {
        match self.data {
            0 => Value::Null,
            1 => Value::from(7),
            bytes => Value::from("d".repeat(bytes.saturating_sub(2))),
        }
    }

    pub(super) fn judge(self, provider: &Provider, characters: usize) -> Check {
        let (id, limit) = (provider.id(), provider.max_state_chars());
        let Self { tenant, return_to, data } = self;
        let with = format!("with a tenant of {tenant} bytes, a return path of {return_to} and data of {data}");
        let found = format!("a state for {id} has {characters} characters of at most {limit}, {with}");
        // Three bytes are four characters.
        let more = limit.saturating_sub(characters).saturating_mul(3) / 4;
        if characters > limit {
            let bytes = characters.saturating_sub(limit).saturating_mul(3).div_ceil(4);
            let to_do = format!("carry {bytes} bytes less, or keep the data in a store (oauth-state-store)");
            Check::error("state_size", found, to_do)
        } else {
            Check::ok("state_size", format!("{found}; {more} bytes more fit"))
        }
    }
}

#[cfg(test)]
mod tests;
