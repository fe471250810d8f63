//! The table of presets: each figure has a source and a date, each limit is enforced before the redirect, and
//! `docs/providers.md` shows the table.

use oauth_state::provider::{Preset, PresetError, ResponseMode, Sourced};
use oauth_state::{AuthorizationRequest, BeginError, Binding, Login, Provider, ReturnTo};
use std::fmt::Write;
use support::shop::{Shop, session, shop_with};

const PAGE: &str = include_str!("../../docs/providers.md");
/// The longest return path, in bytes.
const LONGEST_PATH: usize = 1024;
/// A flow's limit if none is known, and its upper bound.
const DEFAULT_LIMIT: usize = 2048;
const UNKNOWN: &str = "–";

/// Each figure of a preset: its name, source and date.
fn figures(preset: &Preset) -> Vec<(&'static str, &'static str, &'static str)> {
    fn of<T>(name: &'static str, figure: Option<Sourced<T>>) -> Option<(&'static str, &'static str, &'static str)> {
        figure.map(|figure| (name, figure.source, figure.read))
    }
    let all = [
        of("max_state_chars", preset.max_state_chars),
        of("state_alphabet", preset.state_alphabet),
        of("response_modes", preset.response_modes),
        of("form_post_when", preset.form_post_when),
        of("sends_iss", preset.sends_iss),
        of("issuer", preset.issuer),
        of("pkce_s256", preset.pkce_s256),
        of("nonce", preset.nonce),
        of("scopes", preset.scopes),
        of("authorization_endpoint", preset.authorization_endpoint),
        of("token_endpoint", preset.token_endpoint),
        of("remark", preset.remark),
    ];
    all.into_iter().flatten().collect()
}

fn is_date(text: &str) -> bool {
    let parts: Vec<Option<u16>> = text.split('-').map(|part| part.parse().ok()).collect();
    match parts[..] {
        [Some(year), Some(month), Some(day)] => {
            text.len() == 10 && (2026..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)
        }
        _ => false,
    }
}

#[test]
fn every_figure_has_a_source_and_a_date() {
    for preset in Preset::all() {
        let figures = figures(preset);
        assert!(!figures.is_empty(), "{}: nothing is known", preset.id);
        for (name, source, read) in figures {
            let named = source.starts_with("https://") || source.starts_with("OpenID Connect Core 1.0, section");
            assert!(named && source.len() > 20, "{}.{name} names no source: {source:?}", preset.id);
            assert!(is_date(read), "{}.{name} has no date: {read:?}", preset.id);
        }
    }
    assert!(is_date("2026-11-24"));
    assert!(
        ["", "2026", "2026-11", "2026-13-01", "24-11-2026", "2026-1-1", "yesterday"].iter().all(|text| !is_date(text))
    );
}

#[test]
fn ids_are_unique_and_short_and_lead_back_to_their_row() {
    for (position, preset) in Preset::all().iter().enumerate() {
        assert!(preset.id.len() <= 8, "{}", preset.id);
        assert!(Provider::custom(preset.id).is_ok(), "{}", preset.id);
        assert!(
            Preset::all().iter().skip(position + 1).all(|other| other.id != preset.id && other.name != preset.name)
        );
        assert_eq!(Preset::find(preset.id), Some(preset));
        assert_eq!(Provider::preset(preset.id).unwrap().id(), preset.id);
        assert_eq!(preset.provider().id(), preset.id);
    }
    assert_eq!(Provider::preset("wechat").unwrap_err(), PresetError::Unknown("wechat".into()));
}

/// The rows are consistent.
#[test]
fn no_row_contradicts_itself() {
    for preset in Preset::all() {
        let id = preset.id;
        let modes = preset.response_modes.map(|figure| figure.value);
        assert!(modes.is_none_or(|modes| modes.contains(&preset.response_mode)), "{id}");
        assert!(preset.response_mode == ResponseMode::Query || preset.form_post_when.is_some(), "{id}");
        if preset.compares_iss {
            assert!(preset.issuer.is_some() && preset.sends_iss.is_some_and(|figure| figure.value), "{id}");
        }
        for address in [preset.issuer, preset.authorization_endpoint, preset.token_endpoint].into_iter().flatten() {
            assert!(url::Url::parse(address.value).is_ok_and(|url| url.scheme() == "https" && url.query().is_none()));
            assert!(!address.value.contains('{'), "{id}: {} differs between customers", address.value);
        }
        assert!(preset.scopes.is_none_or(|figure| !figure.value.is_empty()), "{id}");
    }
}

#[test]
fn the_constructors_give_what_the_table_says() {
    let named = [
        Provider::github(),
        Provider::google(),
        Provider::microsoft(),
        Provider::apple(),
        Provider::x(),
        Provider::gitlab(),
        Provider::discord(),
        Provider::linkedin(),
        Provider::slack(),
        Provider::facebook(),
    ];
    let of_a_customer = [
        Provider::okta("https://dev-1.okta.com/oauth2/default").unwrap(),
        Provider::auth0("https://shop.eu.auth0.com/").unwrap(),
        Provider::keycloak("http://localhost:8080/realms/shop").unwrap(),
        Provider::cognito("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf").unwrap(),
        Provider::oidc("oidc", "https://login.acme.example").unwrap(),
    ];
    let ids: Vec<_> = named.iter().chain(&of_a_customer).map(|provider| provider.id().to_owned()).collect();
    assert_eq!(ids, Preset::all().iter().map(|preset| preset.id).collect::<Vec<_>>());
    for provider in named {
        let from_the_table = Provider::preset(provider.id()).unwrap();
        assert_eq!(format!("{provider:?}"), format!("{from_the_table:?}"));
    }
    for provider in of_a_customer {
        assert!(format!("{provider:?}").contains("required: false"), "{provider:?}");
    }
}

#[test]
fn an_issuer_is_an_https_address_without_query_and_fragment() {
    let not_issuers = [
        "",
        "login.acme.example",
        "http://login.acme.example",
        "http://localhost.acme.example",
        "ftp://login.acme.example",
        "https://",
        "https://login.acme.example?",
        "https://login.acme.example/?tenant=1",
        "https://login.acme.example/#top",
        "https://user@login.acme.example",
        "https://login.acme.example/ ",
        "acme:login",
    ];
    for issuer in not_issuers {
        assert_eq!(Provider::oidc("acme", issuer).unwrap_err(), PresetError::Issuer, "{issuer}");
        assert_eq!(Provider::okta(issuer).unwrap_err(), PresetError::Issuer, "{issuer}");
    }
    for issuer in [
        "https://login.acme.example",
        "https://login.acme.example:8443/a/b/",
        "http://127.0.0.1:9000",
        "http://[::1]:9000",
    ] {
        assert!(Provider::oidc("acme", issuer).is_ok(), "{issuer}");
    }
    assert!(matches!(Provider::oidc("a/b", "https://login.acme.example"), Err(PresetError::Name(_))));
}

fn shop_of(preset: &Preset) -> Shop<String> {
    shop_with(|builder| builder.carrying::<String>().provider(preset.provider()))
}

/// A login with a 16-byte tenant, and a return path and data of these lengths.
fn begin(shop: &Shop<String>, preset: &Preset, path: usize, data: usize) -> Result<AuthorizationRequest, BeginError> {
    let path = format!("/{}", "p".repeat(path - 1)).parse::<ReturnTo>().unwrap();
    let login = Login::with(preset.id).tenant([9; 16]).return_to(path).data("d".repeat(data));
    shop.flow.begin(session(), login)
}

/// The longest return path that fits, up to the longest there is; and the longest data that fits with it.
fn longest(shop: &Shop<String>, preset: &Preset) -> (usize, usize) {
    let path = (1..=LONGEST_PATH).rev().find(|path| begin(shop, preset, *path, 0).is_ok()).unwrap();
    let data = (0..DEFAULT_LIMIT).take_while(|data| begin(shop, preset, path, *data).is_ok()).last().unwrap();
    (path, data)
}

/// With the limit of every preset, and with the default if none is known.
#[test]
fn what_fits_is_sealed_and_one_character_more_is_refused_before_the_redirect() {
    for preset in Preset::all() {
        let limit = preset.max_state_chars.map_or(DEFAULT_LIMIT, |figure| figure.value.min(DEFAULT_LIMIT));
        let shop = shop_of(preset);
        let (path, data) = longest(&shop, preset);
        let fits = begin(&shop, preset, path, data).unwrap();
        assert!(fits.state.len() <= limit && fits.state.len() + 2 >= limit, "{}: {}", preset.id, fits.state.len());
        let too_long = if path < LONGEST_PATH { [(path + 1, data), (path, data + 1)] } else { [(path, data + 1); 2] };
        for (path, data) in too_long {
            match begin(&shop, preset, path, data).unwrap_err() {
                BeginError::StateTooLong { provider, actual, limit: told } => {
                    assert_eq!((provider.as_str(), told), (preset.id, limit));
                    assert!(actual > limit && actual <= limit + 2, "{}: {actual}", preset.id);
                }
                other => panic!("{}: {other}", preset.id),
            }
        }
    }
}

/// The longest path with a 16-byte tenant: all of it, unless the provider's limit is lower.
#[test]
fn only_x_takes_less_than_the_longest_return_path_and_a_tenant() {
    for preset in Preset::all() {
        let path = longest(&shop_of(preset), preset).0;
        assert_eq!(path < LONGEST_PATH, preset.id == "x", "{}: {path}", preset.id);
    }
}

#[test]
fn states_hold_no_character_that_a_provider_refuses() {
    let base64url = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['-', '_']);
    for preset in Preset::all() {
        let Some(alphabet) = preset.state_alphabet else { continue };
        assert!(base64url.clone().all(|character| alphabet.value.contains(character)), "{}", preset.id);
    }
    assert!(Preset::find("okta").unwrap().state_alphabet.is_some());
}

#[test]
fn form_post_presets_set_cookies_that_come_along_on_a_cross_site_post() {
    for preset in Preset::all() {
        let shop = shop_with(|builder| builder.provider(preset.provider()));
        let cookie = shop.flow.begin(Binding::cookie_headers([]), Login::with(preset.id)).unwrap().set_cookie.unwrap();
        let by_form = preset.response_mode == ResponseMode::FormPost;
        assert_eq!(cookie.contains("; SameSite=None"), by_form, "{}: {cookie}", preset.id);
        assert_eq!(cookie.contains("; SameSite=Lax"), !by_form, "{}: {cookie}", preset.id);
        assert_eq!(by_form, preset.id == "apple");
    }
}

/// The sources, in the order of the tables.
#[derive(Default)]
struct Sources(Vec<(&'static str, &'static str)>);

impl Sources {
    /// A cell: the value, and the number of its source.
    fn cell<T>(&mut self, figure: Option<Sourced<T>>, show: impl FnOnce(T) -> String) -> String {
        let Some(figure) = figure else { return UNKNOWN.to_owned() };
        let source = (figure.source, figure.read);
        let number = self.0.iter().position(|known| *known == source).unwrap_or_else(|| {
            self.0.push(source);
            self.0.len() - 1
        });
        // Escaped, because rustdoc takes `[1]` for a link.
        format!("{} \\[{}]", show(figure.value), number + 1)
    }
}

fn yes(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn mode(mode: &ResponseMode) -> String {
    code(if *mode == ResponseMode::FormPost { "form_post" } else { "query" })
}

/// The characters other than letters and digits.
fn alphabet(characters: &str) -> String {
    let rest: Vec<_> = characters.chars().filter(|character| !character.is_ascii_alphanumeric()).collect();
    assert_eq!(characters.len(), rest.len() + 62);
    let rest: Vec<_> = rest.iter().map(|character| code(&character.to_string())).collect();
    format!("letters, digits, {}", rest.join(" "))
}

fn answers_by(sources: &mut Sources, preset: &Preset) -> String {
    let mut cell = sources.cell(preset.response_modes, |modes| modes.iter().map(mode).collect::<Vec<_>>().join(", "));
    if preset.form_post_when.is_some() {
        let when =
            sources.cell(preset.form_post_when, |when| format!("only {} if {when}", mode(&ResponseMode::FormPost)));
        write!(cell, "; {when}").unwrap();
    }
    cell
}

fn tables() -> String {
    let mut sources = Sources::default();
    let mut page = String::from(
        "| id | provider | longest `state` | characters of `state` | response modes | sends `iss` | PKCE with S256 | `nonce` |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for preset in Preset::all() {
        let limit = sources.cell(preset.max_state_chars, |limit| limit.to_string());
        let alphabet = sources.cell(preset.state_alphabet, alphabet);
        let answers = answers_by(&mut sources, preset);
        let iss = sources.cell(preset.sends_iss, yes);
        let pkce = sources.cell(preset.pkce_s256, yes);
        let nonce = sources.cell(preset.nonce, yes);
        let (id, name) = (preset.id, preset.name);
        writeln!(page, "| `{id}` | {name} | {limit} | {alphabet} | {answers} | {iss} | {pkce} | {nonce} |").unwrap();
    }
    page.push_str(
        "\n| id | scopes | issuer | `iss` compared | authorization endpoint | token endpoint |\n|---|---|---|---|---|---|\n",
    );
    for preset in Preset::all() {
        let scopes =
            sources.cell(preset.scopes, |scopes| scopes.iter().map(|scope| code(scope)).collect::<Vec<_>>().join(" "));
        let [issuer, authorization, token] = [preset.issuer, preset.authorization_endpoint, preset.token_endpoint]
            .map(|address| sources.cell(address, code));
        let compared = yes(preset.compares_iss);
        writeln!(page, "| `{}` | {scopes} | {issuer} | {compared} | {authorization} | {token} |", preset.id).unwrap();
    }
    page.push_str("\nNotes:\n\n");
    for preset in Preset::all().iter().filter(|preset| preset.remark.is_some()) {
        writeln!(page, "* {}: {}", preset.name, sources.cell(preset.remark, str::to_owned)).unwrap();
    }
    page.push_str("\nSources, with the day each was read:\n\n");
    for (number, (source, read)) in (1..).zip(&sources.0) {
        let source = if source.contains('{') { code(source) } else { source.replace("https:", "<https:") };
        let source = if source.starts_with('<') { format!("{source}>") } else { source };
        writeln!(page, "{number}. {source}, {read}").unwrap();
    }
    page
}

/// `UPDATE_PROVIDERS=1 cargo test` rewrites them.
#[test]
fn the_page_shows_the_table() {
    let (start, end) = ("<!-- presets -->\n", "<!-- /presets -->");
    let (before, rest) = PAGE.split_once(start).expect("the page marks the tables");
    let (shown, after) = rest.split_once(end).unwrap();
    if std::env::var_os("UPDATE_PROVIDERS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/providers.md");
        std::fs::write(path, format!("{before}{start}{}{end}{after}", tables())).unwrap();
    } else {
        assert_eq!(shown, tables(), "run `scripts/generate`");
    }
}
