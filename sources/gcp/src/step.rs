//! The requests to the service, with the permission for each.

use google_cloud_gax::error::rpc::Code;
use oauth_state::ring::source::SourceErrorKind;

/// A request to the service.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Access,
    GetSecret,
    GetVersion,
    AddVersion,
    PointAlias,
    Destroy,
}

impl Step {
    pub(crate) const fn permission(self) -> &'static str {
        match self {
            Self::Access => "secretmanager.versions.access (roles/secretmanager.secretAccessor)",
            Self::GetSecret => "secretmanager.secrets.get",
            Self::GetVersion => "secretmanager.versions.get",
            Self::AddVersion => "secretmanager.versions.add",
            Self::PointAlias => "secretmanager.secrets.update",
            Self::Destroy => "secretmanager.versions.destroy",
        }
    }

    /// The kind of error for the codes that the service documents.
    pub(crate) const fn kind(self, code: Code) -> SourceErrorKind {
        match (code, self) {
            // The etag belongs to another state of the secret. The service documents the first of these, Google's guide
            // for all its services the second.
            (Code::FailedPrecondition | Code::Aborted, Self::PointAlias) => SourceErrorKind::Conflict,
            (Code::Unauthenticated | Code::PermissionDenied, _) => SourceErrorKind::Denied,
            // A disabled or destroyed version fails a precondition.
            (Code::NotFound | Code::FailedPrecondition, _) => SourceErrorKind::Missing,
            (Code::InvalidArgument | Code::OutOfRange | Code::Unimplemented, _) => SourceErrorKind::Misconfigured,
            _ => SourceErrorKind::Unavailable,
        }
    }
}
