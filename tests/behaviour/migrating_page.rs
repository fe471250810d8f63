//! The difference shown on the migration page must match its two programs.

const PAGE: &str = include_str!("../../docs/migrating.md");

/// The fenced blocks of one language, without the lines that doctests hide.
fn blocks(language: &str) -> Vec<Vec<&'static str>> {
    let mut found = Vec::new();
    for block in PAGE.split(&format!("```{language}\n")).skip(1) {
        let text = block.split("\n```").next().unwrap();
        found.push(text.lines().filter(|line| !line.starts_with("# ")).collect());
    }
    found
}

#[test]
fn the_difference_leads_from_before_to_after() {
    let programs = blocks("rust");
    let (before, after) = (&programs[0], &programs[1]);
    let difference = &blocks("diff")[0];
    let side = |other: char| -> Vec<&str> {
        let lines = difference.iter().filter(|line| !line.starts_with(other));
        lines.map(|line| line.get(1..).unwrap_or_default()).collect()
    };
    assert_eq!(side('+'), *before);
    assert_eq!(side('-'), *after);
}
