//! How long a state is, and that a provider's limit is checked before the redirect. The README shows the same figures.

use oauth_state::{BeginError, Login, Provider, ReturnTo};
use support::shop::{Shop, session, shop, shop_built, shop_with, signed_shop};

const README: &str = include_str!("../../README.md");
/// 60 bytes.
const PATH: &str = "/projects/0190b2c4/settings/members?tab=invitations&page=003";

fn state_chars(provider: &str, full: bool, user: bool) -> usize {
    let shop = shop_with(|builder| {
        builder.provider(Provider::github()).provider(Provider::apple()).provider(Provider::entra())
    });
    let login = Login::with(provider);
    let login = if full { login.tenant([9; 16]).return_to(PATH.parse::<ReturnTo>().unwrap()) } else { login };
    let binding = if user { session().for_user(b"user-42").unwrap() } else { session() };
    shop.flow.begin(binding, login).unwrap().state.len()
}

fn sentence() -> String {
    let [bare, full, user] =
        [(false, false), (true, false), (true, true)].map(|(full, user)| state_chars("github", full, user));
    format!(
        "A GitHub login takes {bare} characters of `state`. With a tenant (16 bytes) and a return path (60\n\
         bytes) it takes {full}, and with a signed-in user {user}.\n"
    )
}

#[test]
fn a_state_fits_every_provider_whose_limit_is_known() {
    assert_eq!(PATH.len(), 60);
    println!("{}", sentence());
    for provider in ["github", "apple", "entra"] {
        assert!(state_chars(provider, false, false) <= 112);
        assert!(state_chars(provider, true, false) <= 212);
        assert!(state_chars(provider, true, true) <= 212 + 22);
    }
    let eight = shop_with(|builder| builder.provider(Provider::custom("eight888").unwrap()));
    assert!(eight.flow.begin(session(), Login::with("eight888")).unwrap().state.len() <= 112);
    let full = Login::with("eight888").tenant([9; 16]).return_to(PATH.parse::<ReturnTo>().unwrap());
    assert!(eight.flow.begin(session(), full).unwrap().state.len() <= 212);
}

/// `UPDATE_README=1 cargo test` writes it anew.
#[test]
fn the_readme_shows_the_measured_length() {
    let (start, end) = ("<!-- state-length -->\n", "<!-- /state-length -->");
    let (before, rest) = README.split_once(start).expect("the README marks the length");
    let (shown, after) = rest.split_once(end).unwrap();
    if std::env::var_os("UPDATE_README").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        std::fs::write(path, format!("{before}{start}{}{end}{after}", sentence())).unwrap();
    } else {
        assert_eq!(shown, sentence(), "run `scripts/generate`");
    }
}

/// A state that is too long is told by how much, at begin, where the person is still on the caller's page.
#[test]
fn a_provider_s_limit_is_checked_to_the_character_before_the_redirect() {
    for limit in [128, 250, 500, 1800, 2048] {
        let shop = shop_with(|builder| builder.provider(Provider::github().with_max_state_chars(limit)));
        let begin = |length: usize| {
            let path = format!("/{}", "a".repeat(length)).parse::<ReturnTo>().unwrap();
            shop.flow.begin(session(), Login::with("github").return_to(path))
        };
        let longest = (0..1024).rev().find(|length| begin(*length).is_ok()).unwrap();
        let fits = begin(longest).unwrap();
        assert!(fits.state.len() <= limit);
        if longest < 1023 {
            match begin(longest + 1).unwrap_err() {
                BeginError::StateTooLong { provider, actual, limit: told } => {
                    assert_eq!((provider.as_str(), told), ("github", limit));
                    assert!(actual > limit && actual <= limit + 2);
                }
                other => panic!("{other}"),
            }
        }
    }
    let error = BeginError::StateTooLong { provider: "wechat".into(), actual: 140, limit: 128 };
    assert!(error.to_string().starts_with("the state has 140 characters, 12 more than the 128 that wechat accepts"));
}

/// Sixteen bytes of tag more must be seen at begin, not at the provider.
#[test]
fn a_signed_state_is_sixteen_bytes_longer_and_they_count_against_the_limit() {
    let length = |shop: Shop, login| shop.flow.begin(session(), login).map(|begun| begun.state.len());
    let github = || Login::with("github").tenant([9; 16]).return_to(PATH.parse::<ReturnTo>().unwrap());
    let (encrypted, signed) = (length(shop(), github()).unwrap(), length(signed_shop(), github()).unwrap());
    assert_eq!(signed * 3 / 4, encrypted * 3 / 4 + 16);

    let limited = |limit: usize, signed: bool| {
        let shop = shop_built(|builder| {
            let builder = builder.provider(Provider::github().with_max_state_chars(limit));
            if signed { builder.build_signed_not_encrypted() } else { builder.build() }
        });
        length(shop, github())
    };
    assert_eq!(limited(encrypted, false).unwrap(), encrypted);
    assert_eq!(limited(signed, true).unwrap(), signed);
    for limit in [encrypted, signed - 1] {
        match limited(limit, true).unwrap_err() {
            BeginError::StateTooLong { actual, limit: told, .. } => assert_eq!((actual, told), (signed, limit)),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn data_counts_and_nothing_beyond_2048_characters_is_ever_sealed() {
    let shop =
        shop_with(|builder| builder.carrying::<String>().provider(Provider::github().with_max_state_chars(1_000_000)));
    let begin = |length: usize| shop.flow.begin(session(), Login::with("github").data("x".repeat(length)));
    let longest = (1400..1500).rev().find(|length| begin(*length).is_ok()).unwrap();
    assert_eq!(begin(longest).unwrap().state.len(), 2048);
    let refused = begin(longest + 1);
    assert!(matches!(refused, Err(BeginError::StateTooLong { limit: 2048, actual: 2050, .. })), "{refused:?}");
}
