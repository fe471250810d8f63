//! The settings of a flow about how browsers reach the service.

use super::FlowBuilder;
use super::browsers::{Frames, Transport};
use crate::cookie::CookieName;

impl<T> FlowBuilder<T> {
    /// The hosts that browsers use for this service, such as `shop.example`. Every redirect URI with a host must be on one of them.
    ///
    /// Set them if a proxy in front replaces the `Host` header, or if the service itself speaks HTTP/2, which has no such header.
    ///
    /// * With one host, every request counts as a request to that host.
    /// * With several, the `Host` header (or the [trusted header](FlowBuilder::trusted_host_header)) tells which of them a request is
    ///   for. If it names none of them, the host is unknown: a login bound by cookie starts without a check of its host, and a login of
    ///   the signed-in user starts only if the `Origin` header names the host of its redirect URI, or one of the public hosts if it has
    ///   no redirect URI with a host.
    ///
    /// Case makes no difference. A trailing dot is refused, because browsers treat `shop.example.` as another host. A second call
    /// replaces the hosts of the first.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, App, Flow, Provider, SingleProcessGuard};
    ///
    /// let github = Provider::github()
    ///     .named_redirect_uri("de", "https://shop.example.de/auth/github/callback")
    ///     .named_redirect_uri("fr", "https://shop.example.fr/auth/github/callback");
    /// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
    ///     .public_hosts(["shop.example.de", "shop.example.fr"])
    ///     .trusted_host_header("x-forwarded-host")
    ///     .provider(github)
    ///     .build()?;
    /// # let _ = flow;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn public_hosts<'a>(mut self, hosts: impl IntoIterator<Item = &'a str>) -> Self {
        self.settings.browsers.public_hosts = hosts.into_iter().map(str::to_owned).collect();
        self
    }

    /// The request header in which the proxy in front sends the host that the browser used, such as `x-forwarded-host`. The flow
    /// reads it in place of `Host`.
    ///
    /// The value must be exactly one host with an optional port, and the header must come once. Otherwise the host is unknown, as it
    /// is without a `Host` header.
    ///
    /// # Security
    ///
    /// The proxy must overwrite this header in every request, or remove it. If clients can send it themselves, an attacker chooses
    /// the host that the checks of a login start compare with. List the hosts with [`FlowBuilder::public_hosts`] as well: the header
    /// can then choose only among them.
    pub fn trusted_host_header(mut self, name: &str) -> Self {
        self.settings.browsers.trusted_host_header = Some(name.to_owned());
        self
    }

    /// Lets the pages of one more origin start links and step-ups by POST, such as `https://app.shop.example`, a sibling of the service's
    /// host. The request's `Origin` must equal it exactly, and the browser must not mark the request as cross-site.
    ///
    /// # Security
    ///
    /// An attacker who controls a page of that origin can start a link in a signed-in user's browser and, at a provider that asks nothing,
    /// attach an identity of their own to the user's account (account-link fixation). Name only origins that you trust as much as your own.
    pub fn trusted_origin(mut self, origin: &str) -> Self {
        self.settings.browsers.trusted_origins.push(origin.to_owned());
        self
    }

    /// Sets cookies without `Secure` and `__Host-`, for a service that browsers reach over plain HTTP on a host other than localhost.
    ///
    /// # Security
    ///
    /// An attacker on the network, or on a sibling domain, can then plant the cookie that binds a login to a browser (login CSRF). Never
    /// use it in production. Chromium and Firefox accept `Secure` cookies on `http://localhost`, so development there does not need it.
    pub fn dangerously_allow_plain_http(mut self) -> Self {
        self.settings.browsers.transport = Transport::PlainHttp;
        self
    }

    /// Sets cookies without `Secure` and `__Host-` for development on `http://localhost`: Safari and other WebKit browsers keep no
    /// `Secure` cookie there. Chromium and Firefox do, and do not need this.
    ///
    /// It builds only if every redirect_uri is on a loopback host (`localhost`, `*.localhost`, `127.0.0.0/8` or `[::1]`), so that it
    /// cannot reach production by mistake. Providers that use `form_post` need `SameSite=None` cookies, and so https: they do not build.
    ///
    /// # Security
    ///
    /// Cookies ignore the port: any other server on this machine can read and plant the login's cookie.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{App, Binding, ConfigError, Flow, Login, Provider, SingleProcessGuard, testing};
    ///
    /// let build = |redirect_uri| {
    ///     let guard = SingleProcessGuard::with_capacity(100);
    ///     let flow = Flow::builder(App::new("shop", "development").unwrap(), testing::ring(), guard);
    ///     flow.provider(Provider::github().redirect_uri(redirect_uri)).allow_plain_http_on_loopback().build()
    /// };
    /// let request = build("http://localhost:8080/auth/github/callback")?.begin(Binding::cookie_headers([]), Login::with("github"))?;
    /// assert!(!request.set_cookie.unwrap().contains("Secure"));
    /// assert!(matches!(build("https://shop.example/auth/github/callback"), Err(ConfigError::NotOnLoopback(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn allow_plain_http_on_loopback(mut self) -> Self {
        self.settings.browsers.transport = Transport::LoopbackHttp;
        self
    }

    /// Gives the cookies the prefix `__Host-Http-` in place of `__Host-`. Browsers that support it also refuse such a cookie from a script;
    /// all others treat it as `__Host-`. Logins that started before the change fail after it.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{App, Binding, Flow, Login, Provider, SingleProcessGuard, testing};
    ///
    /// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
    ///     .host_http_cookies()
    ///     .provider(Provider::github())
    ///     .build()?;
    /// let request = flow.begin(Binding::cookie_headers([]), Login::with("github"))?;
    /// assert!(request.set_cookie.unwrap().starts_with("__Host-Http-"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn host_http_cookies(mut self) -> Self {
        self.settings.browsers.cookie_name = CookieName::HostHttp;
        self
    }

    /// Names the login's cookie, for a host or a proxy that passes only a cookie of a certain name: Firebase Hosting passes only
    /// `__session`. The name has 1 to 64 bytes, and the application must not use it for a cookie of its own.
    ///
    /// All logins of a browser then share one cookie, `SameSite=Lax`. Providers that use `form_post` do not build;
    /// [`ResponseMode::FormPostReposted`](crate::provider::ResponseMode::FormPostReposted) does. Two tabs that start their first login at
    /// the same moment overwrite each other's cookie, and one of the two logins has to start again.
    ///
    /// # Security
    ///
    /// Without the prefix `__Host-`, a sibling domain (or an attacker on the network, if the site is also open over plain http) can set a
    /// cookie of this name with a value that the attacker knows. A link to the attacker's own callback then signs the user in to the
    /// attacker's account (login CSRF). With a name that starts with `__Host-`, browsers let only this host set it.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{App, Binding, Flow, Login, Provider, SingleProcessGuard, testing};
    ///
    /// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
    ///     .dangerously_name_cookie("__session")
    ///     .provider(Provider::github())
    ///     .build()?;
    /// let request = flow.begin(Binding::cookie_headers([]), Login::with("github"))?;
    /// assert!(request.set_cookie.unwrap().starts_with("__session="));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn dangerously_name_cookie(mut self, name: &str) -> Self {
        self.settings.browsers.cookie_name = CookieName::Own(name.to_owned());
        self
    }

    /// Lets logins start in frames of the service's own pages, such as a hidden frame that renews a session with `prompt=none`. Their
    /// cookie is `SameSite=None; Secure; Partitioned`. Links and step-ups do not start in a frame. A login that cannot be finished there does not
    /// start again by itself, because the browser then calls the request cross-site.
    ///
    /// # Security
    ///
    /// A service worker that forwards requests hides from the server that they come from a frame. If another site may show your pages in a
    /// frame, that site can make them start logins. Send `Content-Security-Policy:
    /// frame-ancestors 'self'` with your own pages. The pages of this crate do so.
    pub fn allow_same_origin_frames(mut self) -> Self {
        self.settings.browsers.frames = Frames::SameOrigin;
        self
    }

    /// Lets logins start in frames in pages of other sites, for an application that is embedded in a portal: `https://portal.example`. It
    /// includes [`FlowBuilder::allow_same_origin_frames`]. The cookie is partitioned (CHIPS): each embedding site has a separate cookie
    /// jar. Most providers refuse to be shown in a frame, so the login needs a provider that asks nothing, or one of your own.
    ///
    /// # Security
    ///
    /// No request says which site embeds it, so any site can start a login in a frame. The browser shows the pages of this crate only in
    /// frames of the named origins. Send the same `frame-ancestors` with your own pages, or another site can put its own page over
    /// yours and capture the user's clicks (clickjacking). Give the session's cookie the attribute `Partitioned` too.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::HeaderValue;
    /// use oauth_state::{App, Binding, Flow, Login, Provider, SingleProcessGuard, testing};
    ///
    /// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
    ///     .embedded_in(["https://portal.example"])
    ///     .provider(Provider::github())
    ///     .build()?;
    /// let mut headers = http::HeaderMap::new(); // those of a request in a frame
    /// headers.insert("sec-fetch-mode", HeaderValue::from_static("navigate"));
    /// headers.insert("sec-fetch-dest", HeaderValue::from_static("iframe"));
    /// headers.insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
    /// let request = flow.begin(Binding::cookies(&headers), Login::with("github"))?;
    /// assert!(request.set_cookie.unwrap().ends_with("; Secure; SameSite=None; Partitioned"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn embedded_in<'a>(mut self, origins: impl IntoIterator<Item = &'a str>) -> Self {
        self.settings.browsers.frames = Frames::EmbeddedIn(origins.into_iter().map(str::to_owned).collect());
        self
    }
}
