//! A name that is no scope token.

use countersign_axum::{Requirement, Requires, Scope, Scoped};

pub struct Broken;

impl Scope for Broken {
    const NAME: &'static str = "two words";
    const DESCRIPTION: &'static str = "A scope token has no space.";
}

pub fn requirement() -> Requirement {
    Scoped::<Broken>::requirement()
}
