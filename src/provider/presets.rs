//! The table of presets. Every value names the document that it was read from, and the day. Values without a document are `None`.

use super::ResponseMode::{self, FormPost, Query};
use super::preset::{Preset, Sourced};
use super::sources::{self as from, Source};

const fn read<T: Copy>(value: T, source: Source) -> Option<Sourced<T>> {
    Some(Sourced { value, source: source.0, read: source.1 })
}

const BY_QUERY: &[ResponseMode] = &[Query];
const BY_EITHER: &[ResponseMode] = &[Query, FormPost];
const OPENID: &[&str] = &["openid", "profile", "email"];

pub(super) const PRESETS: &[Preset] = &[
    GITHUB, GOOGLE, ENTRA, APPLE, X, GITLAB, DISCORD, LINKEDIN, SLACK, FACEBOOK, OKTA, AUTH0, KEYCLOAK, COGNITO, OIDC,
];

impl Preset {
    /// All rows of the table.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        PRESETS
    }

    /// The row with this id, if there is one.
    #[must_use]
    pub fn find(id: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.id == id)
    }
}

pub(super) const GITHUB: Preset = Preset {
    id: "github",
    name: "GitHub",
    max_state_chars: None,
    state_alphabet: None,
    response_mode: Query,
    response_modes: read(BY_QUERY, from::GITHUB_FLOW),
    form_post_when: None,
    sends_iss: read(true, from::GITHUB_ISS),
    issuer: read("https://github.com/login/oauth", from::GITHUB_METADATA),
    compares_iss: false,
    pkce_s256: read(true, from::GITHUB_FLOW),
    nonce: read(false, from::GITHUB_METADATA),
    scopes: read(&["read:user", "user:email"], from::GITHUB_SCOPES),
    authorization_endpoint: read("https://github.com/login/oauth/authorize", from::GITHUB_FLOW),
    token_endpoint: read("https://github.com/login/oauth/access_token", from::GITHUB_FLOW),
    remark: read(
        "the issuer is documented as a preview and may change: compare it only if you follow that",
        from::GITHUB_METADATA,
    ),
};

pub(super) const GOOGLE: Preset = Preset {
    id: "google",
    name: "Google",
    max_state_chars: None,
    state_alphabet: None,
    response_mode: Query,
    response_modes: read(BY_QUERY, from::GOOGLE_GUIDE),
    form_post_when: None,
    sends_iss: read(true, from::GOOGLE_ISS),
    issuer: read("https://accounts.google.com", from::GOOGLE_REFERENCE),
    compares_iss: true,
    pkce_s256: read(true, from::GOOGLE_METADATA),
    nonce: read(true, from::GOOGLE_GUIDE),
    scopes: read(OPENID, from::GOOGLE_METADATA),
    authorization_endpoint: read("https://accounts.google.com/o/oauth2/v2/auth", from::GOOGLE_METADATA),
    token_endpoint: read("https://oauth2.googleapis.com/token", from::GOOGLE_METADATA),
    remark: None,
};

pub(super) const ENTRA: Preset = Preset {
    id: "entra",
    name: "Microsoft Entra",
    max_state_chars: read(1800, from::ENTRA_LIMIT),
    state_alphabet: None,
    response_mode: Query,
    response_modes: read(BY_EITHER, from::ENTRA_FLOW),
    form_post_when: None,
    sends_iss: None,
    issuer: None,
    compares_iss: false,
    pkce_s256: read(true, from::ENTRA_FLOW),
    nonce: read(true, from::ENTRA_OIDC),
    scopes: read(OPENID, from::ENTRA_METADATA),
    authorization_endpoint: None,
    token_endpoint: None,
    remark: read(
        "the limit is what users ran into, not documented: `AADSTS90015: Requested query string is too long`",
        from::ENTRA_ERROR,
    ),
};

pub(super) const APPLE: Preset = Preset {
    id: "apple",
    name: "Apple",
    max_state_chars: None,
    state_alphabet: None,
    response_mode: FormPost,
    response_modes: read(BY_EITHER, from::APPLE_AUTHORIZE),
    form_post_when: read("a scope is asked for", from::APPLE_AUTHORIZE),
    sends_iss: None,
    issuer: read("https://appleid.apple.com", from::APPLE_METADATA),
    compares_iss: false,
    pkce_s256: None,
    nonce: read(true, from::APPLE_AUTHORIZE),
    scopes: read(&["name", "email"], from::APPLE_AUTHORIZE),
    authorization_endpoint: read("https://appleid.apple.com/auth/authorize", from::APPLE_METADATA),
    token_endpoint: read("https://appleid.apple.com/auth/token", from::APPLE_METADATA),
    remark: None,
};

pub(super) const X: Preset = Preset {
    id: "x",
    name: "X",
    max_state_chars: read(500, from::X_FLOW),
    state_alphabet: None,
    response_mode: Query,
    response_modes: read(BY_QUERY, from::X_STEPS),
    form_post_when: None,
    sends_iss: None,
    issuer: None,
    compares_iss: false,
    pkce_s256: read(true, from::X_FLOW),
    nonce: None,
    scopes: read(&["users.read", "tweet.read", "users.email"], from::X_FLOW),
    authorization_endpoint: read("https://x.com/i/oauth2/authorize", from::X_FLOW),
    token_endpoint: read("https://api.x.com/2/oauth2/token", from::X_STEPS),
    remark: None,
};

pub(super) const GITLAB: Preset = Preset {
    id: "gitlab",
    name: "GitLab",
    max_state_chars: None,
    state_alphabet: None,
    response_mode: Query,
    response_modes: read(BY_EITHER, from::GITLAB_METADATA),
    form_post_when: None,
    sends_iss: None,
    issuer: read("https://gitlab.com", from::GITLAB_METADATA),
    compares_iss: false,
    pkce_s256: read(true, from::GITLAB_FLOW),
    nonce: None,
    scopes: read(OPENID, from::GITLAB_METADATA),
    authorization_endpoint: read("https://gitlab.com/oauth/authorize", from::GITLAB_METADATA),
    token_endpoint: read("https://gitlab.com/oauth/token", from::GITLAB_METADATA),
    remark: None,
};

pub(super) const DISCORD: Preset = Preset {
    id: "discord",
    name: "Discord",
    max_state_chars: None,
    state_alphabet: None,
    response_mode: Query,
    response_modes: read(BY_QUERY, from::DISCORD_FLOW),
    form_post_when: None,
    sends_iss: read(true, from::DISCORD_METADATA),
    issuer: read("https://discord.com", from::DISCORD_METADATA),
    compares_iss: true,
    pkce_s256: read(true, from::DISCORD_METADATA),
    nonce: None,
    scopes: read(&["identify", "email"], from::DISCORD_FLOW),
    authorization_endpoint: read("https://discord.com/oauth2/authorize", from::DISCORD_FLOW),
    token_endpoint: read("https://discord.com/api/oauth2/token", from::DISCORD_FLOW),
    remark: None,
};

pub(super) const LINKEDIN: Preset = Preset {
    id: "linkedin",
    name: "LinkedIn",
    max_state_chars: None,
    state_alphabet: None,
    response_mode: Query,
    response_modes: read(BY_QUERY, from::LINKEDIN_FLOW),
    form_post_when: None,
    sends_iss: None,
    issuer: None,
    compares_iss: false,
    pkce_s256: None,
    nonce: None,
    scopes: read(OPENID, from::LINKEDIN_OIDC),
    authorization_endpoint: read("https://www.linkedin.com/oauth/v2/authorization", from::LINKEDIN_FLOW),
    token_endpoint: read("https://www.linkedin.com/oauth/v2/accessToken", from::LINKEDIN_FLOW),
    remark: None,
};

pub(super) const SLACK: Preset = Preset {
    id: "slack",
    name: "Slack",
    max_state_chars: None,
    state_alphabet: None,
    response_mode: Query,
    response_modes: read(BY_QUERY, from::SLACK_METADATA),
    form_post_when: None,
    sends_iss: None,
    issuer: read("https://slack.com", from::SLACK_METADATA),
    compares_iss: false,
    pkce_s256: None,
    nonce: read(true, from::SLACK_TOKEN),
    scopes: read(OPENID, from::SLACK_SIGN_IN),
    authorization_endpoint: read("https://slack.com/openid/connect/authorize", from::SLACK_METADATA),
    token_endpoint: read("https://slack.com/api/openid.connect.token", from::SLACK_METADATA),
    remark: read("PKCE is a setting of the app that makes it a public client for good", from::SLACK_PKCE),
};

pub(super) const FACEBOOK: Preset = Preset {
    id: "facebook",
    name: "Facebook",
    max_state_chars: None,
    state_alphabet: None,
    response_mode: Query,
    response_modes: read(BY_QUERY, from::FACEBOOK_OIDC),
    form_post_when: None,
    sends_iss: None,
    issuer: read("https://www.facebook.com", from::FACEBOOK_METADATA),
    compares_iss: false,
    pkce_s256: read(true, from::FACEBOOK_OIDC),
    nonce: read(true, from::FACEBOOK_OIDC),
    scopes: read(&["public_profile", "email"], from::FACEBOOK_PERMISSIONS),
    authorization_endpoint: None,
    token_endpoint: None,
    remark: read("OpenID Connect and PKCE are \"still in testing\"; they need the scope `openid`", from::FACEBOOK_OIDC),
};

const OKTA_ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789,._-";

pub(super) const OKTA: Preset = Preset {
    id: "okta",
    name: "Okta",
    max_state_chars: None,
    state_alphabet: read(OKTA_ALPHABET, from::OKTA_STATE),
    response_mode: Query,
    response_modes: read(BY_EITHER, from::OKTA_REFERENCE),
    form_post_when: None,
    sends_iss: None,
    issuer: None,
    compares_iss: false,
    pkce_s256: read(true, from::OKTA_REFERENCE),
    nonce: read(true, from::OKTA_REFERENCE),
    scopes: read(OPENID, from::OKTA_METADATA),
    authorization_endpoint: None,
    token_endpoint: None,
    remark: read("it refuses a request without `state`", from::OKTA_STATE),
};

pub(super) const AUTH0: Preset = Preset {
    id: "auth0",
    name: "Auth0",
    max_state_chars: None,
    state_alphabet: None,
    response_mode: Query,
    response_modes: read(BY_EITHER, from::AUTH0_METADATA),
    form_post_when: None,
    sends_iss: None,
    issuer: None,
    compares_iss: false,
    pkce_s256: read(true, from::AUTH0_FLOW),
    nonce: read(true, from::AUTH0_NONCE),
    scopes: read(OPENID, from::AUTH0_LOGIN),
    authorization_endpoint: None,
    token_endpoint: None,
    remark: read("the issuer ends in a slash", from::AUTH0_LOGIN),
};

pub(super) const KEYCLOAK: Preset = Preset {
    id: "keycloak",
    name: "Keycloak",
    max_state_chars: read(4000, from::KEYCLOAK_LIMIT),
    state_alphabet: None,
    response_mode: Query,
    response_modes: read(BY_EITHER, from::KEYCLOAK_METADATA),
    form_post_when: None,
    sends_iss: read(true, from::KEYCLOAK_ISS),
    issuer: None,
    compares_iss: false,
    pkce_s256: read(true, from::KEYCLOAK_METADATA),
    nonce: read(true, from::KEYCLOAK_OPTIONS),
    scopes: read(OPENID, from::KEYCLOAK_METADATA),
    authorization_endpoint: None,
    token_endpoint: None,
    remark: read("`iss` comes since version 23, unless a client's settings leave it out", from::KEYCLOAK_ISS),
};

pub(super) const COGNITO: Preset = Preset {
    id: "cognito",
    name: "Amazon Cognito",
    max_state_chars: None,
    state_alphabet: None,
    response_mode: Query,
    response_modes: read(BY_QUERY, from::COGNITO_AUTHORIZE),
    form_post_when: None,
    sends_iss: None,
    issuer: None,
    compares_iss: false,
    pkce_s256: read(true, from::COGNITO_AUTHORIZE),
    nonce: read(true, from::COGNITO_AUTHORIZE),
    scopes: read(OPENID, from::COGNITO_AUTHORIZE),
    authorization_endpoint: None,
    token_endpoint: None,
    remark: read("JSON does not survive as `state`; base64url does", from::COGNITO_AUTHORIZE),
};

pub(super) const OIDC: Preset = Preset {
    id: "oidc",
    name: "any OpenID provider",
    max_state_chars: None,
    state_alphabet: None,
    response_mode: Query,
    response_modes: None,
    form_post_when: None,
    sends_iss: None,
    issuer: None,
    compares_iss: false,
    pkce_s256: None,
    nonce: read(true, from::OIDC_CORE),
    scopes: read(OPENID, from::OIDC_CORE),
    authorization_endpoint: None,
    token_endpoint: None,
    remark: None,
};
