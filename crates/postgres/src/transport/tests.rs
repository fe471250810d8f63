use super::*;

fn unencrypted(address: &str) -> Option<String> {
    Transport::Unencrypted.unencrypted(&address.parse().unwrap())
}

/// A password that crosses a network in the clear must be told, whichever word names the host.
#[test]
fn an_unencrypted_network_is_told_from_this_machine() {
    for near in ["host=localhost", "host=127.0.0.1", "host=::1", "host=/run/postgresql", "host=db hostaddr=127.0.0.1"] {
        assert_eq!(unencrypted(near), None, "{near}");
    }
    for (far, host) in [
        ("host=db.internal", "db.internal"),
        ("host=localhost,db.internal", "db.internal"),
        ("hostaddr=10.0.0.1", "10.0.0.1"),
        ("host=localhost hostaddr=10.0.0.1", "10.0.0.1"),
    ] {
        assert_eq!(unencrypted(far).as_deref(), Some(host), "{far}");
    }
    let own: Own = Arc::new(|_| Box::pin(async { unreachable!() }));
    assert_eq!(Transport::Own(own).unencrypted(&"host=db.internal".parse().unwrap()), None);
}

/// TLS must not be left out because one of several hosts is a socket.
#[test]
fn only_an_address_of_sockets_alone_goes_without_tls() {
    for (address, alone) in [
        ("host=/run/postgresql", true),
        ("host=/run/a,/run/b", true),
        ("host=/run/postgresql,db", false),
        ("host=db", false),
        ("hostaddr=10.0.0.1", false),
        ("host=/run/postgresql hostaddr=10.0.0.1", false),
    ] {
        assert_eq!(is_over_sockets(&address.parse().unwrap()), alone, "{address}");
    }
}
