//! The suite that every source must pass, on moto.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use common::{SECRET, source};
use oauth_state::BoxFuture;
use oauth_state::error::BoxError;
use oauth_state::testing::{SourceStage, SourceTrouble, source_suite, writable_source_suite};
use servers::moto::{Fault, Moto};

struct Stage(Moto);

impl SourceStage for Stage {
    fn publish<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<bool, BoxError>> {
        self.0.publish(SECRET, text);
        Box::pin(async { Ok(true) })
    }

    fn begin(&self, trouble: SourceTrouble) -> BoxFuture<'_, Result<bool, BoxError>> {
        match trouble {
            SourceTrouble::Deleted => self.0.delete(SECRET),
            SourceTrouble::Denied => self.0.deny(),
            SourceTrouble::Unavailable => self.0.fault(Fault::throttling()),
            other => panic!("{other:?}"),
        }
        Box::pin(async { Ok(true) })
    }

    fn end(&self, trouble: SourceTrouble) -> BoxFuture<'_, Result<bool, BoxError>> {
        match trouble {
            SourceTrouble::Deleted => self.0.undelete(SECRET),
            SourceTrouble::Denied => self.0.allow(),
            SourceTrouble::Unavailable => self.0.restore(),
            other => panic!("{other:?}"),
        }
        Box::pin(async { Ok(true) })
    }
}

#[tokio::test]
async fn it_passes_the_suite_of_sources() {
    let stage = Stage(Moto::start());
    let report = source_suite(source(&stage.0), &stage).await.unwrap();
    assert_eq!(report.troubles, [SourceTrouble::Deleted, SourceTrouble::Denied, SourceTrouble::Unavailable]);
    println!("{}", report.errors.join("\n"));
}

#[tokio::test]
async fn it_passes_the_suite_of_sources_that_are_written_to() {
    let moto = Moto::start();
    writable_source_suite(&source(&moto)).await.unwrap();
}
