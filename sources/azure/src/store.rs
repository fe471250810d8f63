//! Writing rotations to Azure Key Vault.

use std::collections::BTreeSet;

use azure_security_keyvault_secrets::models::SetSecretParameters;
use futures_util::TryStreamExt;
use oauth_state::BoxFuture;
use oauth_state::ring::SecretString;
use oauth_state::ring::source::{SourceError, SourceErrorKind, WritableSource};

use crate::secret::AzureSecret;
use crate::step::Step;

impl WritableSource for AzureSecret {
    /// Sets the secret, which creates a new version and makes it the current one.
    ///
    /// **Not a compare-and-set: Key Vault has no conditional write.** The current version is compared first, and the
    /// list of versions is read before and after. If another version was added in between, this reports a conflict,
    /// *although both are written by then* and either may be the current one. Of two concurrent writers, at most one is
    /// told that it succeeded, and possibly neither. A writer that succeeded may find its version replaced by a later
    /// one, whose writer was told of the conflict. Let one operator, or one job that runs alone, rotate the ring.
    ///
    /// A version selected by its id cannot be replaced.
    fn store<'a>(
        &'a self,
        document: &'a SecretString,
        expected_version: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<String>, SourceError>> {
        Box::pin(async move { self.replace(document, expected_version).await.map(Some) })
    }
}

impl AzureSecret {
    async fn replace(&self, document: &SecretString, expected: Option<&str>) -> Result<String, SourceError> {
        self.check()?;
        if self.version.is_some() {
            return Err(self
                .error(SourceErrorKind::Misconfigured, "a version selected by its id cannot be replaced")
                .with_remedy("omit the version"));
        }
        // In this order, a write after the list is noticed by the comparison or by the second list.
        let before = self.versions().await?;
        let standing = match self.get(None).await {
            Ok(secret) => Some(self.id(&secret)?),
            Err(error) if error.kind() == SourceErrorKind::Missing => None,
            Err(error) => return Err(error),
        };
        if standing.as_deref() != expected {
            let there = standing.map_or("nothing".to_owned(), |version| format!("version {version}"));
            let answer = match expected {
                Some(expected) => format!("{there} is current, not version {expected}"),
                None => format!("{there} already exists"),
            };
            return Err(self.error(SourceErrorKind::Conflict, answer));
        }
        let written = self.set(document).await?;
        let after = self.versions().await.map_err(|error| {
            let answer = format!("version {written} is written, but another version may have been added in between");
            self.error(SourceErrorKind::Unavailable, answer).because(error)
        })?;
        match after.difference(&before).find(|version| **version != written) {
            None => Ok(written),
            Some(other) => Err(self
                .error(
                    SourceErrorKind::Conflict,
                    format!("version {other} was added in between, and version {written} is written"),
                )
                .with_remedy("read the secret: both are stored; repeat the step that the current one lacks")),
        }
    }

    async fn set(&self, document: &SecretString) -> Result<String, SourceError> {
        let parameters = SetSecretParameters {
            content_type: Some("application/json".to_owned()),
            value: Some(document.expose().to_owned()),
            ..Default::default()
        };
        let refused = |error| self.refused(Step::Set, error);
        let request = parameters.try_into().map_err(refused)?;
        let response = self.client.set_secret(&self.secret, request, None).await.map_err(refused)?;
        self.id(&response.into_model().map_err(refused)?)
    }

    /// The ids of all versions; empty if there is no secret of that name.
    async fn versions(&self) -> Result<BTreeSet<String>, SourceError> {
        let refused = |error| self.refused(Step::List, error);
        let mut pages = self.client.list_secret_properties_versions(&self.secret, None).map_err(refused)?;
        let mut versions = BTreeSet::new();
        loop {
            match pages.try_next().await.map_err(refused) {
                Ok(Some(version)) => _ = versions.insert(self.id(&version)?),
                Ok(None) => return Ok(versions),
                Err(error) if error.kind() == SourceErrorKind::Missing => return Ok(versions),
                Err(error) => return Err(error),
            }
        }
    }
}
