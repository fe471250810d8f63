//! The size of the mounts, and the page that shows them.

const PAGE: &str = include_str!("../../../../docs/frameworks.md");

/// Each file of a mount.
const MOUNTS: [(&str, &str); 7] = [
    ("actix", include_str!("../../src/actix.rs")),
    ("axum", include_str!("../../src/axum.rs")),
    ("hyper", include_str!("../../src/hyper.rs")),
    ("lambda", include_str!("../../src/lambda.rs")),
    ("poem", include_str!("../../src/poem.rs")),
    ("salvo", include_str!("../../src/salvo.rs")),
    ("warp", include_str!("../../src/warp.rs")),
];

#[test]
fn a_mount_has_at_most_25_lines() {
    for (name, file) in MOUNTS {
        let code = file
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !["//", "use "].iter().any(|start| line.starts_with(start)));
        assert!(code.count() <= 25, "{name}");
    }
}

#[test]
fn the_page_on_frameworks_links_to_each_mount() {
    for (name, _) in MOUNTS {
        assert!(PAGE.contains(&format!("(../tests/mounts/src/{name}.rs)")), "{name}");
    }
}

#[test]
fn the_page_on_frameworks_shows_the_mount_in_poem() {
    let (_, block) = PAGE.split_once("```rust,ignore\n").unwrap();
    let (shown, _) = block.split_once("```\n").unwrap();
    let (_, file) = MOUNTS[4];
    let (_, code) = file.split_once("\n\n").unwrap();
    assert_eq!(shown, code);
}
