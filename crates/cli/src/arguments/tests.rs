use super::*;

#[test]
fn the_definition_of_the_command_line_holds_together() {
    command().debug_assert();
}
