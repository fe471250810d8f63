//! The source of the address of the guard's store.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use super::check::Check;

/// The location of a store's address.
#[derive(Clone)]
pub enum StoreAddress {
    Variable(String),
    File(PathBuf),
    /// The address itself; one with a password has already been refused.
    Literal(String),
}

impl FromStr for StoreAddress {
    type Err = Infallible;

    fn from_str(given: &str) -> Result<Self, Infallible> {
        Ok(match given.split_once(':') {
            Some(("env", name)) => Self::Variable(name.to_owned()),
            Some(("file", path)) => Self::File(path.into()),
            _ => Self::Literal(given.to_owned()),
        })
    }
}

impl StoreAddress {
    pub fn read(&self) -> Result<String, Check> {
        let (place, address) = match self {
            Self::Literal(address) => return Ok(address.clone()),
            // The content of a variable or file is not quoted, because it may be a password.
            Self::Variable(name) => (
                format!("the environment variable {name}"),
                std::env::var(name).map_err(|_| "is not set, or is not text".to_owned()),
            ),
            Self::File(path) => (
                format!("the file {}", path.display()),
                std::fs::read_to_string(path).map_err(|error| format!("cannot be read ({error})")),
            ),
        };
        let problem = match address.map(|text| text.trim().to_owned()) {
            Ok(address) if !address.is_empty() => return Ok(address),
            Ok(_) => "is empty".to_owned(),
            Err(problem) => problem,
        };
        let found = format!("{place}, where the guard's address should be, {problem}");
        Err(Check::error("guard", found, "put the address there that the service has"))
    }
}
