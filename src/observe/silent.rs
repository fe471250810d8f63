//! What stands in place of the metrics where the feature is off: nothing, of the same shape.

#[cfg(feature = "refresh")]
use super::Refreshed;
use crate::refusal::FinishErrorKind;

#[derive(Clone, Copy)]
pub(crate) struct Timer;

impl Timer {
    pub(crate) fn start() -> Self {
        Self
    }
}

pub(crate) struct FlowMetrics;

impl FlowMetrics {
    pub(crate) fn new<'a>(_: impl Iterator<Item = &'a str>, _: &[&'static str]) -> Self {
        Self
    }

    pub(crate) fn issued(&self, _: &str) {}

    pub(crate) fn begin_refused(&self, _: &str, _: &'static str) {}

    pub(crate) fn refused(&self, _: Option<&str>, _: FinishErrorKind) {}

    pub(crate) fn finished(&self, _: &str, _: bool, _: u64) {}

    pub(crate) fn iss_ignored(&self, _: &str) {}

    pub(crate) fn guard(&self, _: Timer, _: Result<&'static str, &'static str>) {}
}

#[cfg(feature = "cache")]
pub(crate) struct CacheMetrics;

#[cfg(feature = "cache")]
impl CacheMetrics {
    pub(crate) fn new() -> Self {
        Self
    }

    pub(crate) fn hit(&self) {}

    pub(crate) fn miss(&self) {}
}

pub(crate) mod record {
    use super::*;

    pub(crate) fn unread(_: FinishErrorKind) {}

    pub(crate) fn failed_open(_: u64) {}

    pub(crate) fn purged(_: &'static str, _: u64) {}

    pub(crate) fn store(_: &'static str, _: Timer, _: bool) {}

    #[cfg(feature = "refresh")]
    pub(crate) fn source(_: Timer, _: bool) {}

    #[cfg(feature = "refresh")]
    pub(crate) fn refreshed(_: Refreshed) {}

    pub(crate) fn ring(_: u64, _: u32, _: impl Fn(&str) -> usize) {}

    #[cfg(feature = "refresh")]
    pub(crate) fn ring_confirmed(_: u64) {}

    pub(crate) fn late_keys(_: usize) {}

    pub(crate) fn unknown_key() {}
}
