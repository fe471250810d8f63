//! The `Date` of a response, which the SDK does not pass on.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_secretsmanager::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_secretsmanager::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_secretsmanager::error::BoxError;
use aws_sdk_secretsmanager::primitives::{DateTime, DateTimeFormat};

/// Keeps the time by the service's clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Date(Arc<OnceLock<SystemTime>>);

impl Date {
    pub(crate) fn get(&self) -> Option<SystemTime> {
        self.0.get().copied()
    }
}

impl Intercept for Date {
    fn name(&self) -> &'static str {
        "oauth-state-date"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        let seconds = date.and_then(|date| u64::try_from(date.secs()).ok());
        if let Some(at) = seconds.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds))) {
            let _ = self.0.set(at);
        }
        Ok(())
    }
}
