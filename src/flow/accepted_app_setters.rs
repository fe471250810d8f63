//! The settings of a flow for a renaming.

use std::time::SystemTime;

use super::FlowBuilder;
use super::accepted_app::RenamedApp;
use crate::name::App;

impl<T> FlowBuilder<T> {
    /// Also finishes logins that started under another name of this application, until `until`: for a renaming without a failed login.
    /// Logins still start under the flow's own names only.
    ///
    /// A renaming takes two deploys, because servers of two builds run at the same time:
    ///
    /// 1. Deploy a build that keeps the old name and accepts the new one.
    /// 2. When it runs on every server, deploy a build that has the new name and accepts the old one.
    ///
    /// Give both the same `until`: a fixed time, at least the flow's lifetime and the ring's skew after the second deploy has ended, and at
    /// most 24 hours after either build starts. From then on, the other name is unknown (`unknown_key`). A time that has passed is no error,
    /// so that a server can start at any time; then remove the setting.
    ///
    /// Keep the guard, with its prefix or table, as it is: a login that was finished under one name is then `already_used` under the other.
    /// The login's cookie is looked up under the name that the login started with.
    ///
    /// # Security
    ///
    /// Until `until`, a state of the other application opens here. Name only a former or future name of this service, never an
    /// application that another service runs with the same keys. Do not count `until` from the start of the process: each restart
    /// would renew it.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::testing::{self, ManualClock, TestBrowser, block_on};
    /// use oauth_state::{App, Expect, Flow, FlowBuilder, Login, Provider, SingleProcessGuard};
    /// use std::time::{Duration, UNIX_EPOCH};
    ///
    /// # let clock = ManualClock::at(1_800_000_000);
    /// let until = UNIX_EPOCH + Duration::from_secs(1_800_003_600); // 2027-01-15T09:00:00Z
    /// let builder = |app: App| -> FlowBuilder<()> {
    ///     let builder = Flow::builder(app, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// #   let builder = builder.clock(clock.clone());
    ///     builder.provider(Provider::github())
    /// };
    /// let first = builder(App::new("shop", "production")?).accept_app(App::new("store", "production")?, until).build()?;
    /// let second = builder(App::new("store", "production")?).accept_app(App::new("shop", "production")?, until).build()?;
    ///
    /// // While the second deploy runs, each build finishes what the other one started.
    /// for (begin, finish) in [(&first, &second), (&second, &first)] {
    ///     let browser = TestBrowser::follow(&begin.begin(TestBrowser::default().binding(), Login::with("github"))?);
    ///     block_on(finish.finish(browser.binding(), Expect::provider("github"), browser.callback()))?;
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn accept_app(self, app: App, until: SystemTime) -> Self {
        self.accepting(app, until, false)
    }

    /// [`FlowBuilder::accept_app`] for an application of another environment: for renaming an environment, such as `prod` to `production`.
    ///
    /// # Security
    ///
    /// The environment keeps states of a test system out of production. Until `until`, every state of the other environment opens here: an
    /// attacker who can start logins there can make states for this one. Use it only if the two are the names of one environment before and
    /// after its renaming, and never between two environments that are live.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{App, ConfigError, Flow, Provider, SingleProcessGuard, testing};
    /// use std::time::{Duration, UNIX_EPOCH};
    ///
    /// let until = UNIX_EPOCH + Duration::from_secs(1_750_000_000); // 2025-06-15T15:06:40Z
    /// let (old, new) = (App::new("shop", "prod")?, App::new("shop", "production")?);
    /// let builder = |guard| Flow::builder(new.clone(), testing::ring(), guard).provider(Provider::github());
    ///
    /// let guard = SingleProcessGuard::with_capacity(100);
    /// let refused = builder(guard.clone()).accept_app(old.clone(), until).build().unwrap_err();
    /// assert!(matches!(refused, ConfigError::AcceptsOtherEnvironment(_)));
    /// assert!(builder(guard).dangerously_accept_other_environment(old, until).build().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn dangerously_accept_other_environment(self, app: App, until: SystemTime) -> Self {
        self.accepting(app, until, true)
    }

    fn accepting(mut self, app: App, until: SystemTime, may_be_of_other_environment: bool) -> Self {
        self.settings.accepted_apps.push(RenamedApp { app, until, may_be_of_other_environment });
        self
    }
}
