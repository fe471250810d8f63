//! What the other packages of this repository need of the core and its public interface does not offer yet.
//!
//! It is hidden and promises nothing to others: it may change in any release, and each item goes once the public interface
//! has one in its place.

use crate::binding::{Binding, RequestHeaders};
use crate::callback::{Answer, AuthorizationError, Callback, UnverifiedParameters};
use crate::claims::Origin;
use crate::clock::Clock as _;
use crate::expect::{Expect, Expected};
use crate::flow::{Authorized, Code, Denied, Flow, Login, LoginOutcome};
use crate::name::Purpose;
use crate::observe::record;
use crate::payload::HandleKind;
use crate::random::{self, RandomnessError};
use crate::refusal::{FinishError, FinishErrorKind};
use crate::token::wire::Form;

/// Logins whose data lies in a store (package `oauth-state-store`).
pub mod stored {
    pub use crate::flow::Stored;
}

/// The first four characters of every form of state.
pub const FORMS: [&str; 6] = [
    Form::ALL[0].prefix(),
    Form::ALL[1].prefix(),
    Form::ALL[2].prefix(),
    Form::ALL[3].prefix(),
    Form::ALL[4].prefix(),
    Form::ALL[5].prefix(),
];
/// The longest state that is looked at, in characters.
pub const LONGEST_STATE: usize = crate::token::wire::LONGEST_TEXT;

/// Every kind of refusal, for tests that none is forgotten.
pub const REFUSALS: &[FinishErrorKind] = &FinishErrorKind::ALL;

/// Whether a text has one of the forms of this crate's states.
#[must_use]
pub fn is_form_of_this_crate(state: &str) -> bool {
    Form::ALL.iter().any(|form| form.is_form_of(state))
}

/// Whether a text has the form of these handles.
#[must_use]
pub fn is_handle(form: HandleKind, state: &str) -> bool {
    form.form().is_form_of(state)
}

/// Whether a text has the form of this flow's states.
#[must_use]
pub fn is_state_of<T>(flow: &Flow<T>, state: &str) -> bool {
    flow.form().is_form_of(state)
}

/// Fills `bytes` with one call to the operating system.
///
/// # Errors
///
/// [`RandomnessError`] if it gives none.
pub fn random_bytes(bytes: &mut [u8]) -> Result<(), RandomnessError> {
    random::operating_system(bytes)
}

/// Counts a callback that no flow saw.
pub fn count_unread(kind: FinishErrorKind) {
    record::unread(kind);
}

/// A refusal with a diagnosis of its own.
#[must_use]
pub fn refused_because(kind: FinishErrorKind, diagnosis: &'static str) -> FinishError {
    FinishError::because(kind, diagnosis)
}

/// The refusal, with what caused it.
#[must_use]
pub fn caused_by(error: FinishError, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> FinishError {
    error.caused_by(source)
}

/// What a login says, as its callback will be told, and its data.
pub fn origin_of<T>(login: Login<T>) -> (Origin, T) {
    let (data, login) = login.split();
    let Login { provider, purpose, tenant, redirect, return_to, restarts, .. } = login;
    let purpose = purpose.unwrap_or(Purpose::Login);
    let issued_at = crate::clock::SystemClock.now();
    (Origin { provider, tenant, redirect, return_to, purpose, restarts, issued_at }, data)
}

/// What a callback expects.
pub struct Expectation<'a> {
    /// The provider's id, if one is named.
    pub provider: Option<&'a str>,
    /// Whether a tenant is named.
    pub names_tenant: bool,
    /// Whether a redirect id is named.
    pub names_redirect: bool,
    /// The purpose, if one is named.
    pub purpose: Option<Purpose>,
}

/// Takes an [`Expect`] apart.
#[must_use]
pub fn expectation<'a>(expect: &Expect<'a>) -> Expectation<'a> {
    Expectation {
        provider: expect.provider,
        names_tenant: matches!(expect.tenant, Expected::Exactly(Some(_))),
        names_redirect: matches!(expect.redirect, Expected::Exactly(Some(_))),
        purpose: match expect.purpose {
            Expected::Exactly(purpose) => purpose,
            Expected::Any => None,
        },
    }
}

/// Whether the binding's request is a load that the person has not asked for.
#[must_use]
pub fn is_speculative(binding: &Binding<'_>) -> bool {
    binding.request().is_some_and(RequestHeaders::is_speculative)
}

/// A callback's state, before anything was checked.
#[must_use]
pub fn state_of(callback: &Callback) -> &str {
    &callback.state
}

/// A callback's code or error, and its other parameters.
pub fn answer_of(callback: Callback) -> (Result<Code, AuthorizationError>, UnverifiedParameters) {
    let answer = match callback.answer {
        Answer::Code(code) => Ok(Code(code)),
        Answer::Error(error) => Err(error),
    };
    (answer, callback.others)
}

/// What a finished login is made into: there is the code or the provider's refusal today, and nothing else.
pub fn either<T, R>(
    finished: LoginOutcome<T>,
    code: impl FnOnce(Authorized<T>) -> R,
    refused: impl FnOnce(Denied<T>) -> R,
) -> R {
    match finished {
        LoginOutcome::Authorized(login) => code(login),
        LoginOutcome::Denied(refusal) => refused(refusal),
    }
}

/// The provider's refusal of a login that no `iss` vouches for.
pub fn provider_refusal<T>(
    origin: Origin,
    data: T,
    error: AuthorizationError,
    parameters: UnverifiedParameters,
) -> Denied<T> {
    Denied { origin, data, error, attributed_to: None, parameters }
}

/// A PKCE challenge of a store's own, as the `oauth2` crate takes it.
#[cfg(feature = "oauth2")]
#[must_use]
pub fn pkce_challenge(code_challenge: &str) -> oauth2::PkceCodeChallenge {
    crate::conversions::oauth2::pkce_challenge(code_challenge)
}

/// What the routes need (package `oauth-state-routes`, and the extractors of `oauth-state-axum` and `oauth-state-actix`).
#[cfg(feature = "http")]
pub mod routes {
    use http::{HeaderMap, Method, Response};

    use crate::binding::Binding;
    use crate::callback::Callback;
    use crate::claims::{ReturnTo, Tenant};
    use crate::expect::Expect;
    use crate::flow::{BeginError, Flow, Login, LoginData, LoginOutcome, OpenedCallback};
    use crate::http::pages::{self, Words};
    use crate::provider::{self, AuthorizationUrl, Parameters, Provider, RedirectUri, UrlError};
    use crate::refusal::FinishError;

    /// The largest query or form of a callback, in bytes.
    pub const LARGEST_CALLBACK: usize = crate::callback::LARGEST;

    /// Opens a callback, and counts nothing yet.
    ///
    /// # Errors
    ///
    /// As [`Flow::open`].
    pub fn open<T: LoginData>(flow: &Flow<T>, callback: Callback) -> Result<OpenedCallback<T>, FinishError> {
        flow.open_uncounted(callback)
    }

    /// Whether a refusal of [`open`] is of a state that this service sealed, so that it is worth while to ask whose page this is.
    #[must_use]
    pub fn is_of_authentic_state(refused: &FinishError) -> bool {
        refused.is_opened()
    }

    /// Goes on where [`open`] came to.
    ///
    /// # Errors
    ///
    /// As [`Flow::finish`].
    pub async fn finish<T: LoginData>(
        flow: &Flow<T>,
        binding: Binding<'_>,
        expect: Expect<'_>,
        opened: Result<OpenedCallback<T>, FinishError>,
    ) -> Result<LoginOutcome<T>, FinishError> {
        flow.finish_opened(binding, expect, opened).await
    }

    /// Counts a login that did not start for a reason that the flow does not know.
    pub fn count_begin_refused<T>(flow: &Flow<T>, provider: &str, error: &BeginError) {
        flow.count_begin_refused(provider, error);
    }

    /// A login of this site: its tenant and its redirect id.
    pub fn login_of_site<T>(login: Login<T>, tenant: Option<Tenant>, redirect: Option<String>) -> Login<T> {
        Login { tenant, redirect, ..login }
    }

    /// The tenant and the redirect id that a login names.
    #[must_use]
    pub fn site_of<T>(login: &Login<T>) -> (Option<&Tenant>, Option<&str>) {
        (login.tenant.as_ref(), login.redirect.as_deref())
    }

    /// A login without its return path where `leads_astray` says so of the path.
    pub fn drop_return_path<T>(login: Login<T>, leads_astray: impl FnOnce(&ReturnTo) -> bool) -> Login<T> {
        let return_to = login.return_to.filter(|path| !leads_astray(path));
        Login { return_to, ..login }
    }

    /// Whether a return path leads to `path`, an absolute path, once both are decoded.
    #[must_use]
    pub fn leads_to(return_to: &ReturnTo, path: &str) -> bool {
        return_to.leads_to(path)
    }

    /// The host, if it has one, and the path of a redirect_uri; `None` for what is no address.
    #[must_use]
    pub fn host_and_path(redirect_uri: &str) -> Option<(Option<String>, String)> {
        RedirectUri::parse(redirect_uri).map(|uri| (uri.host, uri.path))
    }

    /// A provider's redirect_uris, each with its id if it has one.
    #[must_use]
    pub fn redirect_uris(provider: &Provider) -> &[(Option<String>, String)] {
        provider.redirect_uris()
    }

    /// Whether a provider has what its authorization URL is made of.
    ///
    /// # Errors
    ///
    /// As [`AuthorizationRequest::url`](crate::AuthorizationRequest::url).
    pub fn url_of(provider: &Provider) -> Result<(), UrlError> {
        let redirect_uri = provider.redirect_uris().first().map(|(_, uri)| uri.as_str());
        let purpose = crate::name::Purpose::Login;
        let login = Parameters { purpose, redirect_uri, state: "", code_challenge: "", nonce: "" };
        AuthorizationUrl::new(provider, None, &login).map(|_| ())
    }

    /// The host of an authority, without its port.
    #[must_use]
    pub fn host_of(authority: &str) -> Option<&str> {
        provider::host_of(authority)
    }

    /// A small page with one button, which leads to a path of the site's own.
    #[must_use]
    pub fn page(
        status: u16,
        title: &'static str,
        text: &'static str,
        button: &'static str,
        target: &ReturnTo,
    ) -> Response<String> {
        pages::page(status, &Words { title, text, button }, target)
    }

    /// Whether a request may use a login up at all, by its method and headers.
    ///
    /// # Errors
    ///
    /// `not_consumed` for HEAD, every method but GET and POST, and speculative loads.
    pub fn refuse_what_must_not_consume(method: &Method, headers: &HeaderMap) -> Result<(), FinishError> {
        crate::http::refuse_what_must_not_consume(method, headers)
    }

    /// Takes the body of a POST for a callback, and refuses what its query adds.
    ///
    /// # Errors
    ///
    /// As [`Callback::from_form`], and `duplicate_parameter` for a query that holds parameters of a callback.
    pub fn callback_from_post(query: Option<&str>, body: &[u8]) -> Result<Callback, FinishError> {
        Callback::from_post(query, body)
    }

    /// Puts the authority of a request's target into the headers, as [`crate::http`] says.
    pub fn host_from_authority(headers: &mut HeaderMap, authority: Option<&str>) {
        crate::http::host_from_authority(headers, authority);
    }
}
