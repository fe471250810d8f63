use super::*;

#[test]
fn durations_and_purposes_have_one_spelling_each() {
    for (text, seconds) in [("300", 300), ("300s", 300), ("5m", 300), ("12h", 43_200), ("90d", 7_776_000), ("0", 0)] {
        assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
    }
    for text in ["", "m", "-5m", "+5", "5 m", "5w", "1.5h", "99999999999999999999", "999999999999999999d"] {
        assert!(parse_duration(text).is_err(), "{text}");
    }
    assert_eq!(parse_purpose("custom:import"), Ok(Purpose::Custom("import")));
    assert!(parse_purpose("import").is_err() && parse_purpose("custom:A").is_err());
}

#[test]
fn times_are_shown_in_utc_and_from_here() {
    let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    assert_eq!(utc(at(1_800_000_000)), "2027-01-15T08:00:00Z");
    assert_eq!(parse_time("2027-01-15T09:00:00+01:00"), Ok(at(1_800_000_000)));
    let shown = |seconds| relative(at(seconds), at(1_000_000));
    assert_eq!(shown(1_000_000), "now");
    assert_eq!(shown(1_000_360), "in 6 m");
    assert_eq!(shown(1_000_361), "in 6 m 1 s");
    assert_eq!(shown(1_003_601), "in 1 h");
    assert_eq!(shown(1_000_000 - 90_000), "1 d 1 h ago");
}

#[test]
fn what_a_terminal_would_obey_is_not_shown() {
    assert_eq!(harmless("a\u{1b}[2Jb\n\u{202e}c"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}c");
    assert!(!harmless("my key is osk1.abc").contains("abc"));
    assert!(!harmless("begins with 'osk1.', as osk1.-bc does").contains("-bc"));
    assert_eq!(harmless("neither 'osk1.' nor a document"), "neither 'osk1.' nor a document");
}
