//! A real OpenBao, configured as for a service: initially sealed, KV version 2 at `secret/`, AppRole, policies.
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

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

pub use crate::process::free_address;
use crate::process::{self, Folder, Process, wait_for};

/// The path of the tests' ring below the mount `secret`.
pub const PATH: &str = "shop/oauth-state";

/// A running OpenBao.
pub struct OpenBao {
    address: SocketAddr,
    process: Option<Process>,
    folder: Folder,
    encrypted: Option<SocketAddr>,
    on_disk: bool,
    root_token: String,
    unseal_key: String,
}

impl OpenBao {
    /// Starts one in memory, initialized and unsealed, with the policies `reader` and `writer` for [`PATH`].
    pub fn start() -> Self {
        Self::prepare(None, false)
    }

    /// The same with its data on disk, so that it can be stopped and restarted. That takes two seconds instead of a
    /// third of one, because it elects itself.
    pub fn start_on_disk() -> Self {
        Self::prepare(None, true)
    }

    /// The same in memory, also listening with this certificate; both as PEM.
    pub fn start_encrypted(certificate: &str, key: &str) -> Self {
        Self::prepare(Some((certificate, key)), false)
    }

    fn prepare(certificate: Option<(&str, &str)>, on_disk: bool) -> Self {
        let address = free_address();
        let folder = Folder::new();
        let mut listeners = vec![json!({
            "tcp": { "address": address.to_string(), "tls_disable": true, "cluster_address": "127.0.0.1:0" }
        })];
        let encrypted = certificate.map(|(certificate, key)| {
            let (encrypted, cert_path, key_path) =
                (free_address(), folder.0.join("cert.pem"), folder.0.join("key.pem"));
            std::fs::write(&cert_path, certificate).unwrap();
            std::fs::write(&key_path, key).unwrap();
            let files = json!({
                "address": encrypted.to_string(), "tls_cert_file": cert_path, "tls_key_file": key_path,
                "cluster_address": "127.0.0.1:0",
            });
            listeners.push(json!({ "tcp": files }));
            encrypted
        });
        let data = folder.0.join("data");
        std::fs::create_dir(&data).unwrap();
        let disk = json!({ "raft": { "path": data, "node_id": "one", "performance_multiplier": "1" } });
        let configuration = json!({
            "storage": if on_disk { disk } else { json!({ "inmem": {} }) },
            "listener": listeners,
            "api_addr": format!("http://{address}"),
            "cluster_addr": format!("https://{}", free_address()),
        });
        std::fs::write(folder.0.join("server.json"), configuration.to_string()).unwrap();
        let mut server = Self {
            address,
            process: None,
            folder,
            encrypted,
            on_disk,
            root_token: String::new(),
            unseal_key: String::new(),
        };
        server.run();
        let made = server.call("PUT", "sys/init", &json!({ "secret_shares": 1, "secret_threshold": 1 }));
        server.root_token = text(&made["root_token"]);
        server.unseal_key = text(&made["keys_base64"][0]);
        server.unseal();
        server.call("POST", "sys/mounts/secret", &json!({ "type": "kv", "options": { "version": "2" } }));
        server.call("POST", "sys/auth/approle", &json!({ "type": "approle" }));
        server.allow();
        // A new mount is upgraded in the background, and responds with 400 until then.
        let ready = wait_for(Duration::from_secs(10), || server.ask("GET", "secret/data/ready", &Value::Null).0 == 404);
        assert!(ready, "the mount `secret` does not become ready");
        server
    }

    fn run(&mut self) {
        let mut command = Command::new(process::fetched("bao-2.7.2"));
        command.arg("server").arg("-config").arg(self.folder.0.join("server.json"));
        self.process = Some(Process::start(&mut command, &self.folder, self.address));
        let ready = wait_for(Duration::from_secs(10), || {
            process::request(self.address, "GET", "/v1/sys/seal-status", &[], "")
                .is_ok_and(|answer| answer.status == 200)
        });
        assert!(ready, "OpenBao does not answer");
    }

    /// Its address for clients.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its TLS address for clients, by this host name of this machine.
    pub fn encrypted_url(&self, host: &str) -> String {
        format!("https://{host}:{}", self.encrypted.expect("a certificate").port())
    }

    /// The token with all rights.
    pub fn root_token(&self) -> &str {
        &self.root_token
    }

    /// Ends the process, so that no server listens.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Restarts it after [`OpenBao::stop`], on the same data and sealed.
    pub fn start_again(&mut self) {
        assert!(self.on_disk, "the data in memory is lost");
        self.run();
    }

    /// Seals it, so that it responds with 503.
    pub fn seal(&self) {
        self.call("PUT", "sys/seal", &Value::Null);
    }

    /// Unseals it after a start or after [`OpenBao::seal`].
    pub fn unseal(&self) {
        self.call("PUT", "sys/unseal", &json!({ "key": self.unseal_key }));
        let ready = wait_for(Duration::from_secs(10), || self.ask("GET", "sys/health", &Value::Null).0 == 200);
        assert!(ready, "OpenBao does not come into service");
    }

    /// Publishes a ring in the field `ring` as any other client would, and returns its version.
    pub fn publish(&self, text: &str) -> u64 {
        self.publish_fields(&json!({ "ring": text }))
    }

    /// Publishes these fields, and returns their version.
    pub fn publish_fields(&self, fields: &Value) -> u64 {
        let answer = self.call("PUT", &format!("secret/data/{PATH}"), &json!({ "data": fields }));
        answer["data"]["version"].as_u64().unwrap()
    }

    /// The current fields and their version.
    pub fn read(&self) -> Option<(Value, u64)> {
        let (status, answer) = self.ask("GET", &format!("secret/data/{PATH}"), &Value::Null);
        let version = answer["data"]["metadata"]["version"].as_u64();
        (status == 200).then(|| (answer["data"]["data"].clone(), version.unwrap()))
    }

    /// Deletes the latest version, which can be undone.
    pub fn delete(&self) {
        self.call("DELETE", &format!("secret/data/{PATH}"), &Value::Null);
    }

    /// Undoes the deletion of a version.
    pub fn undelete(&self, version: u64) {
        self.call("PUT", &format!("secret/undelete/{PATH}"), &json!({ "versions": [version] }));
    }

    /// Destroys a version permanently.
    pub fn destroy(&self, version: u64) {
        self.call("PUT", &format!("secret/destroy/{PATH}"), &json!({ "versions": [version] }));
    }

    /// Removes the secret with all of its versions.
    pub fn remove(&self) {
        self.call("DELETE", &format!("secret/metadata/{PATH}"), &Value::Null);
    }

    /// From now on the policies `reader` and `writer` grant nothing to any token.
    pub fn deny(&self) {
        self.policy("reader", "");
        self.policy("writer", "");
    }

    /// Ends [`OpenBao::deny`].
    pub fn allow(&self) {
        let rule = |rights: &str| format!(r#"path "secret/data/{PATH}" {{ capabilities = [{rights}] }}"#);
        self.policy("reader", &rule(r#""read""#));
        self.policy("writer", &rule(r#""create", "read", "update""#));
    }

    /// Writes a policy; an empty one grants nothing.
    pub fn policy(&self, name: &str, rules: &str) {
        let rules = if rules.is_empty() { "# nothing" } else { rules };
        self.call("PUT", &format!("sys/policies/acl/{name}"), &json!({ "policy": rules }));
    }

    /// A token with these policies and this lifetime, such as `1h`.
    pub fn token(&self, policies: &[&str], time_to_live: &str) -> String {
        let wish = json!({ "policies": policies, "ttl": time_to_live, "renewable": true });
        text(&self.call("POST", "auth/token/create", &wish)["auth"]["client_token"])
    }

    /// Revokes a token.
    pub fn revoke(&self, token: &str) {
        self.call("POST", "auth/token/revoke", &json!({ "token": token }));
    }

    /// The number of live tokens.
    pub fn tokens(&self) -> usize {
        self.call("LIST", "auth/token/accessors", &Value::Null)["data"]["keys"].as_array().unwrap().len()
    }

    /// An AppRole role with these policies: its id and a secret id.
    pub fn app_role(&self, policies: &[&str], time_to_live: &str, longest: &str) -> (String, String) {
        let wish = json!({ "token_policies": policies, "token_ttl": time_to_live, "token_max_ttl": longest });
        self.call("POST", "auth/approle/role/service", &wish);
        let role = self.call("GET", "auth/approle/role/service/role-id", &Value::Null);
        let secret = self.call("POST", "auth/approle/role/service/secret-id", &json!({}));
        (text(&role["data"]["role_id"]), text(&secret["data"]["secret_id"]))
    }

    /// Revokes every token from AppRole.
    pub fn revoke_app_role_tokens(&self) {
        self.call("PUT", "sys/leases/revoke-force/auth/approle/login", &json!({}));
    }

    /// One request with the root token; panics if it is refused.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.ask(method, path, body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let token = [("X-Vault-Token", self.root_token.as_str())];
        let headers = if self.root_token.is_empty() { &[][..] } else { &token[..] };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = process::request(self.address, method, &format!("/v1/{path}"), headers, &body).unwrap();
        (answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::Null))
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
