//! Databases as a version before left them.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};

use anyhow::{Context, Result};
use rusqlite::Connection;

use crate::postgres::query;
use crate::process::Site;

/// The version of both engines' oldest schema that is made here.
pub(crate) const VERSION: i64 = 5;
/// "CTSN", which marks a file as ours.
const APPLICATION_ID: i64 = 0x4354_534E;
/// Users that stand in it, so that the step has something to change.
const USERS: usize = 2000;

macro_rules! migration {
    ($engine:literal, $name:literal) => {
        include_str!(concat!("../../crates/countersign/src/store/", $engine, "/migrations/", $name, ".sql"))
    };
}

const SQLITE: [&str; 5] = [
    migration!("sqlite", "0001_users_and_signing_keys"),
    migration!("sqlite", "0002_upgraded_hashes"),
    migration!("sqlite", "0003_sessions"),
    migration!("sqlite", "0004_key_rotation"),
    migration!("sqlite", "0005_clients"),
];
const POSTGRES: &str = migration!("postgres", "0005_baseline");

/// Makes such a database at a place that is empty.
pub(crate) fn make(site: &Site) -> Result<()> {
    match &site.database {
        Some(url) => make_in_postgres(url),
        None => make_in_sqlite(site),
    }
}

/// The version of the schema that is there; 0 for none.
pub(crate) fn version(site: &Site) -> Result<i64> {
    let Some(url) = &site.database else {
        let connection = Connection::open(site.database_file())?;
        return Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?);
    };
    if query(url, "SELECT count(*) FROM pg_class WHERE relname = 'countersign_schema'")? == "0" {
        return Ok(0);
    }
    query(url, "SELECT version FROM countersign_schema")?.parse().context("no version")
}

/// Tables and indexes, by name and in order.
pub(crate) fn tables(site: &Site) -> Result<Vec<String>> {
    if let Some(url) = &site.database {
        let names = "SELECT c.relname || ' ' || coalesce(string_agg(a.attname, ',' ORDER BY a.attnum), '') FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
            WHERE n.nspname = 'public' GROUP BY c.relname ORDER BY 1";
        return Ok(query(url, names)?.lines().map(str::to_owned).collect());
    }
    let connection = Connection::open(site.database_file())?;
    let mut statement =
        connection.prepare("SELECT name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY name")?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// Pretends that a later version was here.
pub(crate) fn set_version(site: &Site, version: i64) -> Result<()> {
    match &site.database {
        Some(url) => drop(query(url, &format!("UPDATE countersign_schema SET version = {version}"))?),
        None => Connection::open(site.database_file())?.pragma_update(None, "user_version", version)?,
    }
    Ok(())
}

fn make_in_sqlite(site: &Site) -> Result<()> {
    fs::DirBuilder::new().mode(0o700).create(&site.data)?;
    let file = site.database_file();
    let connection = Connection::open(&file)?;
    fs::set_permissions(&file, PermissionsExt::from_mode(0o600))?;
    for step in SQLITE {
        connection.execute_batch(step)?;
    }
    connection.pragma_update(None, "user_version", VERSION)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    let users = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {USERS})
         INSERT INTO users (id, username, username_skeleton, disabled, scopes, created_at, updated_at, generation)
         SELECT randomblob(16), 'old' || i, 'old' || i, 0, '', 1, 1, 1 FROM n"
    );
    Ok(connection.execute_batch(&users)?)
}

fn make_in_postgres(url: &str) -> Result<()> {
    query(url, POSTGRES)?;
    let version = format!(
        "CREATE TABLE countersign_schema (version BIGINT NOT NULL); INSERT INTO countersign_schema VALUES ({VERSION})"
    );
    query(url, &version)?;
    let users = format!(
        "INSERT INTO users (id, username, username_skeleton, disabled, scopes, created_at, updated_at, generation)
         SELECT decode(md5(i::text), 'hex'), 'old' || i, 'old' || i, false, '', 1, 1, 1 FROM generate_series(1, {USERS}) AS i"
    );
    query(url, &users).map(drop)
}
