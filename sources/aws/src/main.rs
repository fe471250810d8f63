//! The helper program that connects the command line `oauth-state` to AWS Secrets Manager.

use std::io::Write;
use std::process::ExitCode;

use oauth_state_aws::AwsSecret;

const HELP: &str = "\
oauth-state-source-aws SECRET[#LABEL]

The command line oauth-state runs this program, with a request on its standard input, for locations such as
  aws:prod/oauth-state
  aws:arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/oauth-state-AbCdEf
  aws:prod/oauth-state#AWSPREVIOUS

SECRET   the name or the ARN of the secret
LABEL    the staging label to read and write; AWSCURRENT by default

Region and credentials come from the same places as for the AWS tools: AWS_REGION, AWS_PROFILE, AWS_ACCESS_KEY_ID, the role of
the service account, task or instance. After `aws sso login`: eval \"$(aws configure export-credentials --format env)\"
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
        _ => {
            let _ = std::io::stderr().lock().write_all(HELP.as_bytes());
            return ExitCode::from(2);
        }
    };
    let source = match location.rsplit_once('#') {
        Some((secret, label)) => AwsSecret::from_environment(secret).await.staging_label(label),
        None => AwsSecret::from_environment(location).await,
    };
    oauth_state::ring::source::helper::serve(&source).await
}
