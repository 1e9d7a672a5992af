//! The program, held to what was recorded of the original.

#[path = "../../contract.rs"]
mod contract;

#[test]
fn the_recorded_exchanges_are_answered() {
    contract::replay("000", env!("CARGO_BIN_EXE_article"));
}
