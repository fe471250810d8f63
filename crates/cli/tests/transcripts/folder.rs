//! A temporary folder with files, and the shell that runs a transcript.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use oauth_state::inspect::PublicData;
use oauth_state::ring::{KeyRingDocument, RingTiming};
use oauth_state::{App, Binding, Flow, KeyRing, Login, Provider, Purpose, ReturnTo};
use oauth_state::{SingleProcessGuard, Tenant};

use crate::compare::Comparison;

/// The command line as a page may call it from a checkout.
pub const BY_CARGO: &str = "$ cargo run -p oauth-state-cli -- ";

const HELPER: &str = include_str!("oauth-state-source-demo");

pub struct Folder(tempfile::TempDir);

/// Both outputs of a command, and its exit code.
pub struct Told {
    pub output: String,
    pub exit: i32,
}

impl Told {
    pub fn value(&self) -> serde_json::Value {
        serde_json::from_str(&self.output).unwrap_or_else(|error| panic!("{error}: {}", self.output))
    }
}

impl Folder {
    /// With a helper on the PATH, and
    ///
    /// * `shop.json`: a ring, and `callback.txt`: the callback address of a login under it;
    /// * `signed.txt`: a signed state;
    /// * `link.txt`: a state for the purpose `link`; `changed.txt`: the same with one character changed;
    /// * `old.json`: a ring with one retired key and one that is 199 days old;
    /// * `later.json`: a ring with a key that seals from tomorrow on;
    /// * `broken.json`: a document with a misspelled field around a key.
    pub fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let now = SystemTime::now();
        let days = |days: u64| now - Duration::from_secs(days * 86_400);
        let shop = KeyRingDocument::first(RingTiming::default(), now).unwrap();
        let old = KeyRingDocument::first(RingTiming::default(), days(200)).unwrap().rotate(days(199)).unwrap().document;
        let tomorrow = now + Duration::from_secs(86_400);
        let later = KeyRingDocument::first(RingTiming::default(), now).unwrap().rotate(tomorrow).unwrap().document;
        let text = |document: &KeyRingDocument| document.to_secret_text().expose().to_owned();
        let callback = state(shop.ring(), Purpose::Login);
        let middle = if callback.as_bytes()[80] == b'A' { "B" } else { "A" };
        let changed = format!("{}{middle}{}", &callback[..80], &callback[81..]);
        for (name, text) in [
            ("shop.json", text(&shop)),
            ("old.json", text(&old)),
            ("later.json", text(&later)),
            ("broken.json", text(&shop).replace("revoked", "revokd")),
            ("callback.txt", format!("https://shop.example/auth/github/callback?code=abc&state={callback}\n")),
            ("signed.txt", signed_state(shop.ring())),
            ("link.txt", state(shop.ring(), Purpose::Link)),
            ("changed.txt", changed),
            ("short.txt", callback[..40].to_owned()),
            ("bin/oauth-state-source-demo", HELPER.to_owned()),
        ] {
            fs::create_dir_all(folder.path(name).parent().unwrap()).unwrap();
            fs::write(folder.path(name), text).unwrap();
        }
        folder.run("chmod 755 bin/*; chmod 600 *.json *.txt");
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs a line in a shell, and checks that no key is shown.
    pub fn run(&self, line: &str) -> Told {
        let told = self.run_unseen(line);
        crate::secrets::none_of(&self.path("."), line, &told.output);
        told
    }

    pub fn run_unseen(&self, line: &str) -> Told {
        let ours = PathBuf::from(env!("CARGO_BIN_EXE_oauth-state"));
        let path = format!(
            "{}:{}:{}",
            ours.parent().unwrap().display(),
            self.path("bin").display(),
            std::env::var("PATH").unwrap_or_default()
        );
        let done = Command::new("sh")
            .args(["-c", &format!("exec 2>&1\n{line}")])
            .current_dir(self.path("."))
            .env("PATH", path)
            .env_remove("OAUTH_STATE_KEYS")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let output = String::from_utf8(done.stdout).unwrap().replace('\r', "");
        Told { output, exit: done.status.code().unwrap_or(-1) }
    }

    /// Runs every line that starts with `$` and compares its output. `[exit 5]` ends a command with an exit code other
    /// than 0.
    pub fn follow(&self, transcript: &str, name: &str) {
        let mut comparison = Comparison::default();
        let shell = transcript.replace(BY_CARGO, "$ oauth-state ");
        for part in format!("\n{shell}").split("\n$ ").skip(1) {
            let (line, expected) = part.split_once('\n').unwrap_or((part, ""));
            let told = self.run(&comparison.with_real_ids(line));
            let ended = if told.exit == 0 { String::new() } else { format!("[exit {}]\n", told.exit) };
            let actual = format!("{}{ended}", told.output);
            // For the author of a new transcript.
            if std::env::var_os("SHOW_TRANSCRIPTS").is_some() {
                println!("$ {line}\n{actual}");
                comparison.compare("...", "").unwrap();
                continue;
            }
            if let Err(why) = comparison.compare(expected, &actual) {
                panic!("{name}: {why}\n$ {line}\n{actual}\n--- where the transcript has\n{expected}");
            }
        }
    }
}

fn state(ring: &KeyRing, purpose: Purpose) -> String {
    let app = App::new("shop", "production").unwrap();
    let flow = Flow::builder(app, ring.clone(), SingleProcessGuard::with_capacity(1))
        .purpose(purpose)
        .provider(Provider::github())
        .carrying::<Vec<String>>()
        .build()
        .unwrap();
    let binding = Binding::session(b"0123456789abcdef").unwrap();
    let binding = if purpose == Purpose::Link {
        binding.for_user(b"user-42").unwrap().dangerously_assume_same_origin()
    } else {
        binding
    };
    let login = Login::with("github")
        .purpose(purpose)
        .tenant(Tenant::from_bytes(b"acme").unwrap())
        .return_to("/basket".parse::<ReturnTo>().unwrap())
        .data(vec!["campaign-7".to_owned()]);
    flow.begin(binding, login).unwrap().state
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Campaign(String);
impl PublicData for Campaign {}

fn signed_state(ring: &KeyRing) -> String {
    let app = App::new("shop", "production").unwrap();
    let flow = Flow::builder(app, ring.clone(), SingleProcessGuard::with_capacity(1))
        .provider(Provider::github())
        .carrying::<Campaign>()
        .build_signed_not_encrypted()
        .unwrap();
    let login = Login::with("github")
        .tenant(Tenant::from_bytes(b"acme").unwrap())
        .return_to("/basket".parse::<ReturnTo>().unwrap())
        .data(Campaign("campaign-7".to_owned()));
    flow.begin(Binding::session(b"0123456789abcdef").unwrap(), login).unwrap().state
}
