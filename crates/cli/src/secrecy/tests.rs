use super::*;

#[test]
fn an_address_with_a_password_is_refused_and_not_repeated() {
    for secret in [
        "redis://:s3cret@10.0.0.1:6379",
        "--redis=rediss://user:s3cret@cache.example",
        "redis://user:s3/cr#et?@cache.example",
        "postgres://user:s3cret@10.0.0.1,10.0.0.2/shop",
        "postgres://10.0.0.1/shop?user=shop&password=s3cret",
        "host=10.0.0.1 user=shop PASSWORD=s3cret",
        "host=10.0.0.1 user=shop password = s3cret",
    ] {
        let failure = refuse_secrets(&["oauth-state".into(), secret.into()]).unwrap_err();
        assert_eq!(failure.code, "password_as_argument", "{secret}");
        assert!(!format!("{failure:?}").contains("s3"), "{failure:?}");
    }
    for well in ["redis://user@10.0.0.1:6379/0", "https://shop.example:8443", "env:REDIS_URL", "file:/run/a@b:c"] {
        assert!(refuse_secrets(&["oauth-state".into(), well.into()]).is_ok(), "{well}");
    }
}

#[test]
fn an_error_about_a_secret_argument_does_not_repeat_it() {
    let states = ["ost1", "oss1", "osm1", "osr1", "osp1", "osx1"].map(|form| format!("{form}abc{}", "A".repeat(60)));
    let as_options = states.clone().map(|state| format!("--at={state}"));
    let others = ["osk1.abc", "--out=osk1.abc", "https://shop.example/cb?state=abc"].map(str::to_owned);
    for secret in states.into_iter().chain(as_options).chain(others) {
        let failure = refuse_secrets(&["oauth-state".into(), secret.into()]).unwrap_err();
        assert!(!format!("{failure:?}").contains("abc"), "{failure:?}");
    }
    assert!(refuse_secrets(&["oauth-state".into(), "/srv/host1/ost1/ring.json".into()]).is_ok());
}
