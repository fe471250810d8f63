//! A provider from the command line, compared with its known properties.

use std::str::FromStr;

use super::check::Check;
use oauth_state::Provider;
use oauth_state::error::NameError;
use oauth_state::provider::{Preset, ResponseMode};

/// `ID`, followed by comma-separated settings named like [`Provider`]'s methods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderSpec {
    pub(super) id: String,
    /// Not one of the presets.
    custom: bool,
    response_mode: Option<ResponseMode>,
    max_state_chars: Option<usize>,
    issuer: Option<String>,
    requires_iss: Option<String>,
    pub(super) redirect_uris: Vec<(Option<String>, String)>,
}

impl FromStr for ProviderSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let mut spec = Self { id: parts.next().unwrap_or_default().to_owned(), ..Self::default() };
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match (name, value.is_empty()) {
                ("custom", true) => spec.custom = true,
                ("response_mode", false) => spec.response_mode = Some(response_mode(value)?),
                ("max_state_chars", false) => {
                    spec.max_state_chars =
                        Some(value.parse().map_err(|_| "max_state_chars takes a number".to_owned())?);
                }
                ("issuer", false) => spec.issuer = Some(value.to_owned()),
                ("requires_iss", false) => spec.requires_iss = Some(value.to_owned()),
                ("redirect_uri", false) => spec.redirect_uris.push((None, value.to_owned())),
                _ => match name.strip_prefix("redirect_uri:").filter(|_| !value.is_empty()) {
                    Some(id) => spec.redirect_uris.push((Some(id.to_owned()), value.to_owned())),
                    None => return Err(format!("{part:?} is none of {SETTINGS}")),
                },
            }
        }
        Ok(spec)
    }
}

const SETTINGS: &str = "custom, response_mode=MODE, max_state_chars=N, issuer=URL, requires_iss=URL, redirect_uri=URL and \
                        redirect_uri:NAME=URL";

fn response_mode(text: &str) -> Result<ResponseMode, String> {
    const MODES: [ResponseMode; 3] = [ResponseMode::Query, ResponseMode::FormPost, ResponseMode::FormPostReposted];
    let found = MODES.into_iter().find(|mode| word(*mode) == text);
    found.ok_or_else(|| format!("response_mode is one of {}", MODES.map(word).join(", ")))
}

fn word(mode: ResponseMode) -> &'static str {
    match mode {
        ResponseMode::Query => "query",
        ResponseMode::FormPost => "form_post",
        ResponseMode::FormPostReposted => "form_post_reposted",
        _ => "another mode",
    }
}

impl ProviderSpec {
    /// The provider as the service configures it, or the reason why it is invalid.
    pub(super) fn provider(&self) -> Result<Provider, Check> {
        let id = &self.id;
        let wrong_name =
            |error: NameError| Check::error("provider", format!("{id:?}: {error}"), "correct its id").about(id);
        let provider = match Preset::find(id) {
            Some(preset) if !self.custom => preset.provider(),
            None if !self.custom => return Err(self.unknown()),
            _ => Provider::custom(id).map_err(wrong_name)?,
        };
        let mut provider = match self.response_mode {
            Some(mode) => provider.response_mode(mode),
            None => provider,
        };
        provider = self.max_state_chars.into_iter().fold(provider, Provider::with_max_state_chars);
        provider = self.issuer.iter().fold(provider, |provider, issuer| provider.issuer(issuer));
        provider = self.requires_iss.iter().fold(provider, |provider, issuer| provider.requires_iss(issuer));
        Ok(self.redirect_uris.iter().fold(provider, |provider, (id, uri)| match id {
            Some(id) => provider.named_redirect_uri(id, uri),
            None => provider.redirect_uri(uri),
        }))
    }

    fn unknown(&self) -> Check {
        let known: Vec<_> = Preset::all().iter().map(|preset| preset.id).collect();
        Check::error(
            "unknown_provider",
            format!("there is no preset {:?}", self.id),
            format!("name one of {}; or add \",custom\" for a provider of Provider::custom", known.join(", ")),
        )
        .about(&self.id)
    }

    /// The expected response mode, in a word.
    pub(super) fn answers_by(&self) -> &'static str {
        let preset = Preset::find(&self.id).filter(|_| !self.custom).map(|preset| preset.response_mode);
        word(self.response_mode.or(preset).unwrap_or(ResponseMode::Query))
    }

    /// The contradictions between the settings and the provider's documents.
    pub(super) fn against_preset(&self) -> Vec<Check> {
        let Some(preset) = Preset::find(&self.id).filter(|_| !self.custom) else { return Vec::new() };
        let mut checks = Vec::new();
        let mode = self.response_mode.map(|mode| match mode {
            ResponseMode::FormPostReposted => ResponseMode::FormPost,
            mode => mode,
        });
        let unheard = |mode: &ResponseMode| preset.response_modes.is_some_and(|modes| !modes.value.contains(mode));
        if let Some(mode) = mode.filter(unheard) {
            let found = format!("{} is not known to answer by {}", preset.name, word(mode));
            checks.push(Check::warning("response_mode", found, "leave response_mode out"));
        }
        if let (Some(ResponseMode::Query), Some(when)) = (mode, preset.form_post_when) {
            let found = format!("{} answers by form_post when {}, and query is expected", preset.name, when.value);
            checks.push(Check::warning("response_mode", found, "leave response_mode out, unless that never happens"));
        }
        if let (Some(given), Some(limit)) = (self.max_state_chars, preset.max_state_chars)
            && given > limit.value
        {
            let found = format!("max_state_chars is {given}, and {} takes {} characters", preset.name, limit.value);
            checks.push(Check::warning(
                "state_limit",
                found,
                format!("leave max_state_chars out; see {}", limit.source),
            ));
        }
        checks.into_iter().map(|check| check.about(&self.id)).collect()
    }
}

#[cfg(test)]
mod tests;
