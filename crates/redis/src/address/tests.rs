use super::*;
use oauth_state::guard::GuardErrorKind;

fn shape(url: &str) -> &'static str {
    match target(url, &Options::default()) {
        Ok(Target::Server(server)) if matches!(server.addr(), ConnectionAddr::Unix(_)) => "socket",
        Ok(Target::Server(_)) => "single",
        Ok(Target::Sentinels(_)) => "sentinel",
        Ok(Target::Cluster(_)) => "cluster",
        Err(error) => {
            assert_eq!(error.kind(), GuardErrorKind::Misconfigured);
            "refused"
        }
    }
}

#[test]
fn every_shape_of_address_is_known() {
    for url in
        ["redis://localhost", "redis://user:pass@10.0.0.1:6380/3", "valkey://[::1]:6379", "redis://:p@h?protocol=resp3"]
    {
        assert_eq!(shape(url), "single", "{url}");
    }
    for url in [
        "redis+sentinel://a:26379,b:26379,c:26379/mymaster",
        "redis+sentinel://user:pass@a/mymaster",
        "redis+sentinel://[::1],[::2]:5/m",
    ] {
        assert_eq!(shape(url), "sentinel", "{url}");
    }
    for url in ["unix:///run/redis.sock", "redis+unix:///run/redis.sock?db=2&user=u&pass=p"] {
        assert_eq!(shape(url), "socket", "{url}");
    }
    for url in ["redis+cluster://a:1,b:2", "redis+cluster://user:pass@a:1,b:2/"] {
        assert_eq!(shape(url), "cluster", "{url}");
    }
}

#[test]
fn an_address_that_cannot_work_is_refused() {
    for url in [
        "",
        "localhost",
        "localhost:6379",
        "http://a",
        "redis://",
        "redis://a,b",
        "redis+cluster://a,,b",
        "redis+cluster://a/1",
        "redis+sentinel://a",
        "redis+sentinel://a/",
        "redis+sentinel://a/b/c",
        "redis://a:b:c",
        "redis://h/one",
        "redis://a#insecure",
    ] {
        assert_eq!(shape(url), "refused", "{url}");
    }
}

/// A password in an address must not appear in an error that is logged.
#[test]
fn no_error_repeats_the_address() {
    for url in [
        "redis://user:hunter2@h/one",
        "redis://user:hunter2@h:port",
        "http://user:hunter2@h",
        "redis+sentinel://u:hunter2@h",
        "redis://u:hunter2/x@h",
    ] {
        let Err(error) = target(url, &Options::default()) else { continue };
        let mut said = format!("{error} {error:?}");
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            said.push_str(&format!("{error} {error:?}"));
            cause = error.source();
        }
        assert!(!said.contains("hunter2"), "{url}: {said}");
    }
}

/// Certificates that are silently not used would be taken for a verified server.
#[test]
fn certificates_that_cannot_be_used_are_refused() {
    let pem = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n".to_vec();
    let roots = |pem: &[u8]| Options { root_certificates: Some(pem.to_vec()), ..Options::default() };
    for url in ["redis://h", "unix:///run/redis.sock", "redis+cluster://a,b"] {
        assert!(target(url, &roots(&pem)).is_err(), "{url}");
    }
    for text in ["", "no certificate"] {
        assert!(target("rediss://h", &roots(text.as_bytes())).is_err(), "{text:?}");
    }
    let without_key = Options { client_certificate: Some((pem, Vec::new())), ..Options::default() };
    assert!(target("rediss://h", &without_key).is_err());
}

#[test]
fn a_network_without_tls_is_told() {
    for (url, host) in [
        ("redis://10.0.0.1:6379", Some("10.0.0.1")),
        ("redis://cache.internal", Some("cache.internal")),
        ("redis://localhost", None),
        ("redis://[::1]:6379", None),
        ("unix:///run/redis.sock", None),
    ] {
        let Ok(Target::Server(server)) = target(url, &Options::default()) else { panic!("{url}") };
        assert_eq!(unencrypted(&server), host, "{url}");
    }
}

#[cfg(feature = "tls")]
#[test]
fn an_address_with_tls_needs_no_provider_of_the_caller_s() {
    assert_eq!(shape("rediss://localhost:6380"), "single");
    assert_eq!(shape("rediss+sentinel://a,b/mymaster"), "sentinel");
    assert_eq!(shape("rediss+cluster://a,b"), "cluster");
}

#[test]
fn a_host_without_a_port_gets_the_usual_one() {
    for (host, with) in [("a", "a:7"), ("a:1", "a:1"), ("[::1]", "[::1]:7"), ("[::1]:1", "[::1]:1")] {
        assert_eq!(with_port(host, 7), with);
    }
}
