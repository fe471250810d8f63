//! Secret managers for the tests of the sources: real servers if available, otherwise stubs.
//!
//! Each listens on a free loopback port, and ends when it is dropped.

pub mod azure_stub;
pub mod gcp_stub;
pub mod moto;
pub mod openbao;
mod process;
mod stub;
