use super::region;

/// A region becomes part of the host name to which tokens are sent.
#[test]
fn a_region_is_no_other_host() {
    assert_eq!(region("projects/shop/locations/europe-west3/secrets/s"), Some("europe-west3"));
    assert_eq!(region("projects/shop/secrets/s"), None);
    assert_eq!(region("projects/shop/locations/evil.example#/secrets/s"), None);
}
