//! The plaintext of a state (docs/wire-format.md, "Plaintext"):
//!
//! ```text
//! issued_at u32 BE ‖ lifetime u16 BE ‖ restarts u8 ‖ flags u8 ‖ binding tag 16 [‖ user tag 16] [‖ connection tag 8]
//! ‖ provider ‖ tenant ‖ redirect ‖ return_to ‖ data
//! ```
//!
//! The first four fields of the last line have a length prefix: one byte below 128, two bytes from there on. The data takes the rest.

use crate::name;

/// The longest lifetime of a state, in seconds (a limit of the format).
pub(crate) const LONGEST_LIFETIME: u16 = 3600;
/// Bytes of a binding tag and of a user tag.
pub(crate) const TAG_BYTES: usize = 16;
/// Bytes of a connection tag.
pub(crate) const CONNECTION_TAG_BYTES: usize = 8;
/// The user tag is present.
const FLAG_USER: u8 = 0b0000_0001;
/// The kind of binding, for a clear error only.
const FLAGS_KIND: u8 = 0b0000_0110;
const KIND_SHIFT: u32 = 1;
/// The connection tag is present.
const FLAG_CONNECTION: u8 = 0b0000_1000;
/// The longest field with a length prefix: 15 bits.
const LONGEST_FIELD: usize = 0x7fff;

/// The kind of a login's binding, as a number for the derivation and, for clear errors, for the flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum BindingKind {
    Unbound = 0,
    Cookie = 1,
    Session = 2,
    LoginSecret = 3,
}

impl BindingKind {
    #[cfg(feature = "metrics")]
    pub(crate) const ALL: [Self; 4] = [Self::Unbound, Self::Cookie, Self::Session, Self::LoginSecret];

    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    /// The word in events and metrics.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Unbound => "unbound",
            Self::Cookie => "cookie",
            Self::Session => "session",
            Self::LoginSecret => "login_secret",
        }
    }

    const fn from_flags(flags: u8) -> Self {
        match (flags & FLAGS_KIND) >> KIND_SHIFT {
            1 => Self::Cookie,
            2 => Self::Session,
            3 => Self::LoginSecret,
            _ => Self::Unbound,
        }
    }
}

/// The contents of a state. Empty means absent for `tenant`, `redirect`, `return_to` and `data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claims<'a> {
    pub(crate) issued_at: u32,
    pub(crate) lifetime: u16,
    pub(crate) restarts: u8,
    pub(crate) kind: BindingKind,
    pub(crate) binding_tag: [u8; TAG_BYTES],
    pub(crate) user_tag: Option<[u8; TAG_BYTES]>,
    /// For a provider that was loaded at run time.
    pub(crate) connection_tag: Option<[u8; CONNECTION_TAG_BYTES]>,
    pub(crate) provider: &'a str,
    pub(crate) tenant: &'a [u8],
    pub(crate) redirect: &'a str,
    pub(crate) return_to: &'a str,
    pub(crate) data: &'a [u8],
}

/// The bytes were not written by this release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MalformedClaims;

impl<'a> Claims<'a> {
    /// Appends everything except the data, which the caller appends.
    pub(crate) fn write_without_data(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.issued_at.to_be_bytes());
        out.extend_from_slice(&self.lifetime.to_be_bytes());
        let user = if self.user_tag.is_some() { FLAG_USER } else { 0 };
        let connection = if self.connection_tag.is_some() { FLAG_CONNECTION } else { 0 };
        out.extend_from_slice(&[self.restarts, user | (self.kind.number() << KIND_SHIFT) | connection]);
        out.extend_from_slice(&self.binding_tag);
        out.extend(self.user_tag.iter().flatten());
        out.extend(self.connection_tag.iter().flatten());
        for field in [self.provider.as_bytes(), self.tenant, self.redirect.as_bytes(), self.return_to.as_bytes()] {
            write_field(field, out);
        }
    }

    /// Reads a plaintext strictly: each claim has exactly one encoding, and everything else is refused.
    ///
    /// Only a holder of the key can write one, so this guards against other releases and implementations rather than against attackers.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, MalformedClaims> {
        let mut rest = Reader(bytes);
        let issued_at = u32::from_be_bytes(*rest.array()?);
        let lifetime = u16::from_be_bytes(*rest.array()?);
        let [restarts, flags] = *rest.array()?;
        if flags & !(FLAG_USER | FLAGS_KIND | FLAG_CONNECTION) != 0 || !(1..=LONGEST_LIFETIME).contains(&lifetime) {
            return Err(MalformedClaims);
        }
        let binding_tag = *rest.array()?;
        let user_tag = if flags & FLAG_USER == 0 { None } else { Some(*rest.array()?) };
        let connection_tag = if flags & FLAG_CONNECTION == 0 { None } else { Some(*rest.array()?) };
        let provider = rest.text()?;
        let tenant = rest.field()?;
        let redirect = rest.text()?;
        let return_to = rest.text()?;
        let good =
            name::is_provider_id(provider) && tenant.len() <= 64 && (redirect.is_empty() || name::is_name(redirect));
        let kind = BindingKind::from_flags(flags);
        let claims = Self {
            issued_at,
            lifetime,
            restarts,
            kind,
            binding_tag,
            user_tag,
            connection_tag,
            provider,
            tenant,
            redirect,
            return_to,
            data: rest.0,
        };
        if good { Ok(claims) } else { Err(MalformedClaims) }
    }

    /// The second in which the state expires, without the skew.
    pub(crate) fn expires_at(&self) -> u64 {
        u64::from(self.issued_at).saturating_add(self.lifetime.into())
    }
}

/// Appends a length and the field. The type of every field bounds it, far below the format's 32767 bytes.
fn write_field(field: &[u8], out: &mut Vec<u8>) {
    let length = u16::try_from(field.len().min(LONGEST_FIELD)).unwrap_or_default();
    match u8::try_from(length) {
        Ok(short @ 0..0x80) => out.push(short),
        _ => out.extend_from_slice(&(length | 0x8000).to_be_bytes()),
    }
    out.extend(field.iter().take(length.into()));
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], MalformedClaims> {
        let (array, rest) = self.0.split_first_chunk().ok_or(MalformedClaims)?;
        self.0 = rest;
        Ok(array)
    }

    fn field(&mut self) -> Result<&'a [u8], MalformedClaims> {
        let [first] = *self.array()?;
        let length = if first < 0x80 {
            first.into()
        } else {
            let [second] = *self.array()?;
            let length = u16::from_be_bytes([first & 0x7f, second]);
            // A short field with a long length would be a second encoding of the same claims.
            if length < 0x80 {
                return Err(MalformedClaims);
            }
            length
        };
        let (field, rest) = self.0.split_at_checked(length.into()).ok_or(MalformedClaims)?;
        self.0 = rest;
        Ok(field)
    }

    fn text(&mut self) -> Result<&'a str, MalformedClaims> {
        std::str::from_utf8(self.field()?).map_err(|_| MalformedClaims)
    }
}

#[cfg(test)]
mod tests;
