use super::*;
use crate::ring::key::KeyRole;
use std::time::{Duration, SystemTime};

const PUBLISHED: &str = "2026-11-23T12:00:00Z";
const IN_FIVE_MINUTES: &str = "2026-11-23T12:05:00Z";

fn key() -> String {
    RootKey::generate().unwrap().to_secret_text().expose().to_owned()
}

fn entry(key: &str, published_at: &str, seal_from: &str) -> String {
    format!(r#"{{"key":"{key}","published_at":"{published_at}","seal_from":"{seal_from}"}}"#)
}

fn document(entries: &[String], rest: &str) -> String {
    let keys = entries.join(",");
    format!(r#"{{"version":1,"serial":7,"propagation":300,"skew":60,"lifetime_cap":600,"keys":[{keys}]{rest}}}"#)
}

#[test]
fn a_document_and_a_bare_key_are_read() {
    let key = key();
    let bare = format!("  {key}\n").parse::<KeyRing>().unwrap();
    assert_eq!((bare.serial(), bare.skew().as_secs(), bare.lifetime_cap().as_secs()), (0, 60, 3600));
    assert_eq!(bare.roles(SystemTime::UNIX_EPOCH).next().unwrap().1, KeyRole::Active);

    let ring = document(&[entry(&key, PUBLISHED, IN_FIVE_MINUTES)], "").parse::<KeyRing>().unwrap();
    let seal_from = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_435_500);
    assert_eq!((ring.serial(), ring.lifetime_cap().as_secs()), (7, 600));
    assert_eq!(ring.roles(seal_from - Duration::from_secs(1)).next().unwrap().1, KeyRole::Pending);
    assert_eq!(ring.roles(seal_from).next().unwrap().1, KeyRole::Active);
}

#[test]
fn a_revoked_key_may_stay_in_the_list_and_does_nothing() {
    let key = key();
    let id = key.parse::<RootKey>().unwrap().id();
    let ring = document(&[entry(&key, PUBLISHED, IN_FIVE_MINUTES)], &format!(r#","revoked":["{id}"]"#))
        .parse::<KeyRing>()
        .unwrap();
    assert_eq!(ring.roles(SystemTime::now()).next().unwrap().1, KeyRole::Revoked);
}

#[test]
fn a_key_that_would_seal_before_every_server_has_it_is_refused() {
    let (old, new) = (key(), key());
    let old_id = old.parse::<RootKey>().unwrap().id();
    let first = entry(&old, PUBLISHED, PUBLISHED);
    let early = entry(&new, "2026-11-24T12:00:00Z", "2026-11-24T12:04:59Z");
    let refused = document(&[first.clone(), early.clone()], "").parse::<KeyRing>().unwrap_err();
    assert!(matches!(refused, RingError::TooEarly { given: 299, propagation: 300, .. }), "{refused}");

    let in_time = entry(&new, "2026-11-24T12:00:00Z", "2026-11-24T12:05:00Z");
    assert!(document(&[in_time, first.clone()], "").parse::<KeyRing>().is_ok());

    let revoked = format!(r#","revoked":["{old_id}"]"#);
    let emergency = early.replace('}', r#","emergency":true}"#);
    for (entries, rest, accepted) in [
        ([&first, &emergency], revoked.as_str(), true),
        ([&first, &early], revoked.as_str(), false),
        ([&first, &emergency], "", false),
    ] {
        let parsed = document(&entries.map(Clone::clone), rest).parse::<KeyRing>();
        assert_eq!(parsed.is_ok(), accepted);
    }
}

#[test]
fn invalid_documents_are_refused_with_the_reason() {
    let (one, other) = (key(), key());
    let good = entry(&one, PUBLISHED, PUBLISHED);
    let parse = |text: String| text.parse::<KeyRing>().unwrap_err();

    assert!(matches!(parse("password".into()), RingError::NeitherKeyNorDocument));
    assert!(matches!(parse("x".repeat(70_000)), RingError::TooLarge));
    assert!(matches!(parse(document(&[], "")), RingError::KeyCount));
    let many: Vec<_> = (0..17).map(|i| entry(&key(), PUBLISHED, &format!("20{:02}-01-01T00:00:00Z", 30 + i))).collect();
    assert!(matches!(parse(document(&many, "")), RingError::KeyCount));
    assert!(matches!(parse(document(&[good.clone(), good.clone()], "")), RingError::KeyTwice(_)));
    let same = entry(&other, "2026-11-01T12:00:00Z", PUBLISHED);
    assert!(matches!(parse(document(&[good.clone(), same], "")), RingError::SealFromTwice(..)));
    assert!(matches!(parse(document(&[good.replace("osk1", "osk2")], "")), RingError::Key { number: 1, .. }));
    for time in
        ["", "1795435200", "2026-11-23", "2026-11-23T12:00:00+01:00", "1969-12-31T23:59:59Z", "2026-13-01T00:00:00Z"]
    {
        let refused = parse(document(&[entry(&one, PUBLISHED, time)], ""));
        assert!(matches!(refused, RingError::Time { number: 1, field: "seal_from" }), "{time}");
    }
    assert!(matches!(parse(document(std::slice::from_ref(&good), r#","revoked":["xyz"]"#)), RingError::RevokedId(1)));
    let with = |from: &str, to: &str| parse(document(std::slice::from_ref(&good), "").replace(from, to));
    assert!(matches!(with(r#""version":1"#, r#""version":2"#), RingError::Version(2)));
    for (from, to, expected) in [
        (r#""serial":7"#, r#""serial":9007199254740992"#, "serial"),
        (r#""propagation":300"#, r#""propagation":604801"#, "propagation"),
        (r#""skew":60"#, r#""skew":901"#, "skew"),
        (r#""skew":60"#, r#""skew":4294967356"#, "skew"),
        (r#""lifetime_cap":600"#, r#""lifetime_cap":0"#, "lifetime_cap"),
        (r#""lifetime_cap":600"#, r#""lifetime_cap":3601"#, "lifetime_cap"),
        (r#""lifetime_cap":600"#, r#""lifetime_cap":66136"#, "lifetime_cap"),
    ] {
        assert!(matches!(with(from, to), RingError::OutOfRange { field, .. } if field == expected), "{to}");
    }
}

/// `serde_json` quotes the offending text; a key in the wrong place must not reach a log that way.
#[test]
fn no_error_repeats_a_key() {
    let key = key();
    let good = document(&[entry(&key, PUBLISHED, PUBLISHED)], "");
    let wrong = [
        format!(r#"{{"version":"{key}"}}"#),
        format!(r#"{{"{key}":1}}"#),
        format!(r#"{{"version":1,"serial":7,"propagation":300,"skew":60,"lifetime_cap":600,"keys":"{key}"}}"#),
        format!(r#"{{"version":1,"serial":7,"propagation":300,"skew":60,"lifetime_cap":600,"keys":["{key}"]}}"#),
        good.replace("osk1.", "osk1,"),
        good.replace(r#""seal_from":"2026-11-23T12:00:00Z""#, &format!(r#""seal_from":"{key}""#)),
        good.replace("]}", &format!(r#"],"revoked":["{key}"]}}"#)),
        format!("{{ {key}"),
        format!("x{key}"),
        format!("{key}x"),
    ];
    for text in wrong {
        let error = text.parse::<KeyRing>().unwrap_err();
        let mut shown = format!("{error} {error:?}");
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            shown += &format!(" {cause} {cause:?}");
            source = cause.source();
        }
        assert!(!shown.contains(&key[5..17]), "{shown}");
    }
}

#[test]
fn a_misspelled_or_missing_field_is_named_without_quoting_the_text() {
    let good = document(&[entry(&key(), PUBLISHED, PUBLISHED)], "");
    let message = |text: String| text.parse::<KeyRing>().unwrap_err().to_string();
    assert!(message(good.replace("serial", "cereal")).contains("unknown field; expected one of `version`, `serial`"));
    assert!(message(good.replace(r#""serial":7,"#, "")).contains("missing field `serial`"));
    assert!(message(good.replace(r#""serial":7"#, r#""serial":"7""#)).contains("a value of another type"));
    assert!(message(good.replace(r#""serial":7"#, r#""serial":7,"serial":7"#)).contains("a field occurs twice"));
    assert!(message(good.replace(r#""serial":7"#, r#""serial":7,"#)).contains("not JSON"));
}

/// In a list, nothing would say which time is which; the schema and other readers accept none.
#[test]
fn a_key_written_as_a_list_of_its_fields_is_refused() {
    let listed = format!(r#"["{}","{PUBLISHED}","{IN_FIVE_MINUTES}"]"#, key());
    let refused = document(&[listed], "").parse::<KeyRing>().unwrap_err();
    assert!(refused.to_string().contains("a value of another type"), "{refused}");
}

proptest::proptest! {
    #[test]
    fn no_document_panics(text: String, number: u64) {
        let _ = text.parse::<KeyRing>();
        let _ = format!("osk1.{text}").parse::<KeyRing>();
        let good = document(&[entry("osk1.x.y", PUBLISHED, PUBLISHED)], "");
        let _ = good.replace("300", &number.to_string()).parse::<KeyRing>();
    }
}

#[test]
fn a_file_that_is_missing_too_large_or_not_text_is_refused() {
    let path = std::env::temp_dir().join(format!("oauth-state-ring-{}", std::process::id()));
    assert!(matches!(KeyRing::from_file(&path), Err(RingError::File { .. })));
    std::fs::write(&path, vec![b' '; LARGEST + 1]).unwrap();
    assert!(matches!(KeyRing::from_file(&path), Err(RingError::TooLarge)));
    std::fs::write(&path, [b'{', 0xff]).unwrap();
    assert!(matches!(KeyRing::from_file(&path), Err(RingError::NotUtf8)));
    std::fs::write(&path, format!("{}\n", key())).unwrap();
    assert!(KeyRing::from_file(&path).is_ok());
    std::fs::remove_file(&path).unwrap();
}
