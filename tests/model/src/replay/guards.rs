//! Two broken guards.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use oauth_state::ReplayGuard;
use oauth_state::guard::{Mark, MarkFuture, Marked};

/// Remembers nothing.
pub struct Forgetful;

impl ReplayGuard for Forgetful {
    fn mark_used<'a>(&'a self, _: &'a Mark) -> MarkFuture<'a> {
        MarkFuture::ready(Ok(Marked::First))
    }
}

/// Checks first, and marks in a second step, as with a `GET` and then a `SET`.
#[derive(Default)]
pub struct InTwoSteps(Mutex<HashSet<[u8; 16]>>);

impl ReplayGuard for InTwoSteps {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        MarkFuture::new(async move {
            if self.0.lock().unwrap().contains(mark.id()) {
                return Ok(Marked::AlreadyUsed { first_used_at: None, first_claimant: None });
            }
            NextPoll::default().await;
            self.0.lock().unwrap().insert(*mark.id());
            Ok(Marked::First)
        })
    }
}

/// Ready on the second poll.
#[derive(Default)]
struct NextPoll(bool);

impl Future for NextPoll {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}
