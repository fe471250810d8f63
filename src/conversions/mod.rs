//! Conversions to and from the types of crates that are used together with this one.

#[cfg(feature = "oauth2")]
pub(crate) mod oauth2;
#[cfg(feature = "openidconnect")]
mod openidconnect;
