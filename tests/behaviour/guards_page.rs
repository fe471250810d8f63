//! `docs/guards.md`: every cell of its table is backed by tests, and every test that it names exists.

const PAGE: &str = include_str!("../../docs/guards.md");
/// The files in which the page's tests may be: the cases over real servers, and tests of the crate.
const CASES: &str = include_str!("../guards/cases.rs");
const TESTS: [&str; 3] = [
    include_str!("guard_suite.rs"),
    include_str!("../../src/guard/single_process/tests.rs"),
    include_str!("../../src/guard/known_used.rs"),
];

fn between<'t>(start: &str, end: &str) -> &'t str {
    PAGE.split_once(start).and_then(|(_, rest)| rest.split_once(end)).expect("the page marks its parts").0
}

/// The texts in backquotes.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn references(cell: &str) -> Vec<usize> {
    cell.split('[').skip(1).filter_map(|rest| rest.split_once(']')?.0.parse().ok()).collect()
}

#[test]
fn every_cell_names_its_tests_and_every_test_exists() {
    let tests: Vec<&str> = between("<!-- tests -->\n", "<!-- /tests -->").lines().collect();
    for (number, line) in (1..).zip(&tests) {
        assert!(line.starts_with(&format!("{number}. ")), "{line}");
        let names: Vec<&str> = quoted(line).collect();
        assert!(!names.is_empty(), "{line}");
        for name in names {
            let is_case = CASES.contains(&format!("\"{name}\""));
            let is_engine = ["redis 7.0"].contains(&name);
            let is_test = TESTS.iter().any(|tests| tests.contains(&format!("fn {name}()")));
            assert!(is_case || is_engine || is_test, "there is no test {name:?}");
        }
    }
    let mut used = vec![false; tests.len() + 1];
    for row in between("<!-- table -->\n", "<!-- /table -->").lines().skip(2) {
        for cell in row.trim_matches('|').split('|').skip(1) {
            let cell = cell.trim();
            let references = references(cell);
            assert!(cell == "–" || !references.is_empty(), "no test backs {cell:?} in {row:?}");
            for reference in references {
                assert!(reference <= tests.len(), "{cell:?}");
                used[reference] = true;
            }
        }
    }
    let unused: Vec<_> = (1..used.len()).filter(|number| !used[*number]).collect();
    assert!(unused.is_empty(), "tests {unused:?} back no cell");
}

/// Exactly four, each shown by a test over a real server.
#[test]
fn each_of_the_four_loss_windows_has_a_test() {
    for window in 1..=4 {
        assert!(CASES.contains(&format!("\"window {window}: ")), "window {window} is not shown");
        assert!(between("<!-- table -->\n", "<!-- /table -->").contains(&format!("**window {window}**")));
    }
    assert!(!CASES.contains("window 5"));
}
