//! Compare-and-set, based on a label that can be moved only away from its current version.

use oauth_state::ring::SecretString;
use oauth_state::ring::source::{SourceError, SourceErrorKind};

use crate::{AwsSecret, CURRENT, explain};

/// The label of a new version until it gets the real one. Not AWSPENDING, which belongs to the rotation of Secrets
/// Manager itself.
const NEXT: &str = "OAUTH_STATE_NEXT";

/// Replaces the expected version with the document, and returns the new version.
pub(crate) async fn store(
    source: &AwsSecret,
    document: &SecretString,
    expected: Option<&str>,
) -> Result<Option<String>, SourceError> {
    // This check does not decide, but avoids adding a version that would never be used.
    let present = match source.get().await {
        Ok(answer) => answer.version_id,
        Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => None,
        Err(error) => return Err(explain::call(source, "secretsmanager:GetSecretValue", &error)),
    };
    if present.as_deref() != expected {
        return Err(conflict(source, present.as_deref()));
    }
    let put = source
        .client
        .put_secret_value()
        .secret_id(&source.secret_id)
        .secret_string(document.expose())
        .version_stages(NEXT)
        .customize()
        .config_override(AwsSecret::once());
    let put = match put.send().await {
        Ok(put) => put,
        Err(error)
            if expected.is_none()
                && error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) =>
        {
            return create(source, document).await;
        }
        Err(error) => return Err(explain::call(source, "secretsmanager:PutSecretValue", &error)),
    };
    let new = put.version_id.ok_or_else(|| no_version(source))?;
    // The first version of a secret has AWSCURRENT from the start.
    let promoted = if put.version_stages.unwrap_or_default().contains(&source.staging_label) {
        Ok(())
    } else {
        promote(source, expected, &new).await
    };
    // A leftover label does no harm: the next write moves it.
    let tidied = source
        .client
        .update_secret_version_stage()
        .secret_id(&source.secret_id)
        .version_stage(NEXT)
        .remove_from_version_id(&new)
        .customize()
        .config_override(AwsSecret::once());
    let _ = tidied.send().await;
    promoted.map(|()| Some(new))
}

/// Moves the label: of several writers, only one succeeds.
async fn promote(source: &AwsSecret, from: Option<&str>, to: &str) -> Result<(), SourceError> {
    let moved = source
        .client
        .update_secret_version_stage()
        .secret_id(&source.secret_id)
        .version_stage(&source.staging_label)
        .move_to_version_id(to)
        .set_remove_from_version_id(from.map(str::to_owned))
        .customize()
        .config_override(AwsSecret::once());
    let Err(error) = moved.send().await else { return Ok(()) };
    // The error code for a label on another version is undocumented, so read the label itself.
    if error.as_service_error().is_some() {
        let present = source.get().await.ok().and_then(|answer| answer.version_id);
        if present.is_some() && present.as_deref() != from {
            return Err(conflict(source, present.as_deref()));
        }
    }
    Err(explain::call(source, "secretsmanager:UpdateSecretVersionStage", &error))
}

async fn create(source: &AwsSecret, document: &SecretString) -> Result<Option<String>, SourceError> {
    if source.secret_id.starts_with("arn:") {
        return Err(SourceError::new(&source.name, SourceErrorKind::Missing, "no secret has this ARN")
            .with_remedy("create the secret first, or use its name instead of an ARN"));
    }
    let create = source
        .client
        .create_secret()
        .name(&source.secret_id)
        .description("Key ring of oauth-state")
        .secret_string(document.expose())
        .customize()
        .config_override(AwsSecret::once());
    let created = match create.send().await {
        Ok(created) => created,
        Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_exists_exception()) => {
            return Err(conflict(source, None));
        }
        Err(error) => return Err(explain::call(source, "secretsmanager:CreateSecret", &error)),
    };
    let new = created.version_id.ok_or_else(|| no_version(source))?;
    if source.staging_label != CURRENT {
        promote(source, None, &new).await?;
    }
    Ok(Some(new))
}

fn conflict(source: &AwsSecret, present: Option<&str>) -> SourceError {
    let label = &source.staging_label;
    let kind = SourceErrorKind::Conflict;
    match present {
        Some(version) => SourceError::new(&source.name, kind, format_args!("{label} is at version {version}")),
        None => SourceError::new(&source.name, kind, format_args!("{label} is not at the expected version")),
    }
}

fn no_version(source: &AwsSecret) -> SourceError {
    SourceError::new(&source.name, SourceErrorKind::Unavailable, "the stored version has no id")
}
