use super::{is_end_of, is_own, share_an_end_with};

/// Mix-up: with an id that equals a fixed segment, a shared address would count as the connection's own.
#[test]
fn an_id_is_in_its_own_address_once() {
    assert!(is_own("/auth/acme/callback", "acme") && is_own("/cb/acme", "acme"));
    for (path, id) in [("/auth/callback", "acme"), ("/auth/auth/callback", "auth"), ("/callback/callback", "callback")]
    {
        assert!(!is_own(path, id), "{path} {id}");
    }
}

/// Mix-up: the address of one connection must not pass for a shared one.
#[test]
fn a_shared_address_matches_whole_or_without_its_start() {
    assert!(is_end_of("/auth/callback", "/auth/callback") && is_end_of("/callback", "/auth/callback"));
    for arrived in ["/auth/acme/callback", "/acme/callback", "/auth/callback/", "/Callback", "/back", "/", ""] {
        assert!(!is_end_of(arrived, "/auth/callback"), "{arrived}");
    }
}

/// Mix-up: an id that matched anywhere in an address would let one connection's callback pass for another's.
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
