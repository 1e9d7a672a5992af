-- All that the first five steps of the SQLite schema make. Times are Unix seconds; ids are 16 bytes, which sort as the ids do. Texts sort
-- by their bytes, as everywhere else.

CREATE TABLE users (
    id BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    username TEXT COLLATE "C" NOT NULL UNIQUE,
    username_skeleton TEXT COLLATE "C" NOT NULL UNIQUE,
    email TEXT COLLATE "C",
    email_canonical TEXT COLLATE "C" UNIQUE,
    full_name TEXT COLLATE "C",
    disabled BOOLEAN NOT NULL,
    scopes TEXT COLLATE "C" NOT NULL,
    password_hash TEXT COLLATE "C",
    -- The scheme of the first hash of a password that was replaced by an upgrade; NULL while the hash is the one that was set.
    upgraded_from TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    CHECK ((email IS NULL) = (email_canonical IS NULL))
);

CREATE TABLE signing_keys (
    kid TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    algorithm TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    since BIGINT NOT NULL
);

-- Of several processes that make a key at once, one wins.
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (state) WHERE state = 'active';
CREATE UNIQUE INDEX signing_keys_one_next ON signing_keys (state) WHERE state = 'next';

CREATE TABLE sessions (
    id BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    user_id BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C",
    user_agent TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    refresh_number BIGINT,
    refresh_hash BYTEA CHECK (octet_length(refresh_hash) = 32),
    refresh_until BIGINT,
    refresh_ends_at BIGINT,
    CHECK ((refresh_number IS NULL) = (refresh_hash IS NULL)
        AND (refresh_number IS NULL) = (refresh_until IS NULL)
        AND (refresh_number IS NULL) = (refresh_ends_at IS NULL))
);

CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX sessions_of_client ON sessions (client);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE clients (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    is_public BOOLEAN NOT NULL,
    grants TEXT COLLATE "C" NOT NULL,
    scopes TEXT COLLATE "C" NOT NULL,
    audiences TEXT COLLATE "C" NOT NULL,
    access_token_lifetime BIGINT,
    always_refresh BOOLEAN NOT NULL,
    disabled BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE client_secrets (
    client_id TEXT COLLATE "C" NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    hash BYTEA NOT NULL CHECK (octet_length(hash) = 32),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (client_id, hash)
);
