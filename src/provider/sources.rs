//! The documents behind the table of presets, each with the day on which it was read.

/// The URL or name of a document, and the day on which it was read.
pub(super) type Source = (&'static str, &'static str);

pub(super) const GITHUB_FLOW: Source =
    ("https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps", "2026-11-24");
pub(super) const GITHUB_SCOPES: Source =
    ("https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps", "2026-11-24");
pub(super) const GITHUB_METADATA: Source =
    ("https://docs.github.com/en/apps/github-authentication-discovery-endpoints", "2026-11-24");
pub(super) const GITHUB_ISS: Source = ("https://github.com/openiddict/openiddict-core/pull/2529", "2026-11-24");

pub(super) const GOOGLE_METADATA: Source =
    ("https://accounts.google.com/.well-known/openid-configuration", "2026-11-24");
pub(super) const GOOGLE_GUIDE: Source =
    ("https://developers.google.com/identity/openid-connect/openid-connect", "2026-11-24");
pub(super) const GOOGLE_REFERENCE: Source =
    ("https://developers.google.com/identity/openid-connect/reference", "2026-11-24");
pub(super) const GOOGLE_ISS: Source = ("https://github.com/openiddict/openiddict-core/issues/2428", "2026-11-24");

pub(super) const ENTRA_LIMIT: Source = ("https://github.com/aspnet/Security/issues/978", "2026-11-24");
pub(super) const ENTRA_ERROR: Source = ("https://github.com/bitwarden/server/issues/953", "2026-11-24");
pub(super) const ENTRA_FLOW: Source =
    ("https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow", "2026-11-24");
pub(super) const ENTRA_OIDC: Source =
    ("https://learn.microsoft.com/en-us/entra/identity-platform/v2-protocols-oidc", "2026-11-24");
pub(super) const ENTRA_METADATA: Source =
    ("https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration", "2026-11-24");

pub(super) const APPLE_AUTHORIZE: Source = (
    "https://developer.apple.com/documentation/signinwithapplerestapi/request-an-authorization-to-the-sign-in-with-apple-server.",
    "2026-11-24",
);
pub(super) const APPLE_METADATA: Source = ("https://appleid.apple.com/.well-known/openid-configuration", "2026-11-24");

pub(super) const X_FLOW: Source =
    ("https://docs.x.com/resources/fundamentals/authentication/oauth-2-0/authorization-code", "2026-11-24");
pub(super) const X_STEPS: Source =
    ("https://docs.x.com/resources/fundamentals/authentication/oauth-2-0/user-access-token", "2026-11-24");

pub(super) const GITLAB_FLOW: Source = ("https://docs.gitlab.com/api/oauth2/", "2026-11-24");
pub(super) const GITLAB_METADATA: Source = ("https://gitlab.com/.well-known/oauth-authorization-server", "2026-11-24");

pub(super) const DISCORD_FLOW: Source = ("https://docs.discord.com/developers/topics/oauth2", "2026-11-24");
pub(super) const DISCORD_METADATA: Source =
    ("https://discord.com/.well-known/oauth-authorization-server", "2026-11-24");

pub(super) const LINKEDIN_FLOW: Source =
    ("https://learn.microsoft.com/en-us/linkedin/shared/authentication/authorization-code-flow", "2026-11-24");
pub(super) const LINKEDIN_OIDC: Source = (
    "https://learn.microsoft.com/en-us/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2",
    "2026-11-24",
);

pub(super) const SLACK_SIGN_IN: Source = ("https://api.slack.com/docs/sign-in-with-slack", "2026-11-24");
pub(super) const SLACK_METADATA: Source = ("https://slack.com/.well-known/openid-configuration", "2026-11-24");
pub(super) const SLACK_TOKEN: Source = ("https://docs.slack.dev/reference/methods/openid.connect.token", "2026-11-24");
pub(super) const SLACK_PKCE: Source = ("https://docs.slack.dev/changelog/2026/03/30/pkce", "2026-11-24");

pub(super) const FACEBOOK_OIDC: Source =
    ("https://developers.facebook.com/documentation/facebook-login/guides/advanced/oidc-token", "2026-11-24");
pub(super) const FACEBOOK_PERMISSIONS: Source =
    ("https://developers.facebook.com/documentation/facebook-login/guides/permissions/review", "2026-11-24");
pub(super) const FACEBOOK_METADATA: Source =
    ("https://www.facebook.com/.well-known/openid-configuration/", "2026-11-24");

pub(super) const OKTA_REFERENCE: Source = ("https://developer.okta.com/docs/reference/api/oidc/", "2026-11-24");
pub(super) const OKTA_STATE: Source =
    ("https://support.okta.com/help/s/article/the-authentication-request-has-an-invalid-state-parameter", "2026-11-24");
pub(super) const OKTA_METADATA: Source =
    ("https://{your domain}/oauth2/default/.well-known/openid-configuration", "2026-11-24");

pub(super) const AUTH0_FLOW: Source =
    ("https://auth0.com/docs/api/authentication/authorization-code-flow-with-pkce/authorize-with-pkce", "2026-11-24");
pub(super) const AUTH0_LOGIN: Source = (
    "https://auth0.com/docs/get-started/authentication-and-authorization-flow/authorization-code-flow/add-login-auth-code-flow",
    "2026-11-24",
);
pub(super) const AUTH0_NONCE: Source = (
    "https://auth0.com/docs/get-started/authentication-and-authorization-flow/implicit-flow-with-form-post/add-login-using-the-implicit-flow-with-form-post",
    "2026-11-24",
);
pub(super) const AUTH0_METADATA: Source = ("https://{your domain}/.well-known/openid-configuration", "2026-11-24");

pub(super) const KEYCLOAK_LIMIT: Source = ("https://github.com/keycloak/keycloak/pull/42434", "2026-11-24");
pub(super) const KEYCLOAK_OPTIONS: Source = ("https://www.keycloak.org/server/all-provider-config", "2026-11-24");
pub(super) const KEYCLOAK_ISS: Source = (
    "https://github.com/keycloak/keycloak/blob/main/docs/documentation/upgrading/topics/changes/changes-23_0_0.adoc",
    "2026-11-24",
);
pub(super) const KEYCLOAK_METADATA: Source =
    ("https://{your host}/realms/{realm}/.well-known/openid-configuration", "2026-11-24");

pub(super) const COGNITO_AUTHORIZE: Source =
    ("https://docs.aws.amazon.com/cognito/latest/developerguide/authorization-endpoint.html", "2026-11-24");

pub(super) const OIDC_CORE: Source = ("OpenID Connect Core 1.0, sections 2, 3.1.2.1 and 5.4", "2026-11-24");
