//! What an attacker, or bad luck, would do with a login. Each gives the page that answers.

use std::time::Duration;

use http::Uri;

use crate::Failure;
use crate::address::{parameters, with_parameters};
use crate::visitor::{Page, Visitor};

/// Opens somebody else's callback address in a browser that has a login of its own (login CSRF).
pub async fn open_in_another_browser(public: &str, address: &str) -> Result<Page, Failure> {
    let address = own_callback(public, address)?;
    let mut other = Visitor::default();
    // It has been here before, so that it does have a cookie: its own.
    other.begin(public).await?;
    other.open(&address).await
}

/// Opens somebody else's callback address in a browser that has never been here.
pub async fn open_in_a_fresh_browser(address: &Uri) -> Result<Page, Failure> {
    Visitor::default().open(address).await
}

/// Changes one character of the state.
pub fn with_one_character_changed(address: &Uri) -> Result<Uri, Failure> {
    let mut pairs = parameters(address)?;
    for (_, value) in pairs.iter_mut().filter(|(name, _)| name == "state") {
        *value = change_a_character(value);
    }
    let changed = with_parameters(&address.to_string(), &pairs)?;
    if changed == *address { Err("the address has no state".into()) } else { Ok(changed) }
}

fn change_a_character(state: &str) -> String {
    // In the middle: inside what is encrypted.
    let middle = state.len() / 2;
    let change = |(position, old): (usize, char)| match (position == middle, old) {
        (true, 'A') => 'B',
        (true, _) => 'A',
        (false, old) => old,
    };
    state.chars().enumerate().map(change).collect()
}

/// Begins a login, waits past its expiry on the provider's page, and comes back.
pub async fn answer_too_late(public: &str, lifetime: Duration) -> Result<Page, Failure> {
    let mut slow = Visitor::default();
    let (provider, query) = slow.begin(public).await?;
    // Lifetime, the skew of one second, and the rest of the second that it began in.
    tokio::time::sleep(lifetime.saturating_add(Duration::from_millis(2_100))).await;
    let address = slow.decide(&provider, &query, "ann").await?;
    slow.open(&address).await
}

/// Only an address of this demonstration is opened.
fn own_callback(public: &str, address: &str) -> Result<Uri, Failure> {
    let (address, public): (Uri, Uri) = (address.parse()?, public.parse()?);
    let is_same_origin = (address.scheme(), address.authority()) == (public.scheme(), public.authority());
    if is_same_origin && address.path() == "/callback" {
        Ok(address)
    } else {
        Err("that is not a callback address of this service".into())
    }
}
