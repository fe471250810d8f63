//! The requests to the vault, with the permission for each.

/// A request to the vault.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Get,
    List,
    Set,
}

impl Step {
    pub(crate) const fn permission(self) -> &'static str {
        match self {
            Self::Get => "Get (role Key Vault Secrets User)",
            Self::List => "List (role Key Vault Secrets Officer)",
            Self::Set => "Set (role Key Vault Secrets Officer)",
        }
    }
}
