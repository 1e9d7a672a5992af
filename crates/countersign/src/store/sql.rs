//! The statements that both engines understand; few are told PostgreSQL in another way, in `postgres/sql.rs`. The placeholders appear in the order `$1`, `$2`, …: SQLite
//! numbers them so; PostgreSQL learns the type of one where it stands beside a column first.

mod audit;

pub(in crate::store) use audit::{KEEP_RECORD, PURGE_RECORDS, detail_of_text, detail_to_text, list_records};

/// A query for users: all columns, in the order in which `users::read_user` takes them.
macro_rules! select_users {
    ($rest:literal) => {
        select_users!("", $rest)
    };
    ($more:literal, $rest:literal) => {
        concat!(
            "SELECT id, username, email, email_canonical, full_name, disabled, scopes, ",
            "created_at, updated_at, generation, password_hash",
            $more,
            " FROM users ",
            $rest
        )
    };
}

#[cfg(feature = "postgres")]
pub(in crate::store) use select_users;

pub(in crate::store) const FIND_BY_ID: &str = select_users!("WHERE id = $1");
pub(in crate::store) const FIND_BY_USERNAME: &str = select_users!("WHERE username = $1");
pub(in crate::store) const FIND_BY_EMAIL: &str = select_users!("WHERE email_canonical = $1");

pub(in crate::store) const LIST: &str = select_users!("WHERE id > $1 ORDER BY id LIMIT $2");
pub(in crate::store) const SEARCH: &str = select_users!(
    r"WHERE id > $1 AND (username LIKE $2 ESCAPE '\' OR email_canonical LIKE $3 ESCAPE '\') ORDER BY id LIMIT $4"
);

/// All users after one, and of each whether the search finds it.
pub(in crate::store) const SEARCH_NEXT: &str = select_users!(
    r", username LIKE $1 ESCAPE '\' OR email_canonical LIKE $2 ESCAPE '\'",
    "WHERE id > $3 ORDER BY id LIMIT $4"
);
/// The same as a search among the users with these ids.
pub(in crate::store) const SEARCH_AMONG: &str = select_users!(
    r"WHERE id > $1 AND id <= $2 AND (username LIKE $3 ESCAPE '\' OR email_canonical LIKE $4 ESCAPE '\') ORDER BY id LIMIT $5"
);

pub(in crate::store) const INSERT: &str = "
    INSERT INTO users (id, username, username_skeleton, email, email_canonical, full_name, disabled, scopes,
        created_at, updated_at, generation, password_hash)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT DO NOTHING";

/// A name that stays keeps its skeleton: newer tables of Unicode may give it another, and that must not stand in the way
/// of disabling a user.
pub(in crate::store) const UPDATE: &str = "
    UPDATE users SET username_skeleton = CASE WHEN username = $1 THEN username_skeleton ELSE $2 END, username = $3,
        email = $4, email_canonical = $5, full_name = $6, disabled = $7, scopes = $8, updated_at = $9,
        generation = $10
    WHERE id = $11";

pub(in crate::store) const HAS_NAME: &str = "SELECT 1 FROM users WHERE username = $1 OR username_skeleton = $2";
pub(in crate::store) const HAS_ID: &str = "SELECT 1 FROM users WHERE id = $1";
pub(in crate::store) const OTHER_WITH_USERNAME: &str = "SELECT username FROM users WHERE username = $1 AND id <> $2";
pub(in crate::store) const OTHER_WITH_SKELETON: &str =
    "SELECT username FROM users WHERE username_skeleton = $1 AND id <> $2";
pub(in crate::store) const OTHER_WITH_EMAIL: &str =
    "SELECT username FROM users WHERE email_canonical = $1 AND id <> $2";

pub(in crate::store) const REPLACE_PASSWORD_HASH: &str = "
    UPDATE users SET password_hash = $1, upgraded_from = coalesce(upgraded_from, $2)
    WHERE id = $3 AND password_hash = $4";
pub(in crate::store) const CHANGE_PASSWORD: &str = "
    UPDATE users SET password_hash = $1, upgraded_from = NULL, updated_at = $2, generation = generation + 1
    WHERE id = $3 AND password_hash = $4";
pub(in crate::store) const SET_PASSWORD: &str = "
    UPDATE users SET password_hash = $1, upgraded_from = NULL, updated_at = $2, generation = generation + 1
    WHERE id = $3";

pub(in crate::store) const LIST_HASHES: &str =
    "SELECT id, password_hash, upgraded_from FROM users WHERE id > $1 ORDER BY id LIMIT $2";

pub(in crate::store) const DELETE: &str = "DELETE FROM users WHERE id = $1";

/// The columns of a session, in the order in which `sessions::read_at` takes them.
macro_rules! session_columns {
    () => {
        "sessions.id, user_id, client, scope, address, user_agent, sessions.created_at, last_used_at, expires_at, \
         refresh_number, refresh_hash, refresh_until, refresh_ends_at, access_until, status_list, status_index"
    };
}

pub(in crate::store) const BEGIN_SESSION: &str = "
    INSERT INTO sessions (id, client, scope, address, user_agent, created_at, last_used_at, expires_at,
        refresh_number, refresh_hash, refresh_until, refresh_ends_at, access_until, status_list, status_index, user_id)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, users.id
    FROM users WHERE users.id = $16 AND users.generation = $17 AND NOT users.disabled
        AND ($2 = 'first-party' OR EXISTS (SELECT 1 FROM clients WHERE clients.id = $2 AND NOT clients.disabled))";

/// The columns of a user beside those of a session.
macro_rules! user_columns {
    () => {
        "users.id, username, email, email_canonical, full_name, disabled, scopes, users.created_at, users.updated_at, \
         generation"
    };
}

/// Every guarded request asks this. A join would take SQLite ten times as long, which it spends on its plan.
pub(in crate::store) const FIND_USER_OF_SESSION: &str =
    select_users!("WHERE id = (SELECT user_id FROM sessions WHERE sessions.id = $1 AND +expires_at > $2)");
pub(in crate::store) const FIND_USER_OF_SESSION_BY: &str = select_users!(
    ", (SELECT clients.scopes FROM clients WHERE clients.id = $1)",
    "WHERE id = (SELECT user_id FROM sessions WHERE client = $1 AND sessions.id = $2 AND +expires_at > $3)"
);
pub(in crate::store) const FIND_SESSION: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", ",
    session_columns!(),
    " FROM sessions JOIN users ON users.id = sessions.user_id WHERE sessions.id = $1 AND +expires_at > $2"
);
pub(in crate::store) const ROTATE: &str = "
    UPDATE sessions SET refresh_number = $1, refresh_hash = $2, refresh_until = $3, last_used_at = $4,
        expires_at = CASE WHEN expires_at > $5 THEN expires_at ELSE $5 END,
        access_until = CASE WHEN access_until > $6 THEN access_until ELSE $6 END
    WHERE id = $7 AND refresh_number = $8 AND refresh_hash = $9 AND refresh_until > $4";
pub(in crate::store) const NOTE_RETRY: &str = "
    UPDATE sessions SET expires_at = CASE WHEN expires_at > $1 THEN expires_at ELSE $1 END,
        access_until = CASE WHEN access_until > $2 THEN access_until ELSE $2 END
    WHERE id = $3 AND refresh_number = $4 AND refresh_hash = $5";
pub(in crate::store) const LIST_SESSIONS: &str = concat!(
    "SELECT ",
    session_columns!(),
    " FROM sessions WHERE expires_at > $1 ORDER BY created_at DESC, id LIMIT $2"
);
pub(in crate::store) const LIST_SESSIONS_OF: &str = concat!(
    "SELECT ",
    session_columns!(),
    " FROM sessions WHERE expires_at > $1 AND user_id = $2 ORDER BY created_at DESC, id LIMIT $3"
);

/// The two statements that end sessions before their time: the one marks the places of their statuses, the other deletes them.
macro_rules! end_sessions {
    ($which:literal) => {
        [
            concat!(
                "INSERT INTO revoked_statuses (list, place, until) SELECT status_list, status_index, access_until ",
                "FROM sessions WHERE status_list IS NOT NULL AND ",
                $which,
                " ON CONFLICT DO NOTHING"
            ),
            concat!("DELETE FROM sessions WHERE ", $which),
        ]
    };
}

pub(in crate::store) const END_SESSION: [&str; 2] = end_sessions!("id = $1 AND (user_id = $2 OR $2 IS NULL)");
pub(in crate::store) const END_SESSIONS_OF_USER: [&str; 2] = end_sessions!("user_id = $1");
pub(in crate::store) const END_LEAST_USED: [&str; 2] = end_sessions!(
    "id IN (SELECT id FROM sessions WHERE user_id = $1 AND id <> $2 AND expires_at > $3 \
     ORDER BY refresh_number IS NULL, last_used_at DESC, created_at DESC, id LIMIT 1000000 OFFSET $4)"
);
/// The index has the sessions of registered clients only.
pub(in crate::store) const END_SESSIONS_OF_CLIENT: [&str; 2] = end_sessions!("client = $1 AND client <> 'first-party'");
pub(in crate::store) const END_ALL_SESSIONS: [&str; 2] = end_sessions!("TRUE");
/// An index alone answers this.
pub(in crate::store) const COUNT_SESSIONS: &str = "SELECT count(*) FROM sessions WHERE user_id = $1";
pub(in crate::store) const PURGE_SESSIONS: &str =
    "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= $1 LIMIT $2)";

pub(in crate::store) const INSERT_CLIENT: &str = "
    INSERT INTO clients (id, is_public, created_at, name, grants, scopes, audiences, access_token_lifetime,
        always_refresh, disabled, jwks)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT DO NOTHING";

/// A query for clients: the columns in the order in which `clients::read` takes them.
macro_rules! select_clients {
    ($rest:literal) => {
        concat!(
            "SELECT id, is_public, created_at, name, grants, scopes, audiences, access_token_lifetime, always_refresh, ",
            "disabled, jwks FROM clients ",
            $rest
        )
    };
}

pub(in crate::store) const FIND_CLIENT: &str = select_clients!("WHERE id = $1");
pub(in crate::store) const LIST_CLIENTS: &str = select_clients!("ORDER BY id");
pub(in crate::store) const UPDATE_CLIENT: &str = "
    UPDATE clients SET name = $1, grants = $2, scopes = $3, audiences = $4, access_token_lifetime = $5,
        always_refresh = $6, disabled = $7, jwks = $8
    WHERE id = $9";
pub(in crate::store) const DELETE_CLIENT: &str = "DELETE FROM clients WHERE id = $1";
pub(in crate::store) const INSERT_SECRET: &str =
    "INSERT INTO client_secrets (client_id, hash, created_at) VALUES ($1, $2, $3)";
pub(in crate::store) const LIST_SECRETS: &str =
    "SELECT hash, created_at FROM client_secrets WHERE client_id = $1 ORDER BY created_at, hash";
pub(in crate::store) const REMOVE_SECRET: &str = "DELETE FROM client_secrets WHERE client_id = $1 AND hash = $2";

/// An id that has expired and was not yet forgotten stands in nobody's way.
pub(in crate::store) const USE_ASSERTION: &str = "
    INSERT INTO client_assertions (client_id, hash, expires_at) VALUES ($1, $2, $3)
    ON CONFLICT (client_id, hash) DO UPDATE SET expires_at = excluded.expires_at WHERE client_assertions.expires_at <= $4";
pub(in crate::store) const PURGE_ASSERTIONS: &str = "
    DELETE FROM client_assertions WHERE (client_id, hash) IN
        (SELECT client_id, hash FROM client_assertions WHERE expires_at <= $1 LIMIT $2)";

pub(in crate::store) const KEEP_STATUS_LIST: &str = "
    INSERT INTO status_lists (id, until) VALUES ($1, $2)
    ON CONFLICT (id) DO UPDATE SET until = excluded.until WHERE excluded.until > status_lists.until";
pub(in crate::store) const HAS_STATUS_LIST: &str = "SELECT 1 FROM status_lists WHERE id = $1";
pub(in crate::store) const LIST_REVOKED: &str = "SELECT place FROM revoked_statuses WHERE list = $1 ORDER BY place";
pub(in crate::store) const IS_REVOKED: &str = "SELECT 1 FROM revoked_statuses WHERE list = $1 AND place = $2";
pub(in crate::store) const PURGE_STATUS_LISTS: &str = "DELETE FROM status_lists WHERE until <= $1";
pub(in crate::store) const PURGE_REVOKED: &str = "
    DELETE FROM revoked_statuses
    WHERE (list, place) IN (SELECT list, place FROM revoked_statuses WHERE until <= $1 LIMIT $2)";

/// Who is not there owns nothing: no row is written then.
pub(in crate::store) const DECLARE_ENTITY: &str = "
    INSERT INTO entities (subject, permissions, created_at, owner_id)
    SELECT $1, $2, $3, users.id FROM users WHERE users.id = $4
    ON CONFLICT (subject) DO UPDATE SET permissions = excluded.permissions, owner_id = excluded.owner_id";

/// A query for things: the columns in the order in which `entities::read` takes them.
macro_rules! select_entities {
    ($rest:literal) => {
        concat!("SELECT subject, owner_id, permissions, created_at FROM entities ", $rest)
    };
}

pub(in crate::store) const FIND_ENTITY: &str = select_entities!("WHERE subject = $1");
pub(in crate::store) const LIST_ENTITIES: &str = select_entities!("WHERE subject > $1 ORDER BY subject LIMIT $2");
pub(in crate::store) const LIST_ENTITIES_OF: &str =
    select_entities!("WHERE subject > $1 AND owner_id = $2 ORDER BY subject LIMIT $3");
pub(in crate::store) const DELETE_ENTITY: &str = "DELETE FROM entities WHERE subject = $1";

pub(in crate::store) const MINT_ENTITY_TOKEN: &str = "
    INSERT INTO entity_tokens (id, name, permissions, created_at, expires_at, status_list, status_index, entity)
    SELECT $1, $2, $3, $4, $5, $6, $7, entities.subject
    FROM entities JOIN users ON users.id = entities.owner_id AND NOT users.disabled
    WHERE entities.subject = $8 AND entities.owner_id = $9 AND entities.permissions = $10
        AND EXISTS (SELECT 1 FROM sessions
            WHERE sessions.id = $11 AND sessions.user_id = entities.owner_id AND +sessions.expires_at > $4)
        AND (SELECT count(*) FROM entity_tokens AS others
            WHERE others.entity = entities.subject AND +others.expires_at > $4) < $12";

/// A query for tokens: the columns in the order in which `entities::read_token` takes them.
macro_rules! select_entity_tokens {
    ($rest:literal) => {
        concat!(
            "SELECT entity_tokens.id, entity, name, entity_tokens.permissions, entity_tokens.created_at, expires_at, ",
            "status_list, status_index FROM entity_tokens ",
            $rest
        )
    };
}

pub(in crate::store) const FIND_ENTITY_TOKEN: &str = select_entity_tokens!(
    "JOIN entities ON entities.subject = entity JOIN users ON users.id = owner_id AND NOT users.disabled \
     WHERE entity_tokens.id = $1 AND +expires_at > $2"
);
pub(in crate::store) const LIST_ENTITY_TOKENS: &str =
    select_entity_tokens!("WHERE entity = $1 AND +expires_at > $2 ORDER BY entity_tokens.created_at DESC, id");

/// The two statements that end tokens for things before their time, as those that end sessions.
macro_rules! end_entity_tokens {
    ($which:literal) => {
        [
            concat!(
                "INSERT INTO revoked_statuses (list, place, until) SELECT status_list, status_index, expires_at ",
                "FROM entity_tokens WHERE ",
                $which,
                " ON CONFLICT DO NOTHING"
            ),
            concat!("DELETE FROM entity_tokens WHERE ", $which),
        ]
    };
}

pub(in crate::store) const END_ENTITY_TOKEN: [&str; 2] = end_entity_tokens!("id = $1 AND ($2 IS NULL OR entity = $2)");
pub(in crate::store) const END_ENTITY_TOKENS: [&str; 2] = end_entity_tokens!("entity = $1");
pub(in crate::store) const END_ENTITY_TOKENS_OF_OWNER: [&str; 2] =
    end_entity_tokens!("entity IN (SELECT subject FROM entities WHERE owner_id = $1)");
pub(in crate::store) const END_ALL_ENTITY_TOKENS: [&str; 2] = end_entity_tokens!("TRUE");
pub(in crate::store) const PURGE_ENTITY_TOKENS: &str =
    "DELETE FROM entity_tokens WHERE id IN (SELECT id FROM entity_tokens WHERE expires_at <= $1 LIMIT $2)";

pub(in crate::store) const FIND_COUNTER: &str = "SELECT count, until_ms, mark, expires_at FROM counters WHERE key = $1";
pub(in crate::store) const KEEP_COUNTER: &str = "
    INSERT INTO counters (key, count, until_ms, mark, expires_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (key) DO UPDATE SET count = excluded.count, until_ms = excluded.until_ms, mark = excluded.mark,
        expires_at = excluded.expires_at";
pub(in crate::store) const PURGE_COUNTERS: &str =
    "DELETE FROM counters WHERE key IN (SELECT key FROM counters WHERE expires_at <= $1 LIMIT $2)";

pub(in crate::store) const INSERT_KEY: &str = "
    INSERT INTO signing_keys (kid, algorithm, state, sealed, created_at, since)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT DO NOTHING";
pub(in crate::store) const LIST_KEYS: &str =
    "SELECT kid, algorithm, state, sealed, created_at, since FROM signing_keys ORDER BY created_at, kid";
pub(in crate::store) const CAN_PROMOTE_KEY: &str = "
    SELECT 1 FROM signing_keys AS coming JOIN signing_keys AS going ON going.state = 'active'
    WHERE coming.kid = $1 AND coming.state = 'next' AND going.kid = $2";
pub(in crate::store) const RETIRE_KEY: &str = "UPDATE signing_keys SET state = 'retiring', since = $1 WHERE kid = $2";
pub(in crate::store) const ACTIVATE_KEY: &str = "UPDATE signing_keys SET state = 'active', since = $1 WHERE kid = $2";
pub(in crate::store) const IS_ACTIVE_KEY: &str = "SELECT 1 FROM signing_keys WHERE kid = $1 AND state = 'active'";
pub(in crate::store) const REMOVE_KEY: &str = "DELETE FROM signing_keys WHERE kid = $1";

/// When the last thing was done that leaves a time.
pub(in crate::store) const LATEST: &str = "
    SELECT max(latest) FROM (
        SELECT max(created_at) AS latest FROM users UNION ALL SELECT max(last_used_at) FROM sessions
        UNION ALL SELECT max(since) FROM signing_keys UNION ALL SELECT max(created_at) FROM entity_tokens) AS all_of_them";

pub(in crate::store) const PING: &str = "SELECT count(*) FROM signing_keys";
