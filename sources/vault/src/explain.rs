//! The meaning of Vault's responses, and the remedies.

use oauth_state::ring::source::{SourceError, SourceErrorKind};

use crate::answer::{FieldError, Secret, errors};
use crate::http::Answer;

fn words(answer: &Answer) -> String {
    let errors = errors(answer);
    if errors.is_empty() { answer.status.to_string() } else { format!("{} {errors}", answer.status) }
}

/// Decided by the status alone.
pub(crate) fn status(name: &str, answer: &Answer) -> SourceError {
    let words = words(answer);
    let error = |kind| SourceError::new(name, kind, &words);
    match answer.status {
        200..=299 => no_answer(name, answer),
        300..=399 => error(SourceErrorKind::Unavailable)
            .with_remedy("use the address of the active node, or of a load balancer that finds it; tokens are not sent after a redirect"),
        401 | 403 => error(SourceErrorKind::Denied),
        404 => error(SourceErrorKind::Missing),
        503 if words.contains("sealed") => error(SourceErrorKind::Unavailable)
            .with_remedy("unseal it (vault operator unseal, bao operator unseal); it will be retried"),
        429 => error(SourceErrorKind::Unavailable)
            .with_remedy("it will be retried; if the error persists, refresh less often or raise the rate limit quota"),
        // 412: a performance standby that lags behind; 472, 473: standby nodes.
        408 | 412 | 472 | 473 | 500.. => error(SourceErrorKind::Unavailable),
        _ => error(SourceErrorKind::Misconfigured),
    }
}

/// Success, but not a response of a KV version 2 engine.
pub(crate) fn no_answer(name: &str, answer: &Answer) -> SourceError {
    let words = format_args!("{} with a body that is not from KV version 2", answer.status);
    SourceError::new(name, SourceErrorKind::Misconfigured, words)
        .with_remedy("fix the address or the mount, which must be a KV version 2 engine")
}

/// Nothing is at the path: it is empty, its latest version is deleted, or there is no such mount.
pub(crate) fn missing(name: &str, answer: &Answer, policy_path: &str) -> SourceError {
    let words = words(answer);
    if words.contains("no handler for route") {
        return SourceError::new(name, SourceErrorKind::Misconfigured, words).with_remedy(
            "fix the mount or the namespace, or enable KV version 2 there (secrets enable -version=2 kv)",
        );
    }
    let Some(secret) = Secret::of(answer) else {
        return SourceError::new(name, SourceErrorKind::Missing, words).with_remedy(format!(
            "write a ring there (oauth-state keys generate), or fix mount, path or namespace; {policy_path} is a path of KV version 2"
        ));
    };
    let version = secret.metadata.version;
    let (what, to_do) = if secret.metadata.destroyed {
        (
            "destroyed",
            "write a new ring (oauth-state keys generate), or restore an earlier version (kv rollback)".to_owned(),
        )
    } else {
        (
            "deleted",
            format!("undo the deletion (kv undelete -versions={version}), or restore an earlier version (kv rollback)"),
        )
    };
    SourceError::new(name, SourceErrorKind::Missing, format_args!("{words}, version {version} is {what}"))
        .with_remedy(to_do)
}

/// The token is valid, but its policies do not grant the right.
pub(crate) fn policy(name: &str, answer: &Answer, right: &str, policy_path: &str) -> SourceError {
    SourceError::new(name, SourceErrorKind::Denied, words(answer))
        .with_remedy(format!("add `{right}` on {policy_path} to a policy of this token or role"))
}

/// The token itself is no longer valid.
pub(crate) fn token(name: &str, answer: &Answer) -> SourceError {
    SourceError::new(name, SourceErrorKind::Denied, format_args!("{}, also for the token itself", words(answer)))
        .with_remedy("the token has expired, was revoked or belongs to another namespace; provide a new one")
}

/// The cause is unknown.
pub(crate) fn either(name: &str, answer: &Answer, right: &str, policy_path: &str) -> SourceError {
    SourceError::new(name, SourceErrorKind::Denied, words(answer))
        .with_remedy(format!("add `{right}` on {policy_path} to a policy of this token, or provide a new token"))
}

/// A login was refused.
pub(crate) fn login(name: &str, mount: &str, answer: &Answer) -> SourceError {
    let words = format!("login at auth/{mount}: {}", words(answer));
    match answer.status {
        // AppRole's response to an unknown, expired or used-up role id or secret id, and Vault's response without a
        // token for a missing mount.
        403 => SourceError::new(name, SourceErrorKind::Denied, words)
            .with_remedy("fix the mount of AppRole or the namespace, or enable it there (auth enable approle)"),
        400 | 401 => SourceError::new(name, SourceErrorKind::Denied, words).with_remedy(
            "provide a valid role id and secret id (a secret id expires, and can be limited to a number of logins)",
        ),
        404 => SourceError::new(name, SourceErrorKind::Misconfigured, words)
            .with_remedy("fix the mount of AppRole or the namespace, or enable it there (auth enable approle)"),
        200..=299 => SourceError::new(name, SourceErrorKind::Misconfigured, words).with_remedy("fix the address"),
        _ => status(name, answer),
    }
}

/// A credential's file cannot be read.
pub(crate) fn file(name: &str, what: &str, path: &std::path::Path, cause: std::io::Error) -> SourceError {
    let words = format_args!("the {what} file {}: {cause}", path.display());
    SourceError::new(name, SourceErrorKind::Misconfigured, words)
        .with_remedy(format!(
            "let the agent, or the other writer of that file, write the {what} there, readable by this service"
        ))
        .because(cause)
}

/// The secret exists, but its field is wrong.
pub(crate) fn field(name: &str, field: &str, wrong: FieldError) -> SourceError {
    match wrong {
        FieldError::Absent(others) => {
            let words = format!("no field {field}; there are: {}", others.join(", "));
            SourceError::new(name, SourceErrorKind::Missing, words).with_remedy(format!(
                "write the ring to the field {field} (kv patch … {field}=@ring.json), or name the right field"
            ))
        }
        FieldError::NotText => {
            SourceError::new(name, SourceErrorKind::Document, format_args!("the field {field} is not text"))
                .with_remedy(format!("write the document as text (kv patch … {field}=@ring.json)"))
        }
    }
}
