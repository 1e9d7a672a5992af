//! A database in which every table has rows, and every column values.

use std::path::Path;

use countersign::store::sqlite::SqliteStore;
use rusqlite::{Connection, params};

use crate::{Database, Folder};

/// More than are moved in one step, and not a multiple of it.
const USERS: i64 = 2345;

/// Rows of the tables that check what is put into them; `%` in the first stands for a number.
const MANY: [&str; 4] = [
    "INSERT INTO users (id, username, username_skeleton, email, email_canonical, full_name, disabled, scopes, password_hash,
        upgraded_from, created_at, updated_at, generation)
     VALUES (randomblob(16), 'user-' || ?1, 'skeleton-' || ?1, iif(?1 % 2, 'U' || ?1 || '@example.com', NULL),
        iif(?1 % 2, 'u' || ?1 || '@example.com', NULL), iif(?1 % 3, NULL, 'Ünï ''\"\\' || char(128512, 65535, 1)), ?1 % 2,
        'a:read b:write', iif(?1 % 5, '$2b$…', NULL), iif(?1 % 7, NULL, 'bcrypt'), ?1, 9223372036854775807 - ?1, ?1)",
    "INSERT INTO sessions (id, user_id, client, scope, address, user_agent, created_at, last_used_at, expires_at, refresh_number,
        refresh_hash, refresh_until, refresh_ends_at, status_list, status_index, access_until)
     SELECT randomblob(16), id, 'first-party', '', iif(?1 % 2, '::1', NULL), 'curl', ?1, ?1, 4000000000, iif(?1 % 2, ?1, NULL),
        iif(?1 % 2, randomblob(32), NULL), iif(?1 % 2, ?1, NULL), iif(?1 % 2, ?1, NULL), randomblob(9), ?1 % 65536, ?1
     FROM users WHERE username = 'user-' || ?1",
    "INSERT INTO revoked_statuses (list, place, until) VALUES (randomblob(9), ?1 % 65536, ?1)",
    "INSERT INTO client_assertions (client_id, hash, expires_at) VALUES ('billing', randomblob(32), ?1)",
];

const FEW: &str = "
    INSERT INTO signing_keys VALUES ('kid', 'ES256', 'active', x'00FF', -1, 5), ('other', 'ES256', 'retiring', x'', 1, 2);
    INSERT INTO clients (id, name, is_public, grants, scopes, audiences, access_token_lifetime, always_refresh, disabled, created_at, jwks)
        VALUES ('billing', 'Billing', 0, 'client_credentials', 'a b', 'x', 60, 1, 0, 7, '{\"keys\":[]}');
    INSERT INTO client_secrets VALUES ('billing', randomblob(32), 1), ('billing', randomblob(32), 2);
    INSERT INTO status_lists VALUES (randomblob(9), 1);
    INSERT INTO entities SELECT 'car:foo', id, 'drive', 1 FROM users LIMIT 1;
    INSERT INTO entity_tokens VALUES (randomblob(16), 'car:foo', 'a bot', 'drive', 1, 4000000000, randomblob(9), 65535);";

/// A new database with this content.
pub(crate) fn sample(folder: &Folder, name: &str) -> Database {
    let path = folder.path().join(name);
    SqliteStore::open(&path).unwrap();
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("BEGIN").unwrap();
    for number in 0..USERS {
        for statement in MANY {
            connection.execute(statement, params![number]).unwrap();
        }
    }
    connection.execute_batch(FEW).unwrap();
    connection.execute_batch("COMMIT").unwrap();
    fill_the_others(&connection);
    assert_full(&connection);
    Database::Sqlite(path)
}

/// Tables that came later have simple rows, if they take them.
fn fill_the_others(connection: &Connection) {
    for table in tables(connection) {
        if count(connection, &table, "1") > 0 {
            continue;
        }
        let columns = columns(connection, &table);
        let values: Vec<_> = columns
            .iter()
            .map(|(name, of_type)| match of_type.as_str() {
                "INTEGER" | "INT" => "1".to_owned(),
                "BLOB" => "randomblob(16)".to_owned(),
                _ => format!("'{name}'"),
            })
            .collect();
        let names: Vec<_> = columns.into_iter().map(|(name, _)| name).collect();
        let insert = format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), values.join(", "));
        let done = connection.execute_batch(&insert);
        done.unwrap_or_else(|error| {
            panic!("{table} is new here: add rows of it to FEW, in tests/moving/sample.rs ({error})")
        });
    }
}

fn assert_full(connection: &Connection) {
    for table in tables(connection) {
        for (column, _) in columns(connection, &table) {
            let there = count(connection, &table, &format!("{column} IS NOT NULL"));
            assert!(there > 0, "{table}.{column} has no value: add one in tests/moving/sample.rs");
        }
    }
}

/// What SQLite itself says.
pub(crate) fn tables(connection: &Connection) -> Vec<String> {
    let mut names =
        connection.prepare("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'").unwrap();
    let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    names.into_iter().filter(|name| !name.starts_with("sqlite_")).collect()
}

pub(crate) fn columns(connection: &Connection, table: &str) -> Vec<(String, String)> {
    let mut columns = connection.prepare("SELECT name, type FROM pragma_table_xinfo(?1) ORDER BY name").unwrap();
    columns.query_map([table], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

fn count(connection: &Connection, table: &str, condition: &str) -> i64 {
    connection.query_row(&format!("SELECT count(*) FROM {table} WHERE {condition}"), [], |row| row.get(0)).unwrap()
}

/// Every value of every row, read without what is tested.
pub(crate) fn dump(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut dump = Vec::new();
    for table in tables(&connection) {
        let columns: Vec<_> =
            columns(&connection, &table).into_iter().map(|(name, _)| format!("quote({name})")).collect();
        let text =
            format!("SELECT '{table}' || ' ' || {} AS text FROM {table} ORDER BY text", columns.join(" || ' ' || "));
        let mut rows = connection.prepare(&text).unwrap();
        dump.extend(rows.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap));
    }
    dump
}
