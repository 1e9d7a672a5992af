//! The HTTP machinery from outside: bytes over a socket, against a trivial router.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod house;
mod messages;
mod presentation;
mod slowness;
mod stopping;
mod http2;
mod tls;
#[path = "../support/tls.rs"]
mod tls_client;
