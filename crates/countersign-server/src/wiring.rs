//! Puts the parts together: settings and a data directory become a Countersign, and a Countersign becomes a router.

use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use countersign::accounts::Accounts;
use countersign::store::Store;
use countersign::throttles::Throttles;
use countersign::trail::Trail;
use countersign::{Countersign, Stores, Throttling};
use countersign_axum::Clock;
use countersign_password::{HashPool, PoolSettings};

use crate::data_directory::DataDirectory;
use crate::metrics;
use crate::settings::Settings;
use crate::transport::RequestCounts;

/// Everything that is served, for this issuer, and what its metrics are read from. What the trail takes up is kept in the store.
pub async fn router(
    settings: &Settings,
    directory: &DataDirectory,
    store: Arc<dyn Store>,
    issuer: &str,
    trail: &Trail,
) -> anyhow::Result<(Router, metrics::Sources)> {
    let sealing = directory.sealing_key(store.as_ref()).await?;
    let pool = hash_pool(settings, settings.hashing)?;
    let stores = Stores::in_engine(store);
    tokio::spawn(trail.clone().keep_in(stores.audit.clone()));
    let app = Countersign::open(settings.of_accounts(issuer), stores, sealing, pool.clone(), Clock::system()).await?;
    let requests = RequestCounts::default();
    let sources = metrics::Sources { app: app.clone(), hashing: pool, trail: trail.clone(), requests };
    let router = settings.allowed_origins.clone().admit(countersign::http::router(app)?);
    Ok((router, sources))
}

/// The accounts of a store, for a command that sets one password and ends.
pub fn accounts(settings: &Settings, store: Arc<dyn Store>) -> anyhow::Result<Accounts> {
    let pool = hash_pool(settings, PoolSettings { threads: 1, ..settings.hashing })?;
    let rules = settings.password_rules(&settings.issuer_at(settings.listen));
    Ok(Accounts::new(store, pool, rules, Clock::system()))
}

/// What counts guesses in a store, for a command that forgets some of them, also those that a server counts which has other settings.
pub async fn throttles(
    settings: &Settings,
    directory: &DataDirectory,
    store: Arc<dyn Store>,
) -> anyhow::Result<Throttles> {
    if store.list_keys().await?.is_empty() {
        // No server has been started, and none has counted.
        return Ok(Throttles::off(Clock::system()));
    }
    let sealing = directory.existing_sealing_key()?;
    let limits = Throttling { is_on: true, ..settings.throttling };
    Ok(Throttles::new(store, limits, &sealing, Clock::system())?)
}

fn hash_pool(settings: &Settings, size: PoolSettings) -> anyhow::Result<HashPool> {
    HashPool::new(settings.hasher()?, size).context("cannot start the threads that hash passwords")
}
