//! `keys rotate`, `keys revoke` and `keys prune`: read, make the change, show the plan, and write the result.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauth_state::ring::{Change as Difference, KeyRingDocument, KeyRole, RingTiming, RootKeyId, Step, StepError};
use serde_json::{Value, json};

use crate::arguments::{Change, Revoke, Rotate, Times};
use crate::failure::Failure;
use crate::output::{Report, may_show_here};
use crate::sources::Loaded;
use crate::text::{relative, utc};

pub fn rotate(options: &Rotate, now: SystemTime) -> Result<Report, Failure> {
    let loaded = load(&options.change)?;
    let mut step = loaded.document.rotate(now)?;
    let added = step.changes.iter().find_map(|change| match change {
        Difference::Added { id, .. } => Some(*id),
        _ => None,
    });
    if let (Some(id), Some(note)) = (added, &options.note) {
        step.document = step.document.with_note(id, note)?;
    }
    let mut notes = Vec::new();
    if loaded.document.ring().serial() == 0 {
        notes.push(
            "the bare key becomes a document; servers that read it only at their start have to be restarted".to_owned(),
        );
    }
    publish(&options.change, &loaded, &step, notes, now)
}

pub fn revoke(options: &Revoke, now: SystemTime) -> Result<Report, Failure> {
    let loaded = load(&options.change)?;
    let mut ids = options
        .ids
        .iter()
        .map(|given| find(given, options.unknown_id, &loaded.document, now))
        .collect::<Result<Vec<_>, _>>()?;
    let role_of = |id| loaded.document.list(now).find(|key| key.id == id).map(|key| key.role);
    if options.all {
        let opens = |role| matches!(role, KeyRole::Pending | KeyRole::Active | KeyRole::Retiring);
        ids = loaded.document.list(now).filter(|key| opens(key.role)).map(|key| key.id).collect();
    }
    // Keys that have not sealed yet come first: they need no replacement.
    ids.sort_by_key(|id| role_of(*id) != Some(KeyRole::Pending));
    let mut notes = Vec::new();
    let mut step: Option<Step> = None;
    for id in &ids {
        let before = step.as_ref().map_or(&loaded.document, |step| &step.document);
        let mut next = match before.revoke(*id, now) {
            Err(StepError::AlreadyRevoked(_)) => continue,
            next => next?,
        };
        if let Some(step) = &step {
            next.changes.splice(..0, step.changes.iter().copied());
        }
        step = Some(next);
        match role_of(*id) {
            Some(KeyRole::Active | KeyRole::Retiring) => {
                let taken_out = step.iter().flat_map(|step| &step.changes).any(|change| {
                    matches!(change, Difference::Withdrawn { id: other } | Difference::Dropped { id: other } if other == id)
                });
                let code = if taken_out { "unknown_key" } else { "key_revoked" };
                notes.push(format!("logins under way under key {id} fail as {code}; people can start again"));
            }
            None => {
                let note = "the ring holds no key of that id; it is revoked all the same, so that it never comes back";
                notes.push(note.to_owned());
            }
            Some(_) => {}
        }
    }
    let Some(step) = step else {
        let why = match ids[..] {
            [id] => format!("key {id} is revoked already"),
            _ => "all of them are revoked already".to_owned(),
        };
        return nothing_to_do(&options.change, &loaded, why);
    };
    notes.push(
        "a server goes on with the old document until it has read this one, at its next refresh or start".to_owned(),
    );
    let seals_now =
        |change: &Difference| matches!(change, Difference::Added { seal_from, .. } if after_1970(*seal_from) <= now);
    if step.changes.iter().any(seals_now) {
        notes.push("until a server has read it, it refuses the new key's states as unknown_key".to_owned());
    }
    publish(&options.change, &loaded, &step, notes, now)
}

pub fn times(options: &Times, now: SystemTime) -> Result<Report, Failure> {
    let loaded = load(&options.change)?;
    let present = loaded.document.timing();
    let timing = RingTiming {
        propagation: options.propagation.unwrap_or(present.propagation),
        skew: options.skew.unwrap_or(present.skew),
        lifetime_cap: options.lifetime_cap.unwrap_or(present.lifetime_cap),
    };
    if timing == present && loaded.document.serial() > 0 {
        return nothing_to_do(&options.change, &loaded, "those are the times of the document".to_owned());
    }
    let step = loaded.document.with_times(timing, now)?;
    let mut notes = Vec::new();
    if timing.lifetime_cap < present.lifetime_cap {
        notes.push(
            "only after every release gives shorter lifetimes, and the old lifetime_cap has passed since".to_owned(),
        );
    }
    if timing.propagation < present.propagation {
        notes.push("only once every server reads its source that often".to_owned());
    }
    if timing.skew > present.skew {
        let settled = present.lifetime_cap.max(timing.lifetime_cap).saturating_add(timing.skew.saturating_mul(3));
        let wait = present.propagation.max(timing.propagation).saturating_mul(2).saturating_add(settled).as_secs();
        notes.push(format!(
            "wait {wait} s before you raise skew again: until then some marks in the replay guard end by the old skew"
        ));
    }
    if timing.skew < present.skew {
        let wait = present.propagation.max(timing.propagation).as_secs();
        let rotation = present.lifetime_cap.saturating_add(present.skew).as_secs();
        notes.push(format!("wait {wait} s before you lower skew again, and {rotation} s before the next rotation"));
    }
    publish(&options.change, &loaded, &step, notes, now)
}

pub fn prune(options: &Change, now: SystemTime) -> Result<Report, Failure> {
    let loaded = load(options)?;
    match loaded.document.without_retired(now) {
        Err(StepError::NothingRetired) => nothing_to_do(options, &loaded, "no key is retired".to_owned()),
        step => publish(options, &loaded, &step?, Vec::new(), now),
    }
}

/// Reads only after it is clear that the result can be written.
fn load(options: &Change) -> Result<Loaded, Failure> {
    if options.out.is_some() {
        may_show_here(options.show_key_material)?;
    } else if !options.dry_run && !options.source.is_writable() {
        return Err(options.source.read_only());
    }
    options.source.load()
}

fn nothing_to_do(options: &Change, loaded: &Loaded, why: String) -> Result<Report, Failure> {
    let (serial, fingerprint) = (loaded.document.ring().serial(), loaded.document.ring().fingerprint());
    Ok(Report {
        text: format!("{why}: nothing to do\n"),
        json: json!({ "changes": [], "serial": serial, "fingerprint": fingerprint, "written_to": null, "why": why }),
        // If the output is redirected to the ring itself, it must not become empty.
        document: options.out.as_ref().map(|_| loaded.text.clone()),
        ..Report::default()
    })
}

/// Shows the plan, and writes unless another writer was faster.
fn publish(
    options: &Change,
    loaded: &Loaded,
    step: &Step,
    notes: Vec<String>,
    now: SystemTime,
) -> Result<Report, Failure> {
    let text = step.document.to_secret_text();
    let mut report = plan(loaded, step, now);
    report.notes = notes;
    let mut written_to = Value::Null;
    if options.dry_run {
        report.text += "dry run: nothing was written\n";
    } else if options.out.is_some() {
        report.document = Some(text);
    } else {
        options.source.store(&text, loaded.version.as_deref())?;
        report.text += &format!("written to {}\n", options.source.name());
        written_to = json!(options.source.name());
    }
    if let Some(object) = report.json.as_object_mut() {
        object.insert("written_to".to_owned(), written_to);
    }
    Ok(report)
}

fn plan(loaded: &Loaded, step: &Step, now: SystemTime) -> Report {
    let document = &step.document;
    let (before, after) = (loaded.document.serial(), document.serial());
    let mut text = format!("serial {before} -> {after}, fingerprint {}\n", document.ring().fingerprint());
    let mut changes = Vec::new();
    for change in &step.changes {
        let described = describe(change, now);
        text += &format!("  {described}\n");
        changes.push(json!({ "kind": kind(change), "key": id_of(change), "says": described }));
    }
    let mut events = Vec::new();
    for event in document.ring().events_after(now) {
        let (at, when) = (utc(event.at), relative(event.at, now));
        if events.is_empty() {
            text += "then, by itself:\n";
        }
        text += &format!("  {at}  {:14}  key {} {}\n", when, event.id, event.kind);
        events.push(json!({ "at": at, "key": event.id.to_string(), "what": event.kind.to_string() }));
    }
    let json = json!({
        "serial": after,
        "serial_before": before,
        "fingerprint": document.ring().fingerprint(),
        "changes": changes,
        "events": events,
    });
    Report { text, json, ..Report::default() }
}

fn describe(change: &Difference, now: SystemTime) -> String {
    match change {
        Difference::Added { id, seal_from, emergency } if after_1970(*seal_from) > now => {
            let (from, when) = (utc(after_1970(*seal_from)), relative(after_1970(*seal_from), now));
            let place = if *emergency { " in its place," } else { "" };
            format!("add key {id}, which seals{place} from {from} ({when})")
        }
        _ => change.to_string(),
    }
}

fn after_1970(seconds: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(UNIX_EPOCH)
}

fn kind(change: &Difference) -> &'static str {
    match change {
        Difference::Added { emergency: true, .. } => "added_in_emergency",
        Difference::Added { .. } => "added",
        Difference::Dropped { .. } => "dropped",
        Difference::Withdrawn { .. } => "withdrawn",
        Difference::Times(_) => "times",
        Difference::Revoked { .. } => "revoked",
        _ => "other",
    }
}

fn id_of(change: &Difference) -> String {
    match change {
        Difference::Added { id, .. }
        | Difference::Dropped { id }
        | Difference::Withdrawn { id }
        | Difference::Revoked { id } => id.to_string(),
        _ => String::new(),
    }
}

/// The selected key. The errors do not repeat the argument, which may be a pasted key.
fn find(given: &str, may_be_unknown: bool, document: &KeyRingDocument, now: SystemTime) -> Result<RootKeyId, Failure> {
    let given = given.to_ascii_lowercase();
    let known = |id| document.revoked().contains(&id) || document.list(now).any(|key| key.id == id);
    if let Some(id) = given.parse::<RootKeyId>().ok().filter(|id| may_be_unknown || known(*id)) {
        return Ok(id);
    }
    let digits = (4..=16).contains(&given.len()) && given.bytes().all(|byte| byte.is_ascii_hexdigit());
    let hint =
        "oauth-state keys list shows the ids; with --unknown-id a whole one of 16 digits need not stand in the ring";
    if !digits {
        return Err(Failure::usage("no_id", "a key's id is 16 hexadecimal digits, or its first 4 or more", hint));
    }
    let fitting = document.list(now).map(|key| key.id).filter(|id| id.to_string().starts_with(&given));
    match fitting.collect::<Vec<_>>()[..] {
        [id] => Ok(id),
        [] => Err(Failure::usage("no_such_key", "no key of the ring has an id that begins like that", hint)),
        _ => Err(Failure::usage("ambiguous", "several keys of the ring have an id that begins like that", hint)),
    }
}
