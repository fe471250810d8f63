//! The helper program that connects the command line `oauth-state` to Azure Key Vault.

use std::io::Write;
use std::process::ExitCode;

use oauth_state_azure::AzureSecret;

const HELP: &str = "\
oauth-state-source-azure LOCATION

The command line oauth-state calls this program to read and write a key ring in Azure Key Vault. LOCATION is

    https://VAULT.vault.azure.net/secrets/NAME[/VERSION]

The request comes on standard input as JSON, and the reply goes to standard output. AZURE_TOKEN_CREDENTIALS names the
credential: ManagedIdentityCredential, WorkloadIdentityCredential or AzureCliCredential. If it is unset, the platform's
identity is used if its variables are set, and the Azure CLI otherwise.
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
        match AzureSecret::from_environment(&location) {
            Ok(source) => oauth_state::ring::source::helper::serve(&source).await,
            Err(error) => fail(error),
        }
    })
}

fn fail(what: impl std::fmt::Display) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{what}");
    ExitCode::from(2)
}
