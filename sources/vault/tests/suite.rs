//! The suite that every source must pass, on a real OpenBao.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use common::{builder, writer};
use oauth_state::BoxFuture;
use oauth_state::error::BoxError;
use oauth_state::testing::{SourceStage, SourceTrouble, source_suite, writable_source_suite};
use oauth_state_vault::VaultAuth;
use servers::openbao::OpenBao;

struct Stage(OpenBao);

impl SourceStage for Stage {
    fn publish<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<bool, BoxError>> {
        self.0.publish(text);
        Box::pin(async { Ok(true) })
    }

    fn begin(&self, trouble: SourceTrouble) -> BoxFuture<'_, Result<bool, BoxError>> {
        match trouble {
            SourceTrouble::Deleted => self.0.delete(),
            SourceTrouble::Denied => self.0.deny(),
            SourceTrouble::Unavailable => self.0.seal(),
            other => panic!("{other:?}"),
        }
        Box::pin(async { Ok(true) })
    }

    fn end(&self, trouble: SourceTrouble) -> BoxFuture<'_, Result<bool, BoxError>> {
        match trouble {
            // The suite publishes again.
            SourceTrouble::Deleted => {}
            SourceTrouble::Denied => self.0.allow(),
            SourceTrouble::Unavailable => self.0.unseal(),
            other => panic!("{other:?}"),
        }
        Box::pin(async { Ok(true) })
    }
}

#[tokio::test]
async fn it_passes_the_suite_of_sources() {
    let stage = Stage(OpenBao::start());
    let (role, secret) = stage.0.app_role(&["reader"], "1h", "1h");
    let source = builder(&stage.0, VaultAuth::app_role(role, secret)).build().unwrap();
    let report = source_suite(source, &stage).await.unwrap();
    assert_eq!(report.troubles, [SourceTrouble::Deleted, SourceTrouble::Denied, SourceTrouble::Unavailable]);
    println!("{}", report.errors.join("\n"));
}

#[tokio::test]
async fn it_passes_the_suite_of_sources_that_are_written_to() {
    let bao = OpenBao::start();
    writable_source_suite(&writer(&bao)).await.unwrap();
}
