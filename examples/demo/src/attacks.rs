//! The attacks that the demonstration knows. Each returns the page that the service answers with.

use std::time::Duration;

use http::Uri;

use crate::Failure;
use crate::address::{parameters, with_parameters};
use crate::visitor::{Page, Visitor};

/// Opens another user's callback address in a browser that has a login of its own (login CSRF).
pub async fn open_in_another_browser(public: &str, address: &str) -> Result<Page, Failure> {
    let address = own_callback(public, address)?;
    let mut other = Visitor::default();
    // It has started a login before, so that it has a cookie of its own.
    other.begin(public).await?;
    other.open(&address).await
}

/// Opens another user's callback address in a browser that was never here.
pub async fn open_in_a_fresh_browser(public: &str, address: &str) -> Result<Page, Failure> {
    Visitor::default().open(&own_callback(public, address)?).await
}

/// Changes one character of the state.
pub fn with_one_character_changed(address: &Uri) -> Result<Uri, Failure> {
    with_changed(address, "state", change_a_character)
}

/// Names another provider as the one that answers (mix-up).
pub fn with_another_issuer(address: &Uri) -> Result<Uri, Failure> {
    with_changed(address, "iss", |_| "https://evil.example".to_owned())
}

fn with_changed(address: &Uri, parameter: &str, change: impl Fn(&str) -> String) -> Result<Uri, Failure> {
    let mut pairs = parameters(address)?;
    for (_, value) in pairs.iter_mut().filter(|(name, _)| name == parameter) {
        *value = change(value);
    }
    let changed = with_parameters(&address.to_string(), &pairs)?;
    if changed == *address { Err(format!("the address has no {parameter}").into()) } else { Ok(changed) }
}

fn change_a_character(state: &str) -> String {
    // In the middle, which is encrypted.
    let middle = state.len() / 2;
    let change = |(position, old): (usize, char)| match (position == middle, old) {
        (true, 'A') => 'B',
        (true, _) => 'A',
        (false, old) => old,
    };
    state.chars().enumerate().map(change).collect()
}

/// Starts a login, waits past its expiry on the provider's page, and comes back.
pub async fn answer_too_late(public: &str, lifetime: Duration) -> Result<Page, Failure> {
    let mut slow = Visitor::default();
    let (provider, query) = slow.begin(public).await?;
    // Lifetime, the skew of one second, and the rest of the second that it started in.
    tokio::time::sleep(lifetime.saturating_add(Duration::from_millis(2_100))).await;
    let address = slow.decide(&provider, &query, "ann").await?;
    slow.open(&address).await
}

/// Tries each attack on logins of its own.
pub async fn every(public: &str, lifetime: Duration) -> Result<(), Failure> {
    let mut ann = Visitor::default();
    let used = ann.callback_address(public, "ann").await?;
    // The first opening signs in. The front gives the other two to different servers.
    for _ in 0..3 {
        ann.open(&used).await?;
    }
    let mut bob = Visitor::default();
    let link = bob.callback_address(public, "bob").await?;
    let mut refused = vec![
        open_in_another_browser(public, &link.to_string()).await?,
        open_in_a_fresh_browser(public, &link.to_string()).await?,
        bob.open(&with_one_character_changed(&link)?).await?,
        bob.open(&with_another_issuer(&link)?).await?,
    ];
    refused.push(answer_too_late(public, lifetime).await?);
    match refused.iter().find(|page| page.outcome.is_empty() || page.outcome == "signed_in") {
        Some(page) => Err(format!("an attack ended with {:?}", page.outcome).into()),
        None => Ok(()),
    }
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
