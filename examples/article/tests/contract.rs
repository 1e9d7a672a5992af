//! The program, held to what was recorded of the original.

#[path = "../../program.rs"]
mod program;

#[test]
fn the_recorded_exchanges_are_answered() {
    program::replay("000", env!("CARGO_BIN_EXE_article"));
}
