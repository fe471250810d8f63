//! `inspect`.

use std::io::{IsTerminal, Read};
use std::time::SystemTime;

use oauth_state::inspect::{Inspection, ParseStateError, StateContents, StateForm, UnverifiedClaims};
use oauth_state::observe::Reference;
use oauth_state::{App, Purpose};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::arguments::Inspect;
use crate::deadline;
use crate::failure::Failure;
use crate::output::{Report, table};
use crate::sources::Source;
use crate::text::{harmless, hex, relative, utc};

/// A few pages of a log.
const LARGEST: usize = 1 << 20;
const PASTED_KEY: &str = "the input contains a root key (osk1.…): every reader of this text has the key; find out where the text was copied to, and revoke \
                          the key with oauth-state keys revoke";
const PASTED_PRIVATE_KEY: &str = "the input contains a private key: every reader of this text has it; find out where the text was copied to, and replace \
                                  that key";
const CUT_OFF: &str =
    "an ellipsis follows the state: the text may have cut it off, and then the rest is lost; ask for the whole address";
const ONLY_THE_BEGINNING: &str = "only the first 1 MiB of the input was searched; pass the lines of one login";
const UNKNOWN_HERE: &str =
    "the binding; the provider, tenant and redirect_uri that the callback expects; iss; single use";

mod find;

use find::{Found, NotFound};

/// The output in order, for users and for programs.
#[derive(Default)]
struct Told {
    rows: Vec<Vec<String>>,
    json: Map<String, Value>,
}

impl Told {
    fn say(&mut self, name: &str, shown: impl Into<String>, value: impl Into<Value>) {
        self.rows.push(vec![name.replace('_', " "), shown.into()]);
        self.json.insert(name.to_owned(), value.into());
    }
}

pub fn inspect(options: &Inspect, now: SystemTime) -> Result<Report, Failure> {
    if matches!(options.keys, Some(Source::StandardInput)) {
        return Err(Failure::usage(
            "stdin_twice",
            "standard input cannot hold both the state and the keys",
            "pass the keys as a file, a variable or a helper",
        ));
    }
    let (given, is_all) = standard_input()?;
    let (mut report, cut_off) = match find::whole_state_in(&given) {
        Ok(Found { state, place, cut_off }) => (examine(&state, place, options, now)?, cut_off),
        Err(none) => (no_state(&none), false),
    };
    // A ring tells whether it is whole.
    let cut_off = cut_off && (options.keys.is_none() || report.not_well);
    report.not_well |= cut_off;
    let notes = [
        (find::has_key(&given), PASTED_KEY),
        (find::has_private_key(&given), PASTED_PRIVATE_KEY),
        (cut_off, CUT_OFF),
        (!is_all, ONLY_THE_BEGINNING),
    ];
    report.notes = notes.iter().filter(|(is_so, _)| *is_so).map(|(_, note)| (*note).to_owned()).collect();
    Ok(report)
}

fn examine(state: &str, place: String, options: &Inspect, now: SystemTime) -> Result<Report, Failure> {
    let (mut told, now) = (Told::default(), options.at.unwrap_or(now));
    told.say("found", place.clone(), place);
    let reference = Reference::of(state).to_string();
    told.say("reference", reference.clone(), reference);
    let (Some(source), Some(app), Some(environment)) = (&options.keys, &options.app, &options.environment) else {
        let form = StateForm::read(state);
        tell_form(form, &mut told);
        match UnverifiedClaims::read(state) {
            Some(claims) => tell_unverified(&claims, now, &mut told),
            None => told.say("told", "pass --keys, --app and --environment to decode the rest", "form"),
        }
        return Ok(report(told, form.is_err()));
    };
    let name = |error: &dyn std::fmt::Display| {
        Failure::usage("name", error.to_string(), "use the names that the service passes to App::new")
    };
    let app = App::new(app, environment).map_err(|error| name(&error))?;
    let mut purposes = vec![Purpose::Login, Purpose::Link, Purpose::Reauthenticate, Purpose::Logout];
    if !options.purpose.is_empty() {
        purposes.clone_from(&options.purpose);
        purposes.sort_by_key(ToString::to_string);
        purposes.dedup();
    }
    let inspection =
        source.load()?.document.ring().inspect(state, &app, &purposes, now).map_err(|error| name(&error))?;
    tell_form(inspection.form, &mut told);
    tell_key(&inspection, now, &mut told);
    if let Some(contents) = &inspection.contents {
        tell_contents(contents, options.show_data, now, &mut told);
    }
    tell_verdict(&inspection, &mut told);
    Ok(report(told, inspection.refused.is_some()))
}

fn report(told: Told, not_well: bool) -> Report {
    Report { text: table(&told.rows), json: Value::Object(told.json), not_well, ..Report::default() }
}

fn no_state(none: &NotFound) -> Report {
    let mut told = Told::default();
    let code = none.code();
    told.say("refused", format!("{code}: {none}"), code);
    report(told, true)
}

/// The text, and whether that is all of it.
fn standard_input() -> Result<(Zeroizing<String>, bool), Failure> {
    let stdin = std::io::stdin();
    let most = LARGEST.saturating_add(1);
    let mut given = Zeroizing::new(Vec::with_capacity(most));
    let mut read = || stdin.lock().take(most as u64).read_to_end(&mut given);
    let read = if stdin.is_terminal() {
        eprintln!("paste a state, or text that contains one, then press Enter and Ctrl-D:");
        deadline::without(read)
    } else {
        deadline::waits_for("standard input");
        read()
    };
    let is_all = given.len() <= LARGEST;
    let text = find::cleaned(given.get(..LARGEST).unwrap_or(&given));
    match read {
        Ok(_) if !text.trim().is_empty() => Ok((text, is_all)),
        _ => Err(Failure::usage("no_input", "standard input is empty", "oauth-state inspect < callback.txt")),
    }
}

fn tell_form(form: Result<StateForm, ParseStateError>, told: &mut Told) {
    match form {
        Ok(form) => {
            let StateForm { characters, bytes, key_id, .. } = form;
            let prefix = form.prefix();
            let row = match prefix {
                "ost1" => "",
                "oss1" => ", signed: readable without a key",
                "osm1" => ", a handle to a row in memory",
                "osr1" => ", a handle to a row in Redis",
                "osp1" => ", a handle to a row in Postgres",
                _ => ", a handle to a row in a store of the service's own",
            };
            told.say("form", format!("{prefix}, {characters} characters, {bytes} bytes{row}"), prefix);
            told.json.insert("characters".to_owned(), characters.into());
            told.json.insert("bytes".to_owned(), bytes.into());
            told.say("key_id", hex(&key_id), hex(&key_id));
        }
        Err(none) => {
            told.say("form", format!("no state ({}): {none}", none.code()), Value::Null);
            told.json.insert("form_error".to_owned(), none.code().into());
        }
    }
}

fn tell_key(inspection: &Inspection, now: SystemTime, told: &mut Told) {
    match &inspection.sealed_by {
        Some(sealed_by) => {
            let (id, role) = (sealed_by.id.to_string(), sealed_by.role.to_string());
            let until =
                sealed_by.accept_until.map(|at| format!(", accepted until {} ({})", utc(at), relative(at, now)));
            told.say(
                "root_key",
                format!("{id}, {role}{}", until.unwrap_or_default()),
                json!({
                    "id": id,
                    "role": role,
                    "accept_until": sealed_by.accept_until.map(utc),
                }),
            );
            let purpose = sealed_by.purpose.to_string();
            told.say("purpose", &purpose, purpose.clone());
        }
        None if inspection.form.is_ok() => {
            told.say("root_key", "none of this ring, for this application and environment", Value::Null);
        }
        None => {}
    }
}

fn tell_contents(contents: &StateContents, show_data: bool, now: SystemTime, told: &mut Told) {
    let origin = &contents.origin;
    let at = |at: SystemTime| format!("{} ({})", utc(at), relative(at, now));
    let mut optional = |name: &str, value: Option<String>| {
        told.say(name, value.clone().unwrap_or_else(|| "-".to_owned()), value);
    };
    let loaded = if contents.is_connection { " (loaded at run time)" } else { "" };
    optional("provider", Some(format!("{}{loaded}", origin.provider)));
    optional("tenant", origin.tenant.as_ref().map(|tenant| hex(tenant.as_bytes())));
    optional("redirect", origin.redirect.clone());
    optional("return_to", origin.return_to.as_ref().map(|path| harmless(path.as_str())));
    told.say("issued_at", at(origin.issued_at), utc(origin.issued_at));
    told.say("expires_at", at(contents.expires_at), utc(contents.expires_at));
    told.say("restarts", origin.restarts.to_string(), origin.restarts);
    told.say("bound_by", contents.bound_by.to_string(), contents.bound_by.to_string());
    told.say("user", if contents.has_user { "a signed-in user" } else { "-" }, contents.has_user);
    let length = contents.data.len();
    let hint = if length > 0 && !show_data { " (--show-data shows them)" } else { "" };
    told.say("data", format!("{length} bytes{hint}"), length);
    if show_data {
        let shown = harmless(&String::from_utf8_lossy(&contents.data));
        told.say("data_shown", &shown, shown.clone());
    }
}

/// Every line says that it is not verified, in case it is copied alone.
fn tell_unverified(claims: &UnverifiedClaims, now: SystemTime, told: &mut Told) {
    let at = |at: SystemTime| format!("{} ({})", utc(at), relative(at, now));
    let mut optional = |name: &str, value: Option<String>| {
        told.say(name, value.clone().unwrap_or_else(|| "-".to_owned()), value);
    };
    optional("unverified_provider", Some(claims.provider.clone()));
    optional("unverified_tenant", claims.tenant.as_deref().map(hex));
    optional("unverified_redirect", claims.redirect.clone());
    optional("unverified_return_to", claims.return_to.as_deref().map(harmless));
    told.say("unverified_issued_at", at(claims.issued_at), utc(claims.issued_at));
    told.say("unverified_expires_at", at(claims.expires_at), utc(claims.expires_at));
    told.say("unverified_restarts", claims.restarts.to_string(), claims.restarts);
    told.say("unverified_bound_by", claims.bound_by.to_string(), claims.bound_by.to_string());
    told.say("unverified_user", if claims.has_user { "a signed-in user" } else { "-" }, claims.has_user);
    told.say("unverified_data", format!("{} bytes", claims.data.len()), claims.data.len());
    told.say(
        "told",
        "UNVERIFIED, an attacker may have written it: --keys, --app and --environment verify it",
        "unverified",
    );
}

fn tell_verdict(inspection: &Inspection, told: &mut Told) {
    match &inspection.refused {
        Some(refused) => {
            told.say("refused", format!("{}: {}", refused.code(), refused.diagnosis()), refused.code());
            told.json.insert("diagnosis".to_owned(), refused.diagnosis().into());
        }
        None => {
            told.say("refused", "no reason found", Value::Null);
            told.say("still_to_check", UNKNOWN_HERE, UNKNOWN_HERE);
        }
    }
}
