//! Types that are no scopes, alone and among others.

use countersign_axum::{Scope, Scoped};

pub struct ItemsRead;

impl Scope for ItemsRead {
    const NAME: &'static str = "items:read";
    const DESCRIPTION: &'static str = "Read items.";
}

pub struct ItemsWrite;

pub type Forgotten = Scoped<ItemsWrite>;

pub fn forgotten(_: &Forgotten) {}

pub fn text(_: &Scoped<String>) {}

pub fn among_others(_: &Scoped<(ItemsRead, ItemsWrite)>) {}
