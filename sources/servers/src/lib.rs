//! Secret managers for the tests of the sources: real servers where there are any, stubs where there are none.
//!
//! Each listens on a free port of loopback, and ends when it is dropped.

pub mod azure_stub;
pub mod gcp_stub;
pub mod moto;
pub mod openbao;
mod process;
mod stub;
