//! The helper program that connects the command line `oauth-state` to Vault or OpenBao.

use std::io::Write;
use std::process::ExitCode;

use oauth_state::ring::source::helper;
use oauth_state_vault::VaultSecret;

const HELP: &str = "\
oauth-state-source-vault MOUNT/PATH[#FIELD]

The command line oauth-state runs this program, with a request on its standard input, for locations such as
  vault:secret/shop/oauth-state
  vault:secret/shop/oauth-state#keys
  vault:teams/shop//oauth-state

MOUNT    a KV version 2 engine: the part before the first slash, or before `//` if it contains slashes
PATH     the path below it
FIELD    the field with the document; `ring` by default

From the environment: VAULT_ADDR, VAULT_TOKEN or the token in ~/.vault-token, VAULT_NAMESPACE, VAULT_CACERT; the same
names with BAO_ have precedence. With AppRole: VAULT_TOKEN=$(vault write -field=token auth/approle/login role_id=… secret_id=@…)
";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let location = match (arguments.next(), arguments.next()) {
        (Some(help), None) if help == "--help" || help == "-h" => {
            let _ = std::io::stdout().lock().write_all(HELP.as_bytes());
            return ExitCode::SUCCESS;
        }
        (Some(location), None) => location,
        _ => return usage(HELP),
    };
    let (location, field) = location.split_once('#').unwrap_or((&location, "ring"));
    let Some((mount, path)) = location.split_once("//").or_else(|| location.split_once('/')) else {
        return usage(HELP);
    };
    match VaultSecret::from_environment(mount, path).and_then(|builder| builder.field(field).build()) {
        Ok(source) => helper::serve(&source).await,
        Err(error) => usage(&format!("{error}\n")),
    }
}

fn usage(words: &str) -> ExitCode {
    let _ = std::io::stderr().lock().write_all(words.as_bytes());
    ExitCode::from(2)
}
