//! The TLS words of an address (`sslmode`, `sslrootcert`, `sslcert`, `sslkey`), as libpq has them. `tokio_postgres` knows
//! only three values of the first, so they are taken out before it reads the rest.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;

use oauth_state::guard::GuardError;

/// An address, without its TLS words.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) tls: Tls,
}

/// The TLS words of an address.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tls {
    pub(super) mode: Mode,
    /// `None` for the operating system's, as for `sslrootcert=system`.
    pub(super) root_certificates: Option<PathBuf>,
    pub(super) client_certificate: Option<PathBuf>,
    pub(super) client_key: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// `allow` and `prefer`, the default: TLS that anyone on the way can turn off would protect nothing, so there is none.
    #[default]
    NotSaid,
    /// `disable`.
    Off,
    /// `require`, `verify-ca` and `verify-full`: the certificate and its name are verified for each of them.
    Verified,
}

const FORMS: &str = "invalid address; expected postgres://user@host:5432/database?sslmode=verify-full or \
                     \"host=… dbname=… sslmode=verify-full\"";

impl Address {
    /// Reads an address. Its errors do not repeat it, because it may contain a password.
    pub(super) fn read(address: &str) -> Result<Self, GuardError> {
        let is_url = ["postgres://", "postgresql://"].iter().any(|scheme| address.starts_with(scheme));
        let (rest, words) = if is_url { of_url(address)? } else { of_pairs(address)? };
        // `sslrootcert=system` too: libpq takes it for a wish to verify.
        let names_certificates = words.iter().any(|(word, _)| word != "sslmode");
        let mut tls = Tls::default();
        for (word, value) in words {
            tls.set(&word, value)?;
        }
        if tls.mode != Mode::Verified && names_certificates {
            return refuse("sslrootcert, sslcert and sslkey need sslmode=verify-full");
        }
        if tls.client_certificate.is_some() != tls.client_key.is_some() {
            return refuse("sslcert and sslkey need each other");
        }
        let config = rest.parse::<Config>().map_err(|_| GuardError::misconfigured(FORMS))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return refuse("the address has no host; expected postgres://user@host:5432/database");
        }
        Ok(Self { config, tls })
    }
}

impl Tls {
    fn set(&mut self, word: &str, value: String) -> Result<(), GuardError> {
        match word {
            "sslmode" => {
                self.mode = match value.as_str() {
                    "disable" => Mode::Off,
                    "allow" | "prefer" => Mode::NotSaid,
                    "require" | "verify-ca" | "verify-full" => Mode::Verified,
                    _ => {
                        return refuse("sslmode must be disable, allow, prefer, require, verify-ca or verify-full");
                    }
                }
            }
            "sslrootcert" => self.root_certificates = (value != "system").then(|| value.into()),
            "sslcert" => self.client_certificate = Some(value.into()),
            _ => self.client_key = Some(value.into()),
        }
        Ok(())
    }
}

fn is_tls_word(word: &str) -> bool {
    matches!(word, "sslmode" | "sslrootcert" | "sslcert" | "sslkey")
}

type Words = Vec<(String, String)>;

/// The TLS words of `postgres://…?sslmode=…&…`, and the address without them.
fn of_url(address: &str) -> Result<(String, Words), GuardError> {
    let Some((start, query)) = address.split_once('?') else { return Ok((address.to_owned(), Vec::new())) };
    let (mut others, mut words) = (Vec::new(), Vec::new());
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some((word, value)) if is_tls_word(word) => {
                let value = percent_decode_str(value).decode_utf8().map_err(|_| GuardError::misconfigured(FORMS))?;
                words.push((word.to_owned(), value.into_owned()));
            }
            _ => others.push(pair),
        }
    }
    let question = if others.is_empty() { "" } else { "?" };
    Ok((format!("{start}{question}{}", others.join("&")), words))
}

/// The TLS words of `host=… sslmode=…`, and the address without them. A value may be quoted, with backslashes in front of
/// quotes and backslashes.
fn of_pairs(address: &str) -> Result<(String, Words), GuardError> {
    let (mut rest, mut words) = (String::new(), Vec::new());
    let mut left = address.trim_start();
    while !left.is_empty() {
        let (word, after) = left.split_once('=').ok_or_else(|| GuardError::misconfigured(FORMS))?;
        let after = after.trim_start();
        let (value, length) = value_of(after)?;
        let (written, next) = after.split_at(length);
        if is_tls_word(word.trim()) {
            words.push((word.trim().to_owned(), value));
        } else {
            rest.push_str(&format!("{}={written} ", word.trim()));
        }
        left = next.trim_start();
    }
    Ok((rest, words))
}

/// The first value of a text, and how many bytes it takes.
fn value_of(text: &str) -> Result<(String, usize), GuardError> {
    let quoted = text.starts_with('\'');
    let (mut value, mut escaped) = (String::new(), false);
    for (at, letter) in text.char_indices().skip(usize::from(quoted)) {
        match letter {
            _ if escaped => {
                value.push(letter);
                escaped = false;
            }
            '\\' => escaped = true,
            '\'' if quoted => return Ok((value, at.saturating_add(1))),
            _ if !quoted && letter.is_whitespace() => return Ok((value, at)),
            _ => value.push(letter),
        }
    }
    if quoted { refuse(FORMS) } else { Ok((value, text.len())) }
}

fn refuse<T>(reason: &'static str) -> Result<T, GuardError> {
    Err(GuardError::misconfigured(reason))
}

#[cfg(test)]
mod tests;
