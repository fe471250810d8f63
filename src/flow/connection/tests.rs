use super::share_an_end_with;

/// Mix-up: an id that is found anywhere in an address would let one connection's callback pass for another's.
#[test]
fn an_address_agrees_from_its_end_and_holds_the_id() {
    for (arrived, own) in [
        ("/auth/acme/callback", "/auth/acme/callback"),
        ("/acme/callback", "/auth/acme/callback"),
        ("/shop/auth/acme/callback", "/auth/acme/callback"),
        ("/cb/acme", "/cb/acme"),
    ] {
        assert!(share_an_end_with(arrived, own, "acme"), "{arrived} {own}");
    }
    for (arrived, own) in [
        ("/auth/bolt/callback", "/auth/acme/callback"),
        ("/callback", "/auth/acme/callback"),
        ("/acme/other/callback", "/acme/auth/callback"),
        ("/auth/acme/callback/", "/auth/acme/callback"),
        ("/auth/ACME/callback", "/auth/acme/callback"),
        ("/auth/acme2/callback", "/auth/acme/callback"),
        ("", "/auth/acme/callback"),
    ] {
        assert!(!share_an_end_with(arrived, own, "acme"), "{arrived} {own}");
    }
}
