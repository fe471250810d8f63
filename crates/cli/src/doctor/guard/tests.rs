use super::*;
use crate::doctor::Level;

#[test]
fn clocks_may_differ_by_half_the_skew_and_must_not_by_more_than_it() {
    let level = |ahead, skew| clock(Some(ahead), Duration::from_secs(skew)).level;
    for sign in [1, -1] {
        assert_eq!(level(sign * 30_000, 60), Level::Ok);
        assert_eq!(level(sign * 30_001, 60), Level::Warning);
        assert_eq!(level(sign * 60_000, 60), Level::Warning);
        assert_eq!(level(sign * 60_001, 60), Level::Error);
        assert_eq!(level(sign * 999, 0), Level::Ok);
        assert_eq!(level(sign * 1_000, 0), Level::Error);
    }
    assert!(clock(Some(-1_250), Duration::ZERO).found.contains("1.2 s behind"));
    assert_eq!(clock(None, Duration::from_secs(60)).level, Level::Warning);
}

#[test]
fn a_fatal_flaw_is_an_error_and_another_a_warning() {
    let flaws = vec![Flaw::fatal("replica", "r", "t"), Flaw::warning("fsync", "f", "t")];
    let well = vec![("version", "redis 7".to_owned())];
    let examined = Examined { well, flaws, kept_in: Vec::new(), ahead: Some(0) };
    let checks = told("redis", Ok(examined), None, Duration::from_secs(60));
    let levels: Vec<_> = checks.iter().map(|check| (check.name, check.level)).collect();
    let expected = [Level::Ok, Level::Error, Level::Warning, Level::Ok];
    assert_eq!(levels, ["version", "replica", "fsync", "clock"].into_iter().zip(expected).collect::<Vec<_>>());
    let down = told("redis", Err(GuardError::unavailable("refused")), None, Duration::from_secs(60));
    assert!(matches!(&down[..], [Check { level: Level::Error, name: "guard", .. }]));
}

#[test]
fn a_store_that_names_no_environment_is_warned_of_unless_it_is_no_other_s() {
    let of = |environment: &str, own_store| {
        let belongs_to = Some(("shop".to_owned(), environment.to_owned()));
        Whose::of(&StoreOptions { belongs_to, own_store, ..StoreOptions::default() })
    };
    let level = |environment, prefix: &str| {
        of(environment, false).check("redis", &[("prefix", prefix.to_owned())]).unwrap().level
    };
    for (environment, prefix) in [
        ("production", "shop:production:"),
        ("production", "PRODUCTION."),
        ("eu-production", "shop:eu_production:"),
        ("test", "test"),
    ] {
        assert_eq!(level(environment, prefix), Level::Ok, "{environment} in {prefix}");
    }
    for (environment, prefix) in [
        ("production", "oauth-state:"),
        ("production", "shop:staging:"),
        ("test", "shop:latest:"),
        ("eu-production", "shop:production:"),
    ] {
        assert_eq!(level(environment, prefix), Level::Warning, "{environment} in {prefix}");
    }
    let kept_in = [("database", "shop".to_owned()), ("schema", "public".to_owned())];
    let warned = of("production", false).check("postgres", &kept_in).unwrap();
    assert!(warned.found.contains(r#"the database "shop" and the schema "public" do not name production"#));
    assert!(warned.to_do.unwrap().contains("search_path%3Dshop_production"));
    assert_eq!(of("production", true).check("postgres", &kept_in).unwrap().level, Level::Ok);
    assert!(Whose::of(&StoreOptions::default()).check("postgres", &kept_in).is_none());
}
