use super::*;

fn tls(address: &str) -> Tls {
    Address::read(address).unwrap().tls
}

#[test]
fn tls_words_are_read_in_both_forms_and_leave_the_rest_as_it_was() {
    let url =
        "postgres://u:p%40@db:5432/shop?sslmode=verify-full&options=-csearch_path%3Da&sslrootcert=/etc/my%20ca.pem";
    let Address { config, tls } = Address::read(url).unwrap();
    assert_eq!((config.get_dbname(), config.get_options()), (Some("shop"), Some("-csearch_path=a")));
    assert_eq!(config.get_password(), Some(&b"p@"[..]));
    assert_eq!((tls.mode, tls.root_certificates), (Mode::Verified, Some("/etc/my ca.pem".into())));

    let pairs = r"host=db  dbname='my \'shop\'' sslmode=verify-ca sslcert='/run/a b.pem' sslkey=/run/k.pem user=u";
    let Address { config, tls } = Address::read(pairs).unwrap();
    assert_eq!((config.get_dbname(), config.get_user()), (Some("my 'shop'"), Some("u")));
    let client = (tls.client_certificate, tls.client_key);
    assert_eq!(client, (Some("/run/a b.pem".into()), Some("/run/k.pem".into())));
}

#[test]
fn each_mode_of_libpq_is_known() {
    for (mode, known) in [
        ("disable", Mode::Off),
        ("allow", Mode::NotSaid),
        ("prefer", Mode::NotSaid),
        ("require", Mode::Verified),
        ("verify-ca", Mode::Verified),
        ("verify-full", Mode::Verified),
    ] {
        assert_eq!(tls(&format!("postgres://db/shop?sslmode={mode}")).mode, known, "{mode}");
        assert_eq!(tls(&format!("host=db sslmode={mode}")).mode, known, "{mode}");
    }
    assert_eq!(tls("postgres://db/shop").mode, Mode::NotSaid);
    assert_eq!(tls("postgres://db?sslmode=verify-full&sslrootcert=system").root_certificates, None);
}

/// Certificates that are silently not used would be taken for a verified server.
#[test]
fn an_address_that_cannot_work_is_refused() {
    for address in [
        "",
        "db",
        "http://db",
        "postgres://",
        "postgres://db?sslmode=verify",
        "postgres://db?sslmode=",
        "postgres://db?sslrootcert=/ca.pem",
        "postgres://db?sslrootcert=system",
        "postgres://db?sslmode=prefer&sslrootcert=system",
        "postgres://db?sslmode=disable&sslcert=a&sslkey=b",
        "postgres://db?sslmode=require&sslcert=/a.pem",
        "postgres://db?sslmode=require&sslkey=/a.pem",
        "postgres://db?nonsense=1",
        "host=db sslmode='verify-full",
        "dbname=shop",
    ] {
        let error = Address::read(address).unwrap_err();
        assert_eq!(error.kind(), oauth_state::guard::GuardErrorKind::Misconfigured, "{address}");
    }
}

#[test]
fn no_error_repeats_a_password() {
    for address in ["postgres://u:hunter2@db?sslmode=x", "host=db password=hunter2 sslmode=x", "hunter2", "a='hunter2"]
    {
        let error = Address::read(address).unwrap_err();
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        assert!(!format!("{error} {error:?} {cause}").contains("hunter2"), "{address}");
    }
}
