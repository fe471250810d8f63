//! The routes of one provider, and what all of them share.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use http::header::LOCATION;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use oauth_state::seam as core;
use oauth_state::{Binding, Expect, Flow, LoginData, Provider, Purpose, ReturnTo};

use crate::BoxError;
use crate::failure::Failure;
use crate::framework::Framework;
use crate::hooks::Hooks;
use crate::login_start::{Again, login_starts};
use crate::request::LoginRequest;
use crate::site::Site;

/// The state that the routes of all providers share.
pub(crate) struct Shared<W: Framework, T> {
    pub(crate) flow: Flow<T>,
    /// The path of the routes in the router.
    pub(crate) at: String,
    /// The same as browsers see it, once for each prefix that a proxy or a nesting router removes.
    pub(crate) below: Vec<String>,
    pub(crate) default_return_to: ReturnTo,
    /// The addresses of all routes, as browsers see them.
    pub(crate) own: Vec<String>,
    pub(crate) providers: Vec<Mounted>,
    pub(crate) hooks: Hooks<W, T>,
}

/// A configured provider.
pub(crate) struct Mounted {
    pub(crate) id: Arc<str>,
    /// The path of its login start in the router.
    pub(crate) path: String,
    /// The login start as browsers see it, one for each redirect_uri.
    pub(crate) again: Vec<Again>,
    pub(crate) may_start_logins: bool,
}

impl<W: Framework, T> Shared<W, T> {
    /// Whether a return path leads to one of these routes: one link would start login after login.
    pub(crate) fn is_own(&self, path: &ReturnTo) -> bool {
        let below = || self.below.iter().any(|at| core::leads_below(path, at));
        let at_a_connection = || self.hooks.connections.is_some() && below();
        self.own.iter().any(|own| core::leads_to(path, own)) || at_a_connection()
    }

    /// The request as hooks receive it. The host of an HTTP/2 request is copied to the `Host` header, where the rest of
    /// the code reads it.
    pub(crate) fn request(&self, mut parts: Parts) -> LoginRequest {
        core::host_from_authority(&mut parts.headers, parts.uri.authority().map(http::uri::Authority::as_str));
        let host = core::host_of_request(&self.flow, &parts.headers);
        LoginRequest::new(parts, host)
    }

    /// A response of these routes, with the flow's rules for frames.
    pub(crate) fn shown(&self, mut response: Response<W::Body>) -> Response<W::Body> {
        self.flow.allow_framing(response.headers_mut());
        response
    }

    pub(crate) fn error_page(
        &self,
        failure: Failure<'_>,
        target: &ReturnTo,
        request: &LoginRequest,
        default: impl FnOnce() -> Response<String>,
    ) -> Response<W::Body> {
        match &self.hooks.error_page {
            Some(page) => set_no_store(page(failure, target, request)),
            None => default().map(body::<W>),
        }
    }
}

/// The routes of one provider, for one request.
pub(crate) struct Serving<W: Framework, T> {
    pub(crate) shared: Arc<Shared<W, T>>,
    pub(crate) provider: Arc<str>,
    pub(crate) path: String,
    pub(crate) again: Vec<Again>,
    /// The provider is loaded by the `connections` hook.
    pub(crate) is_connection: bool,
    pub(crate) may_start_logins: bool,
}

/// The results of the hooks for a request.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) user: Option<Vec<u8>>,
    pub(crate) site: Site,
    /// The provider of a connection's routes; `None` if it does not exist.
    pub(crate) loaded: Option<Provider>,
}

/// A hook that failed.
pub(crate) struct HookError {
    pub(crate) hook: &'static str,
    pub(crate) source: BoxError,
}

impl HookError {
    pub(crate) fn of(hook: &'static str) -> impl FnOnce(BoxError) -> Self {
        move |source| Self { hook, source }
    }
}

impl<W: Framework, T: LoginData> Serving<W, T> {
    /// Asks the hooks for the request's site, provider and user.
    pub(crate) async fn ask(&mut self, request: &LoginRequest, is_for_user: bool) -> Result<Known, HookError> {
        let shared = Arc::clone(&self.shared);
        let user = match &shared.hooks.signed_in_user {
            Some(user) if is_for_user => user(request.clone()).await.map_err(HookError::of("signed_in_user"))?,
            _ => None,
        };
        let site = match &shared.hooks.site {
            Some(site) => site(request.clone()).await.map_err(HookError::of("site"))?,
            None => Site::default(),
        };
        let loaded = match &shared.hooks.connections {
            Some(load) if self.is_connection => self.load(load(self.provider.to_string(), site.clone()).await)?,
            _ => None,
        };
        Ok(Known { user, site, loaded })
    }

    /// The provider that the `connections` hook returned. One with another id than the path's counts as none.
    fn load(&mut self, loaded: Result<Option<Provider>, BoxError>) -> Result<Option<Provider>, HookError> {
        let loaded = loaded.map_err(HookError::of("connections"))?.filter(|found| found.id() == &*self.provider);
        if let Some(found) = &loaded {
            let starts = login_starts(found, &self.path, &mut BTreeSet::new());
            self.again = starts.map_err(|error| HookError { hook: "connections", source: error.into() })?;
            self.may_start_logins = core::may_start_logins(found);
        }
        Ok(loaded)
    }

    /// The provider and site of this request. A state of another one is refused, and so is a state with a tenant or a
    /// redirect id if the site has none.
    pub(crate) fn expect<'a>(&'a self, known: &'a Known) -> Expect<'a> {
        let expect = known.loaded.as_ref().map_or_else(|| Expect::provider(&self.provider), Expect::connection);
        let expect = known.site.tenant.as_ref().map_or(expect, |tenant| expect.tenant(tenant));
        known.site.redirect.as_deref().map_or(expect, |redirect| expect.redirect(redirect))
    }

    /// The login start on this request's site, as browsers see it: chosen by the hook's redirect id, else by the path
    /// of the request, else by its host.
    pub(crate) fn again(&self, site: Option<&Site>, request: &LoginRequest) -> &ReturnTo {
        let on_host = |again: &&Again| again.host.is_some() && again.host.as_deref() == request.host();
        let at_path = |again: &&Again| request.uri.path().strip_suffix("/callback") == Some(again.path.as_str());
        let of_site = site.and_then(|site| self.again.iter().find(|again| again.redirect == site.redirect));
        let on_host_and_path = || self.again.iter().find(|again| on_host(again) && at_path(again));
        let found = of_site.or_else(on_host_and_path).or_else(|| self.again.iter().find(on_host));
        found.or(self.again.first()).map_or(&self.shared.default_return_to, |again| &again.path)
    }

    /// The target of a page's button: the login start or, after a request that must be a POST from the site's own
    /// pages, a page of the site.
    pub(crate) fn target<'a>(
        &'a self,
        purpose: Purpose,
        return_to: Option<&'a ReturnTo>,
        again: &'a ReturnTo,
    ) -> &'a ReturnTo {
        match purpose {
            Purpose::Login => again,
            _ => return_to.unwrap_or(&self.shared.default_return_to),
        }
    }

    /// The provider's name in events.
    pub(crate) fn label(&self) -> &str {
        if self.is_connection { core::CONNECTION } else { &self.provider }
    }
}

pub(crate) fn body<W: Framework>(text: impl Into<Bytes>) -> W::Body {
    text.into().into()
}

pub(crate) fn empty<W: Framework>() -> W::Body {
    Bytes::new().into()
}

/// Adds the headers of every login response.
pub(crate) fn set_no_store<B>(mut response: Response<B>) -> Response<B> {
    oauth_state::http::set_no_store(response.headers_mut());
    response
}

/// A redirect without a fragment inherits that of the callback (RFC 9110 section 10.2.2), such as the `#_=_` that
/// Facebook adds. An empty fragment replaces it.
pub(crate) fn without_inherited_fragment<B>(mut response: Response<B>) -> Response<B> {
    let location = response.headers().get(LOCATION).map(HeaderValue::as_bytes).filter(|at| !at.contains(&b'#'));
    if let Some(Ok(with_fragment)) = location.map(|at| HeaderValue::from_bytes(&[at, b"#"].concat())) {
        response.headers_mut().insert(LOCATION, with_fragment);
    }
    response
}

/// A redirect to a return path.
pub(crate) fn to_return_path<W: Framework>(path: &ReturnTo) -> Response<W::Body> {
    without_inherited_fragment(see_other::<W>(HeaderValue::from_str(path.as_str()).ok()))
}

pub(crate) fn see_other<W: Framework>(address: Option<HeaderValue>) -> Response<W::Body> {
    let mut response = Response::new(empty::<W>());
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Some(address) = address {
        response.headers_mut().insert(LOCATION, address);
    }
    set_no_store(response)
}

/// Binds by cookie and, if there is one, by user. An invalid id counts as none.
pub(crate) fn binding<'a>(request: &'a LoginRequest, user: Option<&'a [u8]>) -> Binding<'a> {
    let browser = Binding::cookies(&request.headers);
    user.and_then(|user| browser.clone().for_user(user).ok()).unwrap_or(browser)
}
