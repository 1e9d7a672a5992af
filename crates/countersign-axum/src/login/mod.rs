//! Logging in, for programs that keep users of their own: from a name and a password to the user, over any table.
//!
//! [`authenticate`] does what has to be done at a login and is easily forgotten. It needs to know how a user is found and
//! how a hash is replaced: implement [`UserTable`] for whatever the users are kept in. [`MemoryUsers`] is a table for
//! tests and first steps.
//!
//! ```
//! use countersign_axum::login::{LoginError, MemoryUsers, authenticate};
//! use countersign_password::{HashPool, Hasher, Policy, PoolSettings};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let users = MemoryUsers::from_json(
//!     r#"{"username": "ada", "password_hash": "$2b$04$EGdrhbKUv8Oc9vGiXX0HQOxSg445d458Muh7DAHskb6QbtCvdxcie"}"#,
//! )?;
//! let passwords = HashPool::new(Hasher::new(Policy::default()), PoolSettings::default())?;
//!
//! let ada = authenticate(&users, &passwords, "ada", "correctbatteryhorsestapler").await?;
//! assert_eq!(ada.username, "ada");
//! let wrong = authenticate(&users, &passwords, "ada", "wrong").await;
//! assert_eq!(wrong.unwrap_err(), LoginError::WrongCredentials);
//! # Ok(())
//! # }
//! ```

mod authenticate;
mod memory;

pub use authenticate::{Found, LoginError, UserTable, authenticate};
pub use memory::{MemoryUsers, UserFileError, UserRecord};
