//! The HTTP machinery from outside: bytes over a socket, against a trivial router.

mod house;
mod messages;
mod presentation;
mod slowness;
mod stopping;
mod http2;
