//! The router as its clients see it, one file for each family of URLs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

mod common;
mod document;
mod token;
mod me;
mod rotation;
mod clients;
mod introspect;
mod entities;
mod entity_ends;
mod entity_attacks;
mod assertions;
mod sessions;
mod status_lists;
mod throttle;
mod devices;
mod registrations;
mod users;
mod well_known;
