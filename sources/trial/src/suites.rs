//! Each source with its own client under the suite that every source passes, against its server.

use std::process::ExitCode;

use oauth_state::BoxFuture;
use oauth_state::error::BoxError;
use oauth_state::testing::{SourceStage, SourceTrouble, source_suite, writable_source_suite};
use servers::azure_stub::AzureStub;
use servers::gcp_stub::GcpStub;
use servers::moto::{Fault, Moto};
use servers::openbao::OpenBao;

use crate::Failure;
use crate::places::{AWS_SECRET, GCP_ALIAS, Places};

/// The servers, and the actions of an operator or accidents on one of them.
struct Stage<'s> {
    servers: &'s Servers,
    source: &'static str,
}

struct Servers {
    moto: Moto,
    bao: OpenBao,
    gcp: GcpStub,
    azure: AzureStub,
}

impl Servers {
    fn publish(&self, source: &str, text: &str) {
        match source {
            "aws" => drop(self.moto.publish(AWS_SECRET, text)),
            "vault" => drop(self.bao.publish(text)),
            "gcp" => self.gcp.point(GCP_ALIAS, self.gcp.publish(text)),
            _ => drop(self.azure.publish(text)),
        }
    }

    fn begin(&self, source: &str, trouble: SourceTrouble) {
        match (source, trouble) {
            ("aws", SourceTrouble::Deleted) => self.moto.delete(AWS_SECRET),
            ("aws", SourceTrouble::Denied) => self.moto.deny(),
            ("aws", _) => self.moto.fault(Fault::HangUp),
            ("vault", SourceTrouble::Deleted) => self.bao.delete(),
            ("vault", SourceTrouble::Denied) => self.bao.deny(),
            ("vault", _) => self.bao.seal(),
            ("gcp", SourceTrouble::Deleted) => self.gcp.delete(),
            ("gcp", SourceTrouble::Denied) => self.gcp.deny(),
            ("gcp", _) => self.gcp.unavailable(),
            // A vault keeps the name of a deleted secret; a disabled version is missing in the same way.
            (_, SourceTrouble::Deleted) => self.azure.disable(),
            (_, SourceTrouble::Denied) => self.azure.deny(),
            (_, _) => self.azure.throttle(),
        }
    }

    fn end(&self, source: &str, trouble: SourceTrouble) {
        match (source, trouble) {
            ("aws", SourceTrouble::Deleted) => self.moto.undelete(AWS_SECRET),
            ("aws", SourceTrouble::Denied) => self.moto.allow(),
            ("aws", _) => self.moto.restore(),
            ("vault", SourceTrouble::Denied) => self.bao.allow(),
            ("vault", SourceTrouble::Unavailable) => self.bao.unseal(),
            ("gcp", _) => self.gcp.restore(),
            ("azure", _) => self.azure.restore(),
            _ => {}
        }
    }
}

impl SourceStage for Stage<'_> {
    fn publish<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<bool, BoxError>> {
        self.servers.publish(self.source, text);
        Box::pin(async { Ok(true) })
    }

    fn begin(&self, trouble: SourceTrouble) -> BoxFuture<'_, Result<bool, BoxError>> {
        self.servers.begin(self.source, trouble);
        Box::pin(async { Ok(true) })
    }

    fn end(&self, trouble: SourceTrouble) -> BoxFuture<'_, Result<bool, BoxError>> {
        self.servers.end(self.source, trouble);
        Box::pin(async { Ok(true) })
    }
}

/// Both suites for each source, and its messages about its troubles.
pub async fn run() -> Result<ExitCode, Failure> {
    let (mut passed, mut failed) = (0, 0);
    for source in ["aws", "vault", "gcp", "azure"] {
        // Writing comes first, because nothing may exist there yet.
        let (servers, places, _folder) = start().await?;
        let written = writable_source_suite(&places.source(source).await?).await;
        let (servers_again, places, _folder) = start().await?;
        let stage = Stage { servers: &servers_again, source };
        let read = source_suite(places.source(source).await?, &stage).await;
        drop(servers);
        match &read {
            Ok(report) => {
                println!("{source}: read through {:?}; it said", report.troubles);
                report.errors.iter().for_each(|error| println!("    {error}"));
            }
            Err(fault) => println!("{source}: FAILED to be read: {fault}"),
        }
        match &written {
            Ok(()) => println!("{source}: written to"),
            Err(fault) => println!("{source}: FAILED to be written to: {fault}"),
        }
        let good = usize::from(read.is_ok()) + usize::from(written.is_ok());
        passed += good;
        failed += 2 - good;
    }
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn start() -> Result<(Servers, Places, tempfile::TempDir), Failure> {
    let folder = tempfile::tempdir()?;
    let servers = Servers {
        moto: Moto::start(),
        bao: OpenBao::start(),
        gcp: GcpStub::start().await,
        azure: AzureStub::start().await,
    };
    let places = Places::of(folder.path(), &servers.moto, &servers.bao, &servers.gcp, &servers.azure);
    Ok((servers, places, folder))
}
