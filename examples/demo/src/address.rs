//! Addresses with a query, as browsers write them.

use http::Uri;

use crate::Failure;

/// The parameters of an address, decoded.
pub fn parameters(address: &Uri) -> Result<Vec<(String, String)>, Failure> {
    Ok(serde_urlencoded::from_str(address.query().unwrap_or_default())?)
}

/// The address with these parameters in place of its own.
pub fn with_parameters(address: &str, parameters: &[(String, String)]) -> Result<Uri, Failure> {
    let bare = address.split(['?', '#']).next().unwrap_or_default();
    Ok(format!("{bare}?{}", serde_urlencoded::to_string(parameters)?).parse()?)
}

/// A pair of a query or form.
pub fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
