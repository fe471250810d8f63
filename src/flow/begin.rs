//! The login start.

use super::admission::is_in_frame;
use super::connection::{tag_of, tenant_of};
use super::{AuthorizationRequest, BeginError, Flow, FlowInner, Login, LoginData};
use crate::base64url;
use crate::binding::{Binding, FlowSecrets, Holder, RequestHeaders, UNBOUND_SECRET, user_tag};
use crate::claims::codec::{BindingKind, Claims};
use crate::claims::{ReturnTo, Tenant};
use crate::clock::from_unix_seconds;
use crate::cookie::{BrowserCookie, Candidates, CookieKind, SECRET_BYTES, SUFFIX_BYTES};
use crate::name::{self, Purpose};
use crate::observe::{CONNECTION, Event, Observer as _, Scope};
use crate::provider::{Provider, Registered};
use crate::random::RandomnessError;
use crate::reference::Reference;
use crate::seal::{self, SealError};
use crate::secret::SecretBytes;
use crate::token::aead::NONCE_BYTES;
use crate::token::keys::PurposeKeys;

/// Random bytes of one login start, all drawn in one call: nonce, then the binding's secret, then the cookie's suffix.
const RANDOM_BYTES: usize = NONCE_BYTES + SECRET_BYTES + SUFFIX_BYTES;

/// The binding of a new login: its secret, and the cookie or secret to hand to the client.
struct NewBinding {
    secret: SecretBytes<SECRET_BYTES>,
    set_cookie: Option<String>,
    surplus_cookies: Vec<String>,
    login_secret: Option<String>,
}

impl<T: LoginData> Flow<T> {
    /// Starts a login by sealing its state. It stores nothing, waits for nothing and takes no lock.
    ///
    /// # Errors
    ///
    /// [`BeginError`] says what to change. The user has not been redirected.
    ///
    /// # Security
    ///
    /// Limit the rate at which one client may call your login start and your callback; nothing in this crate does. Answer
    /// with `Cache-Control: no-store` and `Referrer-Policy: no-referrer`.
    pub fn begin(&self, binding: Binding<'_>, login: Login<T>) -> Result<AuthorizationRequest, BeginError> {
        let scope = self.inner.start_scope(&login);
        let kind = binding.holder.kind();
        let begun = scope.in_scope(|| self.seal(binding, &login, |_| ()).map(|(begun, ())| begun));
        self.inner.started(&scope, login.label(), kind, begun)
    }

    /// Seals the state of a login, and passes its keys and nonce to `also`, under the same view of the keys.
    pub(super) fn seal<R>(
        &self,
        binding: Binding<'_>,
        login: &Login<T>,
        also: impl FnOnce(&SealedWith<'_>) -> R,
    ) -> Result<(AuthorizationRequest, R), BeginError> {
        let inner = &*self.inner;
        let provider = inner.provider_of(login)?;
        let tenant = tenant_of(login, provider)?;
        let purpose = inner.purpose_of(login)?;
        inner.check_login(login, provider)?;
        FlowInner::check_addressed(login)?;
        let callback_host = provider.redirect_uri_of(login.redirect.as_deref()).and_then(Registered::host);
        inner.check_binding_at_begin(&binding, purpose, callback_host)?;

        let now = inner.now();
        let issued_at = u32::try_from(now).map_err(|_| BeginError::Clock)?;
        let table = inner.keys.load();
        let keys = table.sealing(purpose, now).ok_or(BeginError::NoActiveKey)?;

        let mut random = SecretBytes::new([0; RANDOM_BYTES]);
        let (nonce, bound) = inner.draw(random.expose_mut(), &binding, provider, table.cookie_max_age())?;
        let secrets = FlowSecrets::new(binding.holder.kind(), bound.secret.expose(), &nonce);
        let claims = Claims {
            issued_at,
            lifetime: inner.keys.lifetime(),
            restarts: login.restarts,
            kind: binding.holder.kind(),
            binding_tag: secrets.binding_tag(&keys.flow),
            user_tag: binding.user.map(|user| user_tag(&keys.flow, &nonce, user)),
            connection_tag: login
                .connection
                .as_ref()
                .map(|loaded| tag_of(&keys.flow, &nonce, loaded, login.redirect.as_deref())),
            provider: &login.provider,
            tenant: tenant.map_or(&[], Tenant::as_bytes),
            redirect: login.redirect.as_deref().unwrap_or_default(),
            return_to: login.return_to.as_ref().map_or("", ReturnTo::as_str),
            data: &[],
        };
        let limit = provider.max_state_chars();
        let state = seal::seal(keys, &nonce, &claims, &login.data, limit).map_err(|error| match error {
            SealError::TooLong { actual } => {
                BeginError::StateTooLong { provider: provider.id().to_owned(), actual, limit }
            }
            SealError::Data(error) => BeginError::Data(error.into()),
        })?;
        let skew = table.ring().timing().skew;
        let also =
            also(&SealedWith { keys, nonce: &nonce, secrets: &secrets, now, expires_at: claims.expires_at(), skew });
        let begun = AuthorizationRequest {
            state,
            code_challenge: provider.takes_pkce().then(|| secrets.code_challenge(&keys.flow)),
            nonce: provider.takes_nonce().then(|| secrets.nonce(&keys.flow)),
            set_cookie: bound.set_cookie,
            surplus_cookies: bound.surplus_cookies,
            login_secret: bound.login_secret,
            expires_at: from_unix_seconds(claims.expires_at()),
            redirect_uri: provider.redirect_uris().iter().position(|at| at.id.as_deref() == login.redirect.as_deref()),
            provider: provider.clone(),
            purpose,
            reference: Reference::of_nonce(&nonce),
        };
        Ok((begun, also))
    }
}

/// The inputs that a state was sealed with, for a store that seals a row along with it. Times in Unix seconds.
pub(crate) struct SealedWith<'a> {
    pub(crate) keys: &'a PurposeKeys,
    pub(crate) nonce: &'a [u8; NONCE_BYTES],
    pub(crate) secrets: &'a FlowSecrets,
    pub(crate) now: u64,
    pub(crate) expires_at: u64,
    pub(crate) skew: u32,
}

impl FlowInner {
    /// The provider's name comes from the request, so it is reported only if the flow knows it.
    pub(super) fn start_scope<T>(&self, login: &Login<T>) -> Scope {
        let connection = login.connection.is_some().then_some(CONNECTION);
        Scope::start(connection.or_else(|| self.provider(&login.provider).map(Provider::id)))
    }

    /// Reports how a login start ended, including its store.
    pub(super) fn started(
        &self,
        scope: &Scope,
        provider: &str,
        kind: BindingKind,
        started: Result<AuthorizationRequest, BeginError>,
    ) -> Result<AuthorizationRequest, BeginError> {
        match started {
            Ok(started) => {
                let reference = started.reference;
                scope.names(reference);
                scope.end("ok");
                self.observers.event(&Event::Started { provider, binding: kind.word(), reference });
                Ok(started)
            }
            Err(error) => {
                scope.end(error.code());
                scope.in_scope(|| self.observers.event(&error.to_event(provider)));
                Err(error)
            }
        }
    }

    fn purpose_of<T>(&self, login: &Login<T>) -> Result<Purpose, BeginError> {
        let purpose = login.purpose.unwrap_or_else(|| self.first_purpose());
        if self.purposes.contains(&purpose) { Ok(purpose) } else { Err(BeginError::PurposeNotAccepted(purpose)) }
    }

    fn check_login<T>(&self, login: &Login<T>, provider: &Provider) -> Result<(), BeginError> {
        if let Some(id) = &login.redirect {
            name::check("redirect id", id)?;
            if !provider.takes_redirect(id) {
                return Err(BeginError::UnknownRedirect);
            }
        }
        match &login.return_to {
            Some(path) if self.returns_to_callback_of(path.checked(), login.connection.as_ref()) => {
                Err(BeginError::ReturnsToCallback)
            }
            _ => Ok(()),
        }
    }

    /// In a frame, browsers accept and send partitioned cookies only.
    fn cookie_kind_at_begin(&self, headers: &RequestHeaders<'_>, provider: &Provider) -> CookieKind {
        let is_framed = self.frames.are_allowed() && is_in_frame(headers);
        if is_framed { CookieKind::Partitioned } else { provider.cookie_kind() }
    }

    /// Draws all random bytes of this login start in one call to the operating system: the nonce always, a secret and a cookie name only if
    /// the request brought none.
    fn draw(
        &self,
        random: &mut [u8; RANDOM_BYTES],
        binding: &Binding<'_>,
        provider: &Provider,
        max_age: u64,
    ) -> Result<([u8; NONCE_BYTES], NewBinding), RandomnessError> {
        let (kind, found) = match &binding.holder {
            Holder::Cookies(headers) => {
                let kind = self.cookie_kind_at_begin(headers, provider);
                (kind, headers.candidates(&self.cookies, kind))
            }
            _ => (provider.cookie_kind(), Candidates::default()),
        };
        let reused = found.iter().next().cloned();
        let needed = match &binding.holder {
            Holder::Cookies(_) if reused.is_none() => RANDOM_BYTES,
            Holder::NewLoginSecret => NONCE_BYTES + SECRET_BYTES,
            _ => NONCE_BYTES,
        };
        (self.random)(random.get_mut(..needed).unwrap_or_default())?;

        let (mut nonce, mut secret, mut suffix) = ([0; NONCE_BYTES], [0; SECRET_BYTES], [0; SUFFIX_BYTES]);
        nonce.copy_from_slice(&random[..NONCE_BYTES]);
        secret.copy_from_slice(&random[NONCE_BYTES..NONCE_BYTES + SECRET_BYTES]);
        suffix.copy_from_slice(&random[NONCE_BYTES + SECRET_BYTES..]);
        let secret = SecretBytes::new(secret);

        let without_cookie =
            |secret| NewBinding { secret, set_cookie: None, surplus_cookies: Vec::new(), login_secret: None };
        let bound = match &binding.holder {
            Holder::Cookies(_) => {
                let cookie = reused.unwrap_or_else(|| BrowserCookie::mint(suffix, secret));
                let set_cookie = Some(self.cookies.set_cookie(kind, &cookie, max_age));
                let surplus_cookies = self.cookies.expire_surplus(kind, &found).collect();
                NewBinding { secret: cookie.secret, set_cookie, surplus_cookies, login_secret: None }
            }
            Holder::NewLoginSecret => {
                let login_secret = Some(base64url::encode(secret.expose()));
                NewBinding { login_secret, ..without_cookie(secret) }
            }
            Holder::Session(session) | Holder::LoginSecret(session) => without_cookie(session.clone()),
            Holder::Unbound => without_cookie(SecretBytes::new(UNBOUND_SECRET)),
        };
        Ok((nonce, bound))
    }
}
