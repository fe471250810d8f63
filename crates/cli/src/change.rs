//! `keys rotate`, `keys revoke` and `keys prune`: read, make the change, show the plan, and write the result.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauth_state::ring::{
    Change as Difference, KeyRingDocument, KeyRole, Lint, RingError, RingTiming, RootKeyId, Step, StepError,
};
use serde_json::{Value, json};

use crate::arguments::{Change, Revoke, Rotate, Times};
use crate::clock;
use crate::failure::{Exit, Failure};
use crate::output::{Report, may_show_here};
use crate::sources::Loaded;
use crate::text::{relative, span_of, utc};

pub fn rotate(options: &Rotate, now: SystemTime) -> Result<Report, Failure> {
    let loaded = load(&options.change)?;
    if let Some(age) = young_enough(options.if_older_than, &loaded.document, now) {
        let why = format!("the newest key was published {} ago", span_of(age));
        return nothing_to_do(&options.change, &loaded, why);
    }
    let mut step = loaded.document.rotate(now).map_err(|error| counted(error, &loaded.document, now))?;
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
    let pending = count(&step.document, KeyRole::Pending, now);
    if pending > 1 {
        notes.push(format!(
            "{pending} keys are now pending, and one is enough; --if-older-than 30d lets a repeated rotation do nothing"
        ));
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
            next => next.map_err(|error| counted(error, before, now))?,
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
                notes.push(format!("logins under way under key {id} fail as {code}; users can start again"));
            }
            None => {
                let note = "the ring holds no key with that id; the id is revoked, so that the key can never be added";
                notes.push(note.to_owned());
            }
            Some(_) => {}
        }
    }
    let Some(step) = step else {
        let why = match ids[..] {
            [id] => format!("key {id} is already revoked"),
            _ => "all of them are already revoked".to_owned(),
        };
        return nothing_to_do(&options.change, &loaded, why);
    };
    notes.push("a server uses the old document until it reads this one, at its next refresh or start".to_owned());
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
        return nothing_to_do(&options.change, &loaded, "the document has these times already".to_owned());
    }
    let step = loaded.document.with_times(timing, now).map_err(|error| counted(error, &loaded.document, now))?;
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

/// How long ago the newest key was published, if that is less than the given time. A ring in which no key seals needs one at any age.
fn young_enough(least: Option<Duration>, document: &KeyRingDocument, now: SystemTime) -> Option<Duration> {
    let newest = document.list(now).filter(|key| key.role != KeyRole::Revoked).map(|key| key.published_at).max()?;
    let skew = document.timing().skew;
    let age = match now.duration_since(newest) {
        Ok(age) => age,
        // The clock that wrote it was a little ahead; by more, the rotation is refused.
        Err(ahead) if ahead.duration() <= skew => Duration::ZERO,
        Err(_) => return None,
    };
    let broken = document.lint(now, Duration::MAX).iter().any(|finding| {
        matches!(finding, Lint::NoActiveKey | Lint::NoActiveKeyFrom { .. } | Lint::NothingSealsYet { .. })
    });
    (age < least? && !broken).then_some(age)
}

fn count(document: &KeyRingDocument, role: KeyRole, now: SystemTime) -> usize {
    document.list(now).filter(|key| key.role == role).count()
}

/// Errors of the number of keys, with the keys that are there and what helps against them.
fn counted(error: StepError, document: &KeyRingDocument, now: SystemTime) -> Failure {
    let roles = [KeyRole::Pending, KeyRole::Active, KeyRole::Retiring, KeyRole::Retired, KeyRole::Revoked];
    let numbers = roles.map(|role| (count(document, role, now), role));
    let all: usize = numbers.iter().map(|(number, _)| number).sum();
    let listed: Vec<String> =
        numbers.iter().filter(|(number, _)| *number > 0).map(|(number, role)| format!("{number} {role}")).collect();
    let listed = listed.join(", ");
    let next = document.list(now).filter_map(|key| key.accept_until).filter(|until| *until > now).min();
    let wait = next.map(|at| format!("wait until the next key is retired, at {} ({})", utc(at), relative(at, now)));
    match error {
        StepError::Refused(RingError::KeyCount) => {
            let pending = count(document, KeyRole::Pending, now);
            let withdraw = (pending > 1).then(|| {
                format!(
                    "withdraw {} of the {pending} pending keys (oauth-state keys revoke)",
                    pending.saturating_sub(1)
                )
            });
            let to_do = [withdraw, wait].into_iter().flatten().collect::<Vec<_>>().join(", or ");
            let message = format!(
                "the ring has {all} keys ({listed}), and the last of its 16 places is reserved for a revocation"
            );
            Failure::new(Exit::Document, "document", message, to_do)
        }
        StepError::Refused(RingError::TimesChanged) => {
            let to_do = wait.unwrap_or_else(|| "see oauth-state keys list".to_owned());
            let message = format!(
                "the ring has {all} keys ({listed}), and times can only change while it has one: otherwise a key would open for a \
                 shorter or longer time than its states live"
            );
            Failure::new(Exit::Document, "document", message, format!("{to_do}; each key in turn, until one is left"))
        }
        other => other.into(),
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
    if !options.trust_this_clock {
        clock::must_be_plausible(&options.source, loaded, step, now)?;
    }
    let text = step.document.to_secret_text();
    let mut report = plan(loaded, step, options.dry_run, now);
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

/// A dry run makes another key than the command after it, so it shows neither that key's id nor the fingerprint.
fn plan(loaded: &Loaded, step: &Step, dry_run: bool, now: SystemTime) -> Report {
    let document = &step.document;
    let (before, after) = (loaded.document.serial(), document.serial());
    let never: Vec<RootKeyId> = step
        .changes
        .iter()
        .filter_map(|change| match change {
            Difference::Added { id, .. } if dry_run => Some(*id),
            _ => None,
        })
        .collect();
    let fingerprint = never.is_empty().then(|| document.ring().fingerprint());
    let shown_id = |id: RootKeyId| (!never.contains(&id)).then(|| id.to_string());
    let mut text = format!("serial {before} -> {after}");
    text +=
        &fingerprint.as_ref().map_or_else(|| "\n".to_owned(), |fingerprint| format!(", fingerprint {fingerprint}\n"));
    let mut changes = Vec::new();
    for change in &step.changes {
        let id = id_of(change);
        let mut described = describe(change, now);
        if let Some(id) = id.filter(|id| never.contains(id)) {
            described = described.replace(&format!("key {id}"), "a new key");
        }
        text += &format!("  {described}\n");
        changes.push(json!({ "kind": kind(change), "key": id.and_then(shown_id), "says": described }));
    }
    let mut events = Vec::new();
    for event in document.ring().events_after(now) {
        let (at, when) = (utc(event.at), relative(event.at, now));
        if events.is_empty() {
            text += "then, by itself:\n";
        }
        let id = shown_id(event.id);
        let key = id.as_ref().map_or_else(|| "the new key".to_owned(), |id| format!("key {id}"));
        text += &format!("  {at}  {when:14}  {key} {}\n", event.kind);
        events.push(json!({ "at": at, "key": id, "what": event.kind.to_string() }));
    }
    let json = json!({
        "serial": after,
        "serial_before": before,
        "fingerprint": fingerprint,
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

fn id_of(change: &Difference) -> Option<RootKeyId> {
    match change {
        Difference::Added { id, .. }
        | Difference::Dropped { id }
        | Difference::Withdrawn { id }
        | Difference::Revoked { id } => Some(*id),
        _ => None,
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
        "oauth-state keys list shows the ids; with --unknown-id, a whole id of 16 digits need not be in the ring";
    if !digits {
        return Err(Failure::usage("no_id", "a key's id is 16 hexadecimal digits, or its first 4 or more", hint));
    }
    let fitting = document.list(now).map(|key| key.id).filter(|id| id.to_string().starts_with(&given));
    match fitting.collect::<Vec<_>>()[..] {
        [id] => Ok(id),
        [] => Err(Failure::usage("no_such_key", "no key of the ring has an id that begins like that", hint)),
        ref several => {
            let message = format!("{} keys of the ring have an id that begins like that", several.len());
            Err(Failure::usage("ambiguous", message, hint))
        }
    }
}
