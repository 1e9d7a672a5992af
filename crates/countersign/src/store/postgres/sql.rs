//! What PostgreSQL has to be told otherwise, because many write to it at once. Where a step reads before it writes, it locks the row
//! first that all who change the same things lock; statements that follow see what the others have done.

use crate::store::sql::select_users;

/// A search that looks at so many users and no more.
pub(super) const SEARCH_NEXT: &str = concat!(
    "WITH users AS MATERIALIZED (SELECT * FROM users WHERE id > $1 ORDER BY id LIMIT $2) ",
    select_users!(r"WHERE username LIKE $3 ESCAPE '\' OR email_canonical LIKE $4 ESCAPE '\' ORDER BY id LIMIT $5")
);
/// A search by the index. Everything that is found is put in order afterwards: by the order of ids there would be no end of looking.
pub(super) const SEARCH_BY_GRAMS: &str = concat!(
    r"WITH users AS MATERIALIZED (SELECT * FROM users
        WHERE (countersign_grams(username, email_canonical) @> $1 OR countersign_grams(username, email_canonical) @> $2)
            AND (username LIKE $3 ESCAPE '\' OR email_canonical LIKE $4 ESCAPE '\')) ",
    select_users!("WHERE id > $5 ORDER BY id LIMIT $6")
);

pub(super) const LOCK_USER: &str = "SELECT 1 FROM users WHERE id = $1 FOR UPDATE";
pub(super) const LOCK_CLIENT: &str = "SELECT 1 FROM clients WHERE id = $1 FOR UPDATE";
pub(super) const LOCK_KEYS: &str = "SELECT 1 FROM signing_keys WHERE kid IN ($1, $2) ORDER BY kid FOR UPDATE";

/// Locks are taken in this order: users, things, sessions, tokens.
pub(super) const SHARE_USER: &str = "SELECT 1 FROM users WHERE id = $1 FOR SHARE";
pub(super) const KEEP_USER: &str = "SELECT 1 FROM users WHERE id = $1 FOR KEY SHARE";
pub(super) const LOCK_ENTITY: &str = "SELECT 1 FROM entities WHERE subject = $1 FOR UPDATE";
pub(super) const SHARE_SESSION: &str = "SELECT 1 FROM sessions WHERE id = $1 FOR SHARE";

/// Begins a session, and counts those that the user had before, also if they have expired.
///
/// Whoever disables, changes or deletes the user or the client at the same moment waits for this, and then finds the session that it
/// has to end; or this waits for them, and looks again at what has become of the row.
pub(super) const BEGIN_SESSION: &str = "
    WITH client AS (SELECT 1 FROM clients WHERE clients.id = $2 AND NOT clients.disabled FOR SHARE)
    INSERT INTO sessions (id, client, scope, address, user_agent, created_at, last_used_at, expires_at,
        refresh_number, refresh_hash, refresh_until, refresh_ends_at, access_until, status_list, status_index, user_id)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, users.id
    FROM users WHERE users.id = $16 AND users.generation = $17 AND NOT users.disabled
        AND ($2 = 'first-party' OR EXISTS (SELECT 1 FROM client))
    FOR SHARE OF users
    RETURNING (SELECT count(*) FROM sessions AS others WHERE others.user_id = $16)";

/// Ends sessions before their time: deletes them, marks the places of their statuses, and says how many there were, all at one moment.
/// Rows that several may delete at once are locked in one order, so that nobody waits in a circle.
macro_rules! end_sessions {
    ($which:literal) => {
        concat!(
            "WITH these AS (SELECT id FROM sessions WHERE ",
            $which,
            " ORDER BY id FOR UPDATE), ",
            "ended AS (DELETE FROM sessions WHERE id IN (SELECT id FROM these) ",
            "RETURNING status_list, status_index, access_until), ",
            "marked AS (INSERT INTO revoked_statuses (list, place, until) ",
            "SELECT status_list, status_index, access_until FROM ended WHERE status_list IS NOT NULL ON CONFLICT DO NOTHING) ",
            "SELECT count(*) FROM ended"
        )
    };
}

pub(super) const END_SESSION: &str = end_sessions!("id = $1 AND (user_id = $2 OR $2 IS NULL)");
pub(super) const END_SESSIONS_OF_USER: &str = end_sessions!("user_id = $1");
pub(super) const END_SESSIONS_OF_CLIENT: &str = end_sessions!("client = $1 AND client <> 'first-party'");
pub(super) const END_LEAST_USED: &str = end_sessions!(
    "id IN (SELECT id FROM sessions WHERE user_id = $1 AND id <> $2 AND expires_at > $3 \
     ORDER BY refresh_number IS NULL, last_used_at DESC, created_at DESC, id OFFSET $4)"
);
pub(super) const END_ALL_SESSIONS: &str = end_sessions!("TRUE");

/// The same for tokens for things.
macro_rules! end_entity_tokens {
    ($which:literal) => {
        concat!(
            "WITH these AS (SELECT id FROM entity_tokens WHERE ",
            $which,
            " ORDER BY id FOR UPDATE), ",
            "ended AS (DELETE FROM entity_tokens WHERE id IN (SELECT id FROM these) ",
            "RETURNING status_list, status_index, expires_at), ",
            "marked AS (INSERT INTO revoked_statuses (list, place, until) ",
            "SELECT status_list, status_index, expires_at FROM ended ON CONFLICT DO NOTHING) ",
            "SELECT count(*) FROM ended"
        )
    };
}

pub(super) const END_ENTITY_TOKEN: &str = end_entity_tokens!("id = $1 AND (entity = $2 OR $2 IS NULL)");
pub(super) const END_ENTITY_TOKENS: &str = end_entity_tokens!("entity = $1");
pub(super) const END_ENTITY_TOKENS_OF_OWNER: &str =
    end_entity_tokens!("entity IN (SELECT subject FROM entities WHERE owner_id = $1)");

pub(super) const END_ALL_ENTITY_TOKENS: &str = end_entity_tokens!("TRUE");

pub(super) const DECLARE_NEW_ENTITY: &str = "
    INSERT INTO entities (subject, permissions, created_at, owner_id) VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING";

/// Deletes rows from the oldest on. Every node purges; what another is at work on is left to it. A row that is locked stays where it is, so
/// that its place is enough to find it again; and by its order it is looked for by the index, whatever is known of how many there are.
macro_rules! purge {
    ($table:literal, $by:literal, $until:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE ctid = ANY (ARRAY(SELECT ctid FROM ",
            $table,
            " WHERE ",
            $by,
            $until,
            " ORDER BY ",
            $by,
            " LIMIT $2 FOR UPDATE SKIP LOCKED))"
        )
    };
}

pub(super) const PURGE_SESSIONS: &str = purge!("sessions", "expires_at", " <= $1");
pub(super) const PURGE_ASSERTIONS: &str = purge!("client_assertions", "expires_at", " <= $1");
pub(super) const PURGE_ENTITY_TOKENS: &str = purge!("entity_tokens", "expires_at", " <= $1");
pub(super) const PURGE_REVOKED: &str = purge!("revoked_statuses", "until", " <= $1");
pub(super) const PURGE_COUNTERS: &str = purge!("counters", "expires_at", " <= $1");
pub(super) const PURGE_RECORDS: &str = purge!("audit_log", "id", " < $1");

/// For this transaction alone: what it counts may be lost in a crash, and nobody waits for the disk.
pub(super) const LOCK_COUNTERS: &str = "
    SELECT pg_advisory_xact_lock(key), set_config('synchronous_commit', 'off', true)
    FROM unnest($1::bigint[]) AS key";
pub(super) const FIND_COUNTERS: &str =
    "SELECT key, count, until_ms, mark, expires_at FROM counters WHERE key = ANY ($1::bigint[])";
pub(super) const KEEP_COUNTERS: &str = "
    INSERT INTO counters (key, count, until_ms, mark, expires_at)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
    ON CONFLICT (key) DO UPDATE SET count = excluded.count, until_ms = excluded.until_ms, mark = excluded.mark,
        expires_at = excluded.expires_at";

/// Many records cost one statement.
pub(super) const KEEP_RECORDS: &str = "
    INSERT INTO audit_log (id, event, outcome, cause, user_id, by_whom, client, source, request_id, times, detail)
    SELECT * FROM unnest($1::BYTEA[], $2::TEXT[], $3::TEXT[], $4::TEXT[], $5::TEXT[], $6::TEXT[], $7::TEXT[], $8::TEXT[],
        $9::TEXT[], $10::BIGINT[], $11::TEXT[])
    ON CONFLICT DO NOTHING";

/// Set for each connection. What an operator has set beyond `on` stays: with `off`, an answer could tell of what is lost in a crash. A
/// backslash in our texts is one, whatever an old program on the same server wants of it.
pub(super) const SETTINGS: &str = "
    SET standard_conforming_strings = on;
    SET statement_timeout = '5s';
    SET idle_in_transaction_session_timeout = '10s';
    SET default_transaction_isolation = 'read committed';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
    SET lock_timeout = '2s';
    SELECT pg_advisory_lock_shared(1129599822, hashtext(current_schema() || ' in use'));
    SET lock_timeout = '3s'";

/// Whoever moves or restores a database wants to be alone in it: each connection shares a lock, and this is all of it.
pub(super) const CLAIM: &str = "SELECT pg_try_advisory_lock(1129599822, hashtext(current_schema() || ' in use'))";

/// Who is in the way of a user, the first of the reasons first; oneself is, if the fifth value says so.
pub(super) const OBSTACLE: &str = "
    SELECT CASE WHEN id = $1 THEN '1 id' WHEN username = $2 THEN '2 name' WHEN username_skeleton = $3 THEN '3 skeleton'
            ELSE '4 address' END AS kind, username
    FROM users
    WHERE (id = $1 OR username = $2 OR username_skeleton = $3 OR email_canonical = $4) AND ($5 OR id <> $1)
    ORDER BY kind LIMIT 1";

/// Two imports that meet would wait for each other's names in a circle, again and again.
pub(super) const LOCK_IMPORTS: &str = "
    SET LOCAL lock_timeout = '60s';
    SET LOCAL statement_timeout = '60s';
    SELECT pg_advisory_xact_lock(1129599822, hashtext(current_schema() || ' imports'));
    SET LOCAL lock_timeout = '3s';
    SET LOCAL statement_timeout = '5s'";

/// Many users in one statement; whoever has another in the way is passed over.
pub(super) const INSERT_MANY: &str = "
    INSERT INTO users (id, username, username_skeleton, email, email_canonical, full_name, disabled, scopes,
        created_at, updated_at, generation, password_hash)
    SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[], $8::text[],
        $9::bigint[], $10::bigint[], $11::bigint[], $12::text[])
    ON CONFLICT DO NOTHING";

pub(super) const LIST_ALL_SECRETS: &str =
    "SELECT client_id, hash, created_at FROM client_secrets ORDER BY client_id, created_at, hash";

/// Whether each byte is taken for a character.
pub(super) const IS_BYTEWISE: &str = "SELECT current_setting('server_encoding') = 'SQL_ASCII'";
/// What is off for this role, whatever our connection has set since: a crash would cost something.
pub(super) const TURNED_OFF: &str = "
    SELECT name FROM pg_settings
    WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND reset_val = 'off' ORDER BY name";
pub(super) const EXAMINED_SETTINGS: &str = "
    SELECT name, reset_val FROM pg_settings
    WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'max_connections', 'server_version_num')";
pub(super) const CLOCK: &str =
    "SELECT floor(extract(epoch FROM clock_timestamp()))::bigint, current_setting('server_version')";

/// For a connection that moves everything.
pub(super) const MOVING_SETTINGS: &str = "
    SET statement_timeout = '2min';
    SET idle_in_transaction_session_timeout = '1h'";
pub(super) const HAS_TABLE: &str = "
    SELECT 1 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = current_schema() AND relname = $1 AND relkind = 'r'";
/// Table, column, type, place in the primary key, and whether the database gives its numbers. What is computed of other columns is not
/// among them.
pub(super) const COLUMNS: &str = "
    SELECT relname::text, attname::text, format_type(atttypid, NULL), array_position(indkey::int2[], attnum)::bigint,
        pg_get_serial_sequence(quote_ident(relname), attname) IS NOT NULL
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    LEFT JOIN pg_index ON indrelid = pg_class.oid AND indisprimary
    WHERE nspname = current_schema() AND relkind IN ('r', 'p') AND NOT relispartition
        AND relname NOT IN ('countersign_schema', 'countersign_move')";
pub(super) const REFERENCES: &str = "
    SELECT ours.relname::text, theirs.relname::text
    FROM pg_constraint JOIN pg_class AS ours ON ours.oid = conrelid JOIN pg_class AS theirs ON theirs.oid = confrelid
    JOIN pg_namespace ON pg_namespace.oid = ours.relnamespace
    WHERE contype = 'f' AND nspname = current_schema() AND NOT ours.relispartition";

pub(super) const VERSION: &str = "SELECT version FROM countersign_schema";
/// All tables, and those that mark the database as ours, as they are at one moment; and in what it is encoded.
pub(super) const COUNT_TABLES: &str = "
    SELECT count(*), count(*) FILTER (WHERE relname = 'countersign_schema'), current_setting('server_encoding') FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = current_schema() AND relkind IN ('r', 'p')";
/// One process at a time brings a schema up to date. The first number is ours ('CTSN'), the second that of the schema.
pub(super) const LOCK_SCHEMA: &str = "
    SET LOCAL lock_timeout = '60s';
    SET LOCAL statement_timeout = '10min';
    SELECT pg_advisory_xact_lock(1129599822, hashtext(current_schema()));
    SET LOCAL lock_timeout = '5s'";
/// Whether there is an index of this name, made to its end.
pub(super) const IS_WHOLE: &str = "
    SELECT 1 FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = current_schema() AND relname = $1 AND indisvalid";
/// Gives a row to the one process that may make indexes now, for as long as they take.
pub(super) const BEGIN_INDEXES: &str = "
    SELECT set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false),
        set_config('maintenance_work_mem', '256MB', false)
    WHERE pg_try_advisory_lock(1129599822, hashtext(current_schema() || ' indexes'))";
pub(super) const END_INDEXES: &str = "
    SET statement_timeout = '5s';
    SET lock_timeout = '3s';
    RESET maintenance_work_mem;
    SELECT pg_advisory_unlock(1129599822, hashtext(current_schema() || ' indexes'))";
pub(super) const HAS_MANY_USERS: &str = "SELECT 1 FROM users OFFSET 10000 LIMIT 1";
pub(super) const MAKE_VERSION: &str = "
    CREATE TABLE IF NOT EXISTS countersign_schema (version BIGINT NOT NULL);
    INSERT INTO countersign_schema SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM countersign_schema)";
pub(super) const SET_VERSION: &str = "UPDATE countersign_schema SET version = $1";
