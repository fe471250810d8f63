//! The tenant that a login belongs to.

/// The longest tenant, in bytes.
const LONGEST: usize = 64;

/// The project, organization or customer of a login: 1 to 64 bytes of your choice.
///
/// A `Uuid` is 16 bytes here, never text. The callback either expects a tenant, if its address tells which, or learns it from the authentic
/// state.
///
/// # Examples
///
/// ```
/// use oauth_state::Tenant;
///
/// assert_eq!(Tenant::from_bytes(b"acme")?.as_bytes(), b"acme");
/// assert_eq!(Tenant::from([7; 16]).as_bytes(), [7; 16]); // such as the bytes of a UUID
/// assert!(Tenant::from_bytes(b"").is_err());
/// # Ok::<(), oauth_state::error::TenantError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant(Box<[u8]>);

/// A tenant has 1 to 64 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tenant must have 1 to {LONGEST} bytes, not {length}")]
pub struct TenantError {
    length: usize,
}

impl Tenant {
    /// Makes a tenant from 1 to 64 bytes.
    ///
    /// # Errors
    ///
    /// [`TenantError`] for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TenantError> {
        if (1..=LONGEST).contains(&bytes.len()) {
            Ok(Self(bytes.into()))
        } else {
            Err(TenantError { length: bytes.len() })
        }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Sixteen bytes, such as those of a UUID.
impl From<[u8; 16]> for Tenant {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes.into())
    }
}

/// The UUID of a tenant of 16 bytes.
///
/// # Examples
///
/// ```
/// use oauth_state::Tenant;
/// use uuid::Uuid;
///
/// let tenant = Tenant::from(Uuid::from_bytes([7; 16]));
/// assert_eq!(Uuid::try_from(&tenant)?, Uuid::from_bytes([7; 16]));
/// assert!(Uuid::try_from(&Tenant::from_bytes(b"acme")?).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "uuid")]
impl TryFrom<&Tenant> for uuid::Uuid {
    type Error = uuid::Error;

    fn try_from(tenant: &Tenant) -> Result<Self, uuid::Error> {
        Self::from_slice(tenant.as_bytes())
    }
}

/// The UUID's 16 bytes.
#[cfg(feature = "uuid")]
impl From<uuid::Uuid> for Tenant {
    fn from(uuid: uuid::Uuid) -> Self {
        Self::from(uuid.into_bytes())
    }
}
