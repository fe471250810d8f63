//! No key is ever shown, on either output, whatever goes wrong.

use std::fs;
use std::path::Path;

use crate::folder::Folder;

/// The characters of a key, in base64url.
const KEY: usize = 43;

/// Checks that `output` has none of the keys in the folder's files, nor any other.
pub fn none_of(folder: &Path, line: &str, output: &str) {
    let key =
        |rest: &str| rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte)).count() > 3;
    assert!(!output.split("osk1.").skip(1).any(key), "$ {line}\nsaid a key:\n{output}");
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        for rest in text.split("osk1.").skip(1) {
            let key = rest.get(..KEY).unwrap_or(rest);
            assert!(!output.contains(key), "$ {line}\nsaid a key of {:?}:\n{output}", entry.file_name());
        }
    }
}

#[test]
fn a_key_in_any_wrong_place_is_not_repeated() {
    let folder = Folder::new();
    let shop = fs::read_to_string(folder.path("shop.json")).unwrap();
    let key = shop.split('"').find(|piece| piece.starts_with("osk1.")).unwrap();
    for (name, text) in [
        ("a.json", shop.replace("\"version\": 1", &format!("\"version\": \"{key}\""))),
        ("b.json", shop.replace("serial", key)),
        ("c.json", shop.replace("\"published_at\": \"", &format!("\"published_at\": \"{key}"))),
        ("d.json", shop.replace("\"revoked\": []", &format!("\"revoked\": [\"{key}\"]"))),
        ("e.json", shop.replace("\"seal_from\"", &format!("\"note\": \"{key}\", \"seal_from\""))),
        ("f.json", format!("x{shop}")),
        ("g.json", format!("{key}x")),
        ("h.json", shop.chars().take(150).collect()),
        ("i.json", key.to_owned()),
    ] {
        fs::write(folder.path(name), text).unwrap();
        for command in ["keys list", "keys check", "keys rotate --dry-run", "keys prune --dry-run", "fingerprint"] {
            folder.run(&format!("oauth-state {command} {name}"));
            folder.run(&format!("oauth-state {command} --json - < {name}"));
            folder.run(&format!("RING=\"$(cat {name})\" oauth-state {command} env:RING"));
        }
        folder.run(&format!("oauth-state keys revoke {name} 0011223344556677 --dry-run"));
        folder.run(&format!("oauth-state inspect --keys {name} --app shop --environment production < callback.txt"));
        folder.run(&format!("oauth-state inspect < {name}"));
        let service = "--app shop --environment production --origin https://shop.example --provider github";
        folder.run(&format!("oauth-state doctor --keys {name} {service} --redis file:{name}"));
        folder.run(&format!("oauth-state doctor --keys {name} {service} --postgres file:{name} --json"));
        folder.run(&format!("oauth-state keys rotate {name} --out - 2>&1 > /dev/null"));
    }
}

#[test]
fn a_key_or_a_state_as_an_argument_is_refused_and_not_repeated() {
    let folder = Folder::new();
    folder.run("oauth-state keys generate --bare --out bare.key");
    for command in [
        "keys list \"$(cat bare.key)\"",
        "keys rotate env:\"$(cat bare.key)\"",
        "keys generate --note \"$(cat bare.key)\" --out new.json",
        "keys generate --out \"$(cat bare.key)\"",
        "keys revoke shop.json \"$(cat bare.key)\" --json",
        "\"$(cat bare.key)\"",
        "inspect \"$(cat callback.txt)\"",
        "inspect \"$(cat link.txt)\" --json",
    ] {
        let told = folder.run(&format!("oauth-state {command}"));
        assert_eq!(told.exit, 2, "{command}");
        assert!(!told.output.contains("ost1"), "{}", told.output);
    }
    assert!(!folder.path("new.json").exists());
    // Without its prefix, a text is not recognizable as a key; as an id it is still not repeated.
    folder.run("oauth-state keys revoke shop.json \"$(cut -d. -f2 bare.key)\"");
}

#[test]
fn a_terminal_shows_a_key_only_where_that_is_asked_for() {
    let folder = Folder::new();
    let on_terminal = |command: &str| folder.run_unseen(&format!("script -qec 'oauth-state {command}' /dev/null"));
    for command in ["keys generate --out -", "keys generate --bare --out -", "keys rotate shop.json --out -"] {
        let told = on_terminal(command);
        none_of(&folder.path("."), command, &told.output);
        assert_eq!(told.exit, 2, "{command}: {}", told.output);
        assert!(told.output.starts_with("error: standard output is a terminal"), "{}", told.output);
        assert!(on_terminal(&format!("{command} --show-key-material")).output.contains("osk1."), "{command}");
    }
}
