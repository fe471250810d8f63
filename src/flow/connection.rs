//! Connections: providers that the application loads at run time instead of configuring them in the flow.
//!
//! A state names a connection by its id and a tag of its issuer, client id, authorization endpoint and redirect_uri. The checks that
//! `build` runs on a provider run at each login start instead. The callback shows its connection by its address or by `iss`: an id that is
//! known from the state alone proves nothing (mix-up, RFC 9700 section 4.4).

use super::builder::{check_addresses, check_hosts, check_provider};
use super::{BeginError, FlowInner, Login};
use crate::binding::{Connection, connection_tag};
use crate::claims::codec::{CONNECTION_TAG_BYTES, Claims};
use crate::claims::{CheckedPath, Tenant};
use crate::expect::Expect;
use crate::observe::CONNECTION;
use crate::open::Authentic;
use crate::provider::{Provider, Registered};
use crate::refusal::{FinishError, FinishErrorKind};
use crate::ring::key::derive::HmacKey;
use crate::secret::equal_in_constant_time;
use crate::token::aead::NONCE_BYTES;

impl FlowInner {
    /// The provider of a login that is about to start.
    pub(super) fn provider_of<'a, T>(&'a self, login: &'a Login<T>) -> Result<&'a Provider, BeginError> {
        let Some(loaded) = &login.connection else {
            return self.provider(&login.provider).ok_or(BeginError::UnknownProvider);
        };
        if self.provider(loaded.id()).is_some() {
            return Err(BeginError::ConnectionShadowsProvider);
        }
        check_provider(loaded, &self.cookies)
            .and_then(|()| check_addresses(loaded, self.transport))
            .and_then(|()| check_hosts(loaded, &self.hosts))
            .map_err(BeginError::Connection)?;
        Ok(loaded)
    }

    /// The proof of the connection in the callback: an address of its own, or else an `iss`.
    pub(super) fn check_addressed<T>(login: &Login<T>) -> Result<(), BeginError> {
        let Some(loaded) = &login.connection else { return Ok(()) };
        let path = loaded.redirect_uri_of(login.redirect.as_deref()).and_then(Registered::path);
        let is_told_apart = if loaded.is_at_shared_callback() {
            must_send_iss(loaded) && path.is_some()
        } else {
            path.is_some_and(|path| is_own(path, loaded.id()))
        };
        if is_told_apart { Ok(()) } else { Err(BeginError::ConnectionUnaddressed) }
    }

    /// The provider of an authentic state: configured here, or loaded for this callback.
    pub(super) fn provider_at<'a>(
        &'a self,
        authentic: &Authentic<'_>,
        expect: &Expect<'a>,
    ) -> Result<&'a Provider, FinishError> {
        let Authentic { keys, nonce, claims, .. } = authentic;
        let wrong = |diagnosis| Err(FinishError::because(FinishErrorKind::WrongProvider, diagnosis));
        match (expect.connection, &claims.connection_tag) {
            (None, None) => match self.provider(claims.provider) {
                Some(configured) => Ok(configured),
                None => wrong("the state names a provider that this flow does not have"),
            },
            (None, Some(_)) => wrong(
                "the login started with a provider that was loaded at run time: load it again, and finish with Expect::connection",
            ),
            (Some(_), None) => {
                wrong("the login started with a provider that a flow was built with, and not with a loaded one")
            }
            (Some(loaded), Some(tag)) => {
                let redirect = Some(claims.redirect).filter(|id| !id.is_empty());
                if !equal_in_constant_time(&tag_of(&keys.flow, nonce, loaded, redirect), tag) {
                    return Err(FinishErrorKind::ConnectionChanged.into());
                }
                if loaded.tenant().is_some_and(|tenant| tenant.as_bytes() != claims.tenant) {
                    return Err(FinishErrorKind::WrongTenant.into());
                }
                Ok(loaded)
            }
        }
    }

    /// Whether a callback arrived at the address of this connection. At a shared address, `iss` must also identify the connection; but
    /// `iss` does not replace the address: a hostile customer can name the issuer of another customer, and send users to that address with
    /// a state of their own.
    pub(super) fn check_arrival(
        loaded: &Provider,
        redirect: Option<&str>,
        arrived_at: Option<&str>,
    ) -> Result<(), FinishError> {
        let registered = loaded.redirect_uri_of(redirect).and_then(Registered::path);
        let is_here = match (registered, arrived_at) {
            (Some(shared), Some(at)) if loaded.is_at_shared_callback() => {
                must_send_iss(loaded) && is_end_of(at, shared)
            }
            (Some(own), Some(at)) => is_own(own, loaded.id()) && share_an_end_with(at, own, loaded.id()),
            _ => false,
        };
        if is_here { Ok(()) } else { Err(FinishError::because(FinishErrorKind::WrongProvider, OTHER_ADDRESS)) }
    }

    /// Whether a return path is a callback address, of a configured provider or of this one: such a login would never end.
    pub(super) fn returns_to_callback_of(&self, path: CheckedPath<'_>, loaded: Option<&Provider>) -> bool {
        self.providers
            .iter()
            .chain(loaded)
            .flat_map(Provider::redirect_uris)
            .any(|at| at.path().is_some_and(|at| path.leads_to(at)))
    }

    /// The name of an authentic state's provider in events; `None` if it is not a provider of this flow.
    pub(super) fn label_of(&self, claims: &Claims<'_>) -> Option<&str> {
        if claims.connection_tag.is_some() {
            Some(CONNECTION)
        } else {
            self.provider(claims.provider).map(Provider::id)
        }
    }

    /// The name in events for the provider of a login that passed every check.
    pub(super) fn label(&self, id: &str) -> &str {
        self.provider(id).map_or(CONNECTION, Provider::id)
    }
}

const OTHER_ADDRESS: &str = "the callback did not arrive at the redirect_uri of the loaded provider, or its path is not known: make it with \
    Callback::from_parts or Callback::arrived_at, with the path of the request";

/// Whether a callback address belongs to the connection of this id alone: exactly one of its segments is the id. With an id that equals a
/// fixed segment, such as `callback`, the end of the address could belong to another connection.
fn is_own(path: &str, id: &str) -> bool {
    path.split('/').filter(|segment| *segment == id).count() == 1
}

fn must_send_iss(provider: &Provider) -> bool {
    provider.issuer_rule().is_some_and(|(_, must_come)| must_come)
}

pub(super) fn tag_of(
    flow: &HmacKey,
    nonce: &[u8; NONCE_BYTES],
    loaded: &Provider,
    redirect: Option<&str>,
) -> [u8; CONNECTION_TAG_BYTES] {
    let connection = Connection {
        issuer: loaded.issuer_rule().map_or("", |(issuer, _)| issuer),
        client_id: loaded.client_id_or_none().unwrap_or_default(),
        authorization_endpoint: loaded.endpoint().unwrap_or_default(),
        redirect_uri: loaded.redirect_uri_of(redirect).map_or("", |at| &at.text),
    };
    connection_tag(flow, nonce, connection)
}

/// The tenant of a login at this provider: the connection's own, if it has one.
pub(super) fn tenant_of<'a, T>(login: &'a Login<T>, provider: &'a Provider) -> Result<Option<&'a Tenant>, BeginError> {
    match (provider.tenant(), &login.tenant) {
        (Some(own), Some(named)) if own != named => Err(BeginError::OtherTenant),
        (Some(own), _) => Ok(Some(own)),
        (None, named) => Ok(named.as_ref()),
    }
}

/// Whether two paths agree segment by segment from their ends, over the length of the shorter one (a proxy may have removed the start of
/// the other), and share the segment `id`.
fn share_an_end_with(one: &str, other: &str, id: &str) -> bool {
    let ends = || one.trim_start_matches('/').rsplit('/').zip(other.trim_start_matches('/').rsplit('/'));
    ends().all(|(left, right)| left == right) && ends().any(|(segment, _)| segment == id)
}

/// Whether `one` is `other` or its end, segment by segment: a proxy may have removed the start.
fn is_end_of(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim_start_matches('/'), other.trim_start_matches('/'));
    other.strip_suffix(one).is_some_and(|front| !one.is_empty() && (front.is_empty() || front.ends_with('/')))
}

#[cfg(test)]
mod tests;
