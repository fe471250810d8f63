//! `inspect`.

use std::borrow::Cow;
use std::io::{IsTerminal, Read};
use std::time::SystemTime;

use oauth_state::inspect::{Inspection, ParseStateError, StateContents, StateForm, UnverifiedClaims};
use oauth_state::{App, Purpose};
use serde_json::{Map, Value, json};

use crate::arguments::Inspect;
use crate::failure::Failure;
use crate::output::{Report, table};
use crate::sources::Source;
use crate::text::{harmless, hex, relative, utc};

/// Longer than any callback that a flow accepts.
const LARGEST: u64 = 65_536;
const UNKNOWN_HERE: &str =
    "the binding; the provider, tenant and redirect_uri that the callback expects; iss; single use";

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
            "standard input is where the state comes from",
            "give the keys by a file, a variable or a helper",
        ));
    }
    let given = standard_input()?;
    let state = match state_in(&given) {
        Ok(state) => state,
        Err(code) => return Ok(no_state(code)),
    };
    let (mut told, now) = (Told::default(), options.at.unwrap_or(now));
    let (Some(source), Some(app), Some(environment)) = (&options.keys, &options.app, &options.environment) else {
        let form = StateForm::read(&state);
        tell_form(form, &mut told);
        match UnverifiedClaims::read(&state) {
            Some(claims) => tell_unverified(&claims, now, &mut told),
            None => told.say("told", "only this: --keys, --app and --environment tell the rest", "form"),
        }
        return Ok(report(told, form.is_err()));
    };
    let name = |error: &dyn std::fmt::Display| {
        Failure::usage("name", error.to_string(), "give the names that the service gives")
    };
    let app = App::new(app, environment).map_err(|error| name(&error))?;
    let mut purposes = vec![Purpose::Login, Purpose::Link, Purpose::Reauthenticate, Purpose::Logout];
    if !options.purpose.is_empty() {
        purposes.clone_from(&options.purpose);
        purposes.sort_by_key(ToString::to_string);
        purposes.dedup();
    }
    let inspection =
        source.load()?.document.ring().inspect(&state, &app, &purposes, now).map_err(|error| name(&error))?;
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

fn no_state(code: &'static str) -> Report {
    let mut told = Told::default();
    let shown =
        format!("{code}: the callback has {}", if code == "missing_state" { "no state" } else { "several states" });
    told.say("refused", shown, code);
    report(told, true)
}

fn standard_input() -> Result<String, Failure> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        eprintln!("paste a state or a callback's address, then a line end and Ctrl-D:");
    }
    let mut given = String::new();
    let read = stdin.lock().take(LARGEST).read_to_string(&mut given);
    let empty = given.trim().is_empty();
    match read {
        Ok(_) if !empty => Ok(given),
        _ => Err(Failure::usage("no_input", "no text came on standard input", "oauth-state inspect < callback.txt")),
    }
}

/// The text is a state alone, or a query with the state as a parameter.
fn state_in(given: &str) -> Result<Cow<'_, str>, &'static str> {
    let given = given.trim();
    let query = match given.split_once('?') {
        Some((_, query)) => query,
        None if given.contains("state=") => given,
        None => return Ok(Cow::Borrowed(given)),
    };
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    let mut states =
        url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "state").map(|(_, state)| state);
    match (states.next().filter(|state| !state.is_empty()), states.next()) {
        (_, Some(_)) => Err("duplicate_parameter"),
        (None, None) => Err("missing_state"),
        (Some(state), None) => Ok(state),
    }
}

fn tell_form(form: Result<StateForm, ParseStateError>, told: &mut Told) {
    match form {
        Ok(form) => {
            let StateForm { characters, bytes, key_id, .. } = form;
            let prefix = form.prefix();
            let row = match prefix {
                "ost1" => "",
                "oss1" => ", signed: anybody can read it",
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
        "UNVERIFIED, anybody may have written it: --keys, --app and --environment verify it",
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
            told.say("refused", "not by what is known here", Value::Null);
            told.say("still_to_check", UNKNOWN_HERE, UNKNOWN_HERE);
        }
    }
}

#[cfg(test)]
mod tests;
