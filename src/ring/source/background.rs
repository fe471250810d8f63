//! Blocking work on a thread of its own, one piece at a time.
//!
//! Not on a runtime's blocking threads: a runtime waits for those when it ends, and a read from a dead mount never returns.

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Runs one piece of work at a time. A second one waits until the first has ended, so that a hanging file system holds one thread, however
/// often it is asked.
#[derive(Debug, Default)]
pub(super) struct Background(Arc<Mutex<Turns>>);

#[derive(Debug, Default)]
struct Turns {
    taken: bool,
    waiting: Vec<Waker>,
}

/// Held by the thread that works.
struct Turn(Arc<Mutex<Turns>>);

impl Drop for Turn {
    fn drop(&mut self) {
        let waiting = {
            let mut turns = locked(&self.0);
            turns.taken = false;
            std::mem::take(&mut turns.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// The result, on its way from the thread.
struct Delivery<T>(Arc<Mutex<Slot<T>>>);

struct Slot<T> {
    result: Option<io::Result<T>>,
    waker: Option<Waker>,
}

impl<T> Delivery<T> {
    fn put(&self, result: io::Result<T>) {
        let waker = {
            let mut slot = locked(&self.0);
            if slot.result.is_none() {
                slot.result = Some(result);
            }
            slot.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Drop for Delivery<T> {
    /// Without effect if there is a result. A thread that did not start, or that panicked, has none.
    fn drop(&mut self) {
        self.put(Err(io::Error::other("the thread that works on the file ended early")));
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Background {
    /// Waits for the work before this one, and then for this one. If the future is dropped, the thread ends by itself, whenever the work
    /// does.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let turn = poll_fn(|context| self.take_turn(context)).await;
        let slot = Arc::new(Mutex::new(Slot { result: None, waker: None }));
        start(turn, Delivery(Arc::clone(&slot)), work)?;
        poll_fn(move |context| {
            let mut slot = locked(&slot);
            match slot.result.take() {
                Some(result) => Poll::Ready(result),
                None => {
                    slot.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Starts the work unless other work is running; nothing waits for it.
    #[cfg(feature = "watch")]
    pub(super) fn start_if_idle(&self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let turn = {
            let mut turns = locked(&self.0);
            if turns.taken {
                return Ok(());
            }
            turns.taken = true;
            Turn(Arc::clone(&self.0))
        };
        let slot = Arc::new(Mutex::new(Slot { result: None, waker: None }));
        start(turn, Delivery(slot), move || {
            work();
            Ok(())
        })
    }

    fn take_turn(&self, context: &Context<'_>) -> Poll<Turn> {
        let mut turns = locked(&self.0);
        if turns.taken {
            // The list is short: the refresh task asks once at a time, and each of its questions replaces the one before.
            turns.waiting.retain(|waker| !waker.will_wake(context.waker()));
            turns.waiting.push(context.waker().clone());
            return Poll::Pending;
        }
        turns.taken = true;
        Poll::Ready(Turn(Arc::clone(&self.0)))
    }
}

fn start<T: Send + 'static>(
    turn: Turn,
    delivery: Delivery<T>,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<()> {
    let thread = std::thread::Builder::new().name("oauth-state-file".to_owned());
    let body = move || {
        // Dropped even if the work panics.
        let turn = turn;
        let result = work();
        drop(turn);
        delivery.put(result);
    };
    thread.spawn(body).map(|_| ())
}

#[cfg(test)]
mod tests;
