//! The router as its clients see it, one file for each family of URLs.

mod common;
mod document;
mod token;
mod me;
mod users;
mod well_known;
