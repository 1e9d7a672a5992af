//! What a command has done, for the audit log: it is by the `command line`, and says which user of the machine that was.

use std::env;
use std::fmt::Display;

use countersign::audit::{AuditId, AuditRecord, ContextV7};
use countersign::store::AuditStore;
use countersign::user::UserId;
use countersign_axum::Clock;
use rustix::process::getuid;

/// An act that is done.
pub(super) struct Act(AuditRecord);

impl Act {
    /// Named as the server names the same.
    pub(super) fn new(event: &str) -> Self {
        let mut record = AuditRecord::new(AuditId::new(&ContextV7::new(), Clock::system().now_ms()), event);
        record.by = Some("command line".to_owned());
        // The name is what the environment says; this is what the system says.
        record.detail.insert("system_uid".to_owned(), getuid().as_raw().to_string());
        let name = |variable| env::var(variable).ok().filter(|name: &String| !name.is_empty());
        if let Some(name) = name("SUDO_USER").or_else(|| name("USER")) {
            record.detail.insert("system_user".to_owned(), name.chars().take(64).collect());
        }
        Self(record)
    }

    /// About this account.
    pub(super) fn user(mut self, id: UserId) -> Self {
        self.0.user = Some(id.to_string());
        self
    }

    /// About this client.
    pub(super) fn client(mut self, id: &str) -> Self {
        self.0.client = Some(id.to_owned());
        self
    }

    /// And this about it.
    pub(super) fn detail(mut self, name: &str, value: &(impl Display + ?Sized)) -> Self {
        self.0.detail.insert(name.to_owned(), value.to_string());
        self
    }

    /// Keeps it. What is done stays done when that fails.
    pub(super) async fn note<S: AuditStore + ?Sized>(self, store: &S) {
        if let Err(error) = store.keep_records(&[self.0]).await {
            eprintln!("countersign: it is done, but the audit log does not have it: {error}");
        }
    }
}
