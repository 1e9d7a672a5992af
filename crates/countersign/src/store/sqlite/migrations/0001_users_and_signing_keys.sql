-- Users and signing keys. Times are Unix seconds. Names stand in their canonical form next to what they must not
-- collide with: uniqueness is the index's business, not the program's.

CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    username TEXT NOT NULL UNIQUE,
    username_skeleton TEXT NOT NULL UNIQUE,
    email TEXT,
    email_canonical TEXT UNIQUE,
    full_name TEXT,
    disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    scopes TEXT NOT NULL,
    password_hash TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    CHECK ((email IS NULL) = (email_canonical IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL,
    state TEXT NOT NULL,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Of several processes that make the first key at once, one wins.
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (state) WHERE state = 'active';
