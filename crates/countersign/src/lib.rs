//! Under construction.

#![forbid(unsafe_code)]

pub mod user;
pub mod store;
