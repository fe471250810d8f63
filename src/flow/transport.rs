//! How browsers reach the service, which decides what its cookies can be.

/// How browsers reach the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// Also `http://localhost`, in the browsers that keep `Secure` cookies there.
    Https,
    /// `http://localhost` in every browser, and nothing else.
    LoopbackHttp,
    /// Plain http on any host.
    PlainHttp,
}
