//! The helper program that connects the command line `oauth-state` to Google Secret Manager.

use std::io::Write;
use std::process::ExitCode;

use oauth_state_gcp::GcpSecret;

const HELP: &str = "\
oauth-state-source-gcp LOCATION

The command line oauth-state calls this program to read and write a key ring in Google Secret Manager. LOCATION is

    projects/PROJECT/secrets/SECRET[/versions/VERSION]
    projects/PROJECT/locations/REGION/secrets/SECRET[/versions/VERSION]

where VERSION is latest (the default), an alias or a number. The request comes on standard input as JSON, and the
reply goes to standard output. Credentials are Google's application default credentials.
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let location = match (arguments.next(), arguments.next()) {
        (Some(help), None) if matches!(help.as_str(), "-h" | "--help") => {
            let _ = std::io::stdout().write_all(HELP.as_bytes());
            return ExitCode::SUCCESS;
        }
        (Some(location), None) => location,
        _ => return fail(HELP),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(error),
    };
    runtime.block_on(async {
        match GcpSecret::from_environment(location).await {
            Ok(source) => oauth_state::ring::source::helper::serve(&source).await,
            Err(error) => fail(error),
        }
    })
}

fn fail(what: impl std::fmt::Display) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{what}");
    ExitCode::from(2)
}
