//! moto, which emulates AWS Secrets Manager and IAM, behind a small stub that can hang up or respond with a fault.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::arithmetic_side_effects,
    reason = "for tests alone: a server that does not do what a test needs ends the test"
)]

mod front;

use std::net::SocketAddr;
use std::process::Command;

use serde_json::{Value, json};

pub use crate::process::free_address;
pub use front::Fault;
use front::Front;

use crate::process::{self, Folder, Process};

/// The region of all resources here.
pub const REGION: &str = "eu-central-1";

/// A running moto, with an IAM user who has all rights until [`Moto::deny`].
pub struct Moto {
    front: Front,
    address: SocketAddr,
    access_key: (String, String),
    _process: Process,
    _folder: Folder,
}

impl Moto {
    /// Starts a moto.
    pub fn start() -> Self {
        let address = free_address();
        let mut command = Command::new(process::fetched("moto-5.2.5"));
        command.args(["-H", "127.0.0.1", "-p", &address.port().to_string()]);
        let folder = Folder::new();
        let process = Process::start(&mut command, &folder, address);
        let front = Front::start(address);
        let mut moto = Self { front, address, access_key: Default::default(), _process: process, _folder: folder };
        moto.identity("Action=CreateUser&UserName=reader");
        let key = moto.identity("Action=CreateAccessKey&UserName=reader");
        let part = |name: &str| {
            let (_, rest) = key.split_once(&format!("<{name}>")).expect("an access key");
            rest.split('<').next().unwrap().to_owned()
        };
        moto.access_key = (part("AccessKeyId"), part("SecretAccessKey"));
        moto
    }

    /// Its address for clients.
    pub fn url(&self) -> String {
        format!("http://{}", self.front.address())
    }

    /// The id and the secret of its user's access key.
    pub fn access_key(&self) -> (&str, &str) {
        (&self.access_key.0, &self.access_key.1)
    }

    /// Publishes a text as any other client would, and returns its version.
    pub fn publish(&self, secret: &str, text: &str) -> String {
        let created = self.call("CreateSecret", json!({ "Name": secret, "SecretString": text }));
        let answer =
            created.or_else(|_| self.call("PutSecretValue", json!({ "SecretId": secret, "SecretString": text })));
        version(&answer.unwrap())
    }

    /// Publishes a text under these staging labels, and returns its version.
    pub fn publish_as(&self, secret: &str, text: &str, labels: &[&str]) -> String {
        let put = json!({ "SecretId": secret, "SecretString": text, "VersionStages": labels });
        version(&self.call("PutSecretValue", put).unwrap())
    }

    /// Creates a secret without a value, as Terraform does.
    pub fn create_empty(&self, secret: &str) {
        self.call("CreateSecret", json!({ "Name": secret })).unwrap();
    }

    /// Publishes bytes that are not text.
    pub fn publish_bytes(&self, secret: &str, base64: &str) {
        self.call("CreateSecret", json!({ "Name": secret, "SecretBinary": base64 })).unwrap();
    }

    /// Marks a secret for deletion.
    pub fn delete(&self, secret: &str) {
        self.call("DeleteSecret", json!({ "SecretId": secret })).unwrap();
    }

    /// Removes that mark.
    pub fn undelete(&self, secret: &str) {
        self.call("RestoreSecret", json!({ "SecretId": secret })).unwrap();
    }

    /// The text and the version with this staging label.
    pub fn read(&self, secret: &str, label: &str) -> Option<(String, String)> {
        let get = json!({ "SecretId": secret, "VersionStage": label });
        let answer = self.call("GetSecretValue", get).ok()?;
        Some((answer["SecretString"].as_str()?.to_owned(), version(&answer)))
    }

    /// The staging labels of every version that has any, in order.
    pub fn labels(&self, secret: &str) -> Vec<String> {
        let answer = self.call("DescribeSecret", json!({ "SecretId": secret })).unwrap();
        let versions = answer["VersionIdsToStages"].as_object().unwrap().values();
        let mut labels: Vec<String> = versions
            .flat_map(|labels| labels.as_array().unwrap())
            .map(|label| label.as_str().unwrap().to_owned())
            .collect();
        labels.sort();
        labels
    }

    /// From now on IAM is enforced, which grants its user nothing and knows no other caller.
    pub fn deny(&self) {
        self.authorize("0");
    }

    /// Allows every caller everything again.
    pub fn allow(&self) {
        self.authorize("inf");
    }

    /// Hangs up on every client, or responds instead of the server.
    pub fn fault(&self, fault: Fault) {
        self.front.set(Some(fault));
    }

    /// Ends [`Moto::fault`].
    pub fn restore(&self) {
        self.front.set(None);
    }

    /// The number of connections since it started.
    pub fn connections(&self) -> usize {
        self.front.connections()
    }

    fn authorize(&self, from_request: &str) {
        let answer = process::request(self.address, "POST", "/moto-api/reset-auth", &[], from_request).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    fn identity(&self, query: &str) -> String {
        let form = ("Content-Type", "application/x-www-form-urlencoded");
        let body = format!("{query}&Version=2010-05-08");
        let answer =
            process::request(self.address, "POST", "/", &[form, ("Authorization", &signed_for("iam"))], &body).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    fn call(&self, action: &str, body: Value) -> Result<Value, String> {
        let headers = [
            ("Content-Type", "application/x-amz-json-1.1"),
            ("X-Amz-Target", &*format!("secretsmanager.{action}")),
            ("Authorization", &*signed_for("secretsmanager")),
        ];
        let answer = process::request(self.address, "POST", "/", &headers, &body.to_string()).unwrap();
        match answer.status {
            200 => Ok(serde_json::from_str(&answer.body).unwrap()),
            _ => Err(answer.body),
        }
    }
}

/// moto reads the service and the region from the signature, and does not verify it until IAM is enforced.
fn signed_for(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

fn version(answer: &Value) -> String {
    answer["VersionId"].as_str().unwrap().to_owned()
}
