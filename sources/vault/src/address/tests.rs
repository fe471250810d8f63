use super::*;

#[test]
fn an_address_with_a_password_or_without_a_scheme_is_none() {
    for wrong in [
        "",
        "vault.internal",
        "vault.internal:8200",
        "ftp://vault",
        "https://",
        "https://me:pw@vault",
        "https://vault?a=b",
    ] {
        assert!(Address::parse(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn only_this_machine_may_be_reached_without_encryption() {
    for (text, encrypted, loopback) in [
        ("https://vault.internal:8200/", true, false),
        ("http://127.0.0.1:8200", false, true),
        ("http://[::1]:8200", false, true),
        ("http://localhost:8200", false, true),
        ("http://localhost.attacker.example", false, false),
        ("http://127.0.0.1.attacker.example", false, false),
        ("http://10.0.0.1", false, false),
    ] {
        let address = Address::parse(text).unwrap();
        assert_eq!((address.encrypted, address.loopback), (encrypted, loopback), "{text}");
    }
}

#[test]
fn a_path_leads_nowhere_else() {
    for wrong in ["", "/", "a//b", "a/../b", "..", "a/.", "a\nb"] {
        assert!(segments(wrong).is_none(), "{wrong}");
    }
    assert_eq!(escaped(&segments("/shop/a b?c#d%2e/").unwrap()), "shop/a%20b%3Fc%23d%252e");
}
