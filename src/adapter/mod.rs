//! Bridges to the crates that people use beside this one. Their types appear here and nowhere else.

#[cfg(feature = "actix")]
pub mod actix;
#[cfg(feature = "axum")]
pub mod axum;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "oauth2")]
mod oauth2;
#[cfg(feature = "openidconnect")]
mod openidconnect;
#[cfg(feature = "http")]
mod pages;
