//! Writing rotations to Google Secret Manager.

use google_cloud_secretmanager_v1::model::secret_version::State;
use google_cloud_secretmanager_v1::model::{Secret, SecretPayload, SecretVersion};
use google_cloud_wkt::FieldMask;
use oauth_state::BoxFuture;
use oauth_state::ring::SecretString;
use oauth_state::ring::source::{SourceError, SourceErrorKind, WritableSource};

use crate::checksum::crc32c;
use crate::secret::{GcpSecret, once};
use crate::step::Step;

impl WritableSource for GcpSecret {
    /// Adds a version, and points the alias at it.
    ///
    /// With an **alias** this is a compare-and-set: the alias is moved with the secret's etag, which the service
    /// compares. Of two writers, one moves it and the other gets a conflict. The loser's version is destroyed, and no
    /// reader of the alias ever saw it.
    ///
    /// With **`latest`** it is not, because adding a version accepts no condition. The current version is compared
    /// first. The number of the new version shows whether another writer was faster; this write then reports a conflict
    /// *although its document is the latest*. Write to an alias if two rotations can happen at once.
    ///
    /// A version selected by its number cannot be replaced.
    fn store<'a>(
        &'a self,
        document: &'a SecretString,
        expected_version: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<String>, SourceError>> {
        Box::pin(async move {
            self.check()?;
            let version = match self.version.as_str() {
                "latest" => self.add_latest(document, expected_version).await,
                number if number.bytes().all(|byte| byte.is_ascii_digit()) => Err(self
                    .error(SourceErrorKind::Misconfigured, "a version selected by its number cannot be replaced")
                    .with_remedy("use an alias or latest")),
                alias => self.move_alias(alias, document, expected_version).await,
            };
            version.map(|number| Some(number.to_string()))
        })
    }
}

impl GcpSecret {
    async fn add_latest(&self, document: &SecretString, expected: Option<&str>) -> Result<i64, SourceError> {
        let standing = self.standing("latest").await?;
        let usable = standing.filter(|(_, enabled)| *enabled).map(|(number, _)| number);
        self.compare(usable, expected)?;
        let written = self.add(document).await?;
        // The service numbers versions in order, without gaps.
        let before = standing.map_or(0, |(number, _)| number);
        if before.checked_add(1) == Some(written) {
            return Ok(written);
        }
        let answer = format!("version {written} was added after another writer's; {before} was the latest at first");
        Err(self.error(SourceErrorKind::Conflict, answer).with_remedy(
            "both are stored: look at the versions since, and repeat the step that the latest one lacks; write to an alias, so \
             that this cannot happen",
        ))
    }

    async fn move_alias(
        &self,
        alias: &str,
        document: &SecretString,
        expected: Option<&str>,
    ) -> Result<i64, SourceError> {
        let pointed = self.aliases().await?.version_aliases.get(alias).copied();
        let usable = match (pointed, expected) {
            // A writer that expected no version may find a disabled or destroyed one.
            (Some(number), None) => {
                self.standing(&number.to_string()).await?.filter(|(_, enabled)| *enabled).map(|(number, _)| number)
            }
            _ => pointed,
        };
        self.compare(usable, expected)?;
        let written = self.add(document).await?;
        match self.point(alias, pointed, written).await {
            Ok(()) => Ok(written),
            Err(error) => {
                // After a write without a response, the alias may point there.
                if error.kind() != SourceErrorKind::Unavailable {
                    // If it stays, no server reads it.
                    let _ = self.destroy(written).await;
                }
                Err(error)
            }
        }
    }

    /// Moves the alias from one version to the other, unless the secret changes meanwhile.
    async fn point(&self, alias: &str, from: Option<i64>, to: i64) -> Result<(), SourceError> {
        // Read again, because adding the version may have changed the etag.
        let secret = self.aliases().await?;
        if secret.version_aliases.get(alias).copied() != from {
            return Err(self.error(SourceErrorKind::Conflict, "the alias was moved by another writer"));
        }
        if secret.etag.is_empty() {
            // Without an etag the service would overwrite any state.
            return Err(self.error(SourceErrorKind::Misconfigured, "the secret has no etag"));
        }
        let mut aliases = secret.version_aliases;
        aliases.insert(alias.to_owned(), to);
        let wanted = Secret::new().set_name(&self.secret).set_etag(secret.etag).set_version_aliases(aliases);
        let mask = FieldMask::default().set_paths(["version_aliases"]);
        let request = self.client.update_secret().set_secret(wanted).set_update_mask(mask);
        once(request).send().await.map_err(|error| self.refused(Step::PointAlias, error))?;
        Ok(())
    }

    async fn aliases(&self) -> Result<Secret, SourceError> {
        let request = self.client.get_secret().set_name(&self.secret);
        once(request).send().await.map_err(|error| self.refused(Step::GetSecret, error))
    }

    /// The number of a version and whether it can be read; none if it does not exist.
    async fn standing(&self, version: &str) -> Result<Option<(i64, bool)>, SourceError> {
        let request = self.client.get_secret_version().set_name(format!("{}/versions/{version}", self.secret));
        match once(request).send().await {
            Ok(SecretVersion { name, state, .. }) => Ok(Some((self.number(&name)?, state == State::Enabled))),
            Err(error) => match self.refused(Step::GetVersion, error) {
                missing if missing.kind() == SourceErrorKind::Missing => Ok(None),
                other => Err(other),
            },
        }
    }

    fn compare(&self, standing: Option<i64>, expected: Option<&str>) -> Result<(), SourceError> {
        let number = standing.map(|number| number.to_string());
        if number.as_deref() == expected {
            return Ok(());
        }
        let there = number.map_or("nothing".to_owned(), |number| format!("version {number}"));
        let answer = match expected {
            Some(expected) => format!("{there} is current, not version {expected}"),
            None => format!("{there} already exists"),
        };
        Err(self.error(SourceErrorKind::Conflict, answer))
    }

    async fn add(&self, document: &SecretString) -> Result<i64, SourceError> {
        let bytes = document.expose().as_bytes();
        let payload = SecretPayload::new().set_data(bytes.to_vec()).set_data_crc32c(crc32c(bytes));
        let request = self.client.add_secret_version().set_parent(&self.secret).set_payload(payload);
        let added = once(request).send().await.map_err(|error| self.refused(Step::AddVersion, error))?;
        self.number(&added.name)
    }

    async fn destroy(&self, version: i64) -> Result<(), SourceError> {
        let request = self.client.destroy_secret_version().set_name(format!("{}/versions/{version}", self.secret));
        once(request).send().await.map_err(|error| self.refused(Step::Destroy, error))?;
        Ok(())
    }
}
