//! Countersign: users, grants, stores and the router of an OAuth2 authorization server, to embed in a program of your own or to run
//! as the server `countersign`.
//!
//! [`Countersign::open`] puts one together over the stores, and [`http::router`] answers its requests.

#![forbid(unsafe_code)]

pub mod user;
pub mod store;
pub mod sealing;
pub mod password_rules;
pub mod settings;
pub mod scopes;
pub mod keys;
pub mod accounts;
pub mod grant;
pub mod app;
pub mod http;

pub use crate::app::{Countersign, Stores};
pub use crate::settings::{Registration, Settings};
