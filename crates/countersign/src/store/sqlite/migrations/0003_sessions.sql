-- A session for each login. Of a chain of refresh tokens the good link is kept: how many were before it, and the SHA-256 of its
-- secret. A session that has ended is deleted.

CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client TEXT NOT NULL,
    scope TEXT NOT NULL,
    address TEXT,
    user_agent TEXT,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    refresh_number INTEGER,
    refresh_hash BLOB CHECK (length(refresh_hash) = 32),
    refresh_until INTEGER,
    refresh_ends_at INTEGER,
    CHECK ((refresh_number IS NULL) = (refresh_hash IS NULL)
        AND (refresh_number IS NULL) = (refresh_until IS NULL)
        AND (refresh_number IS NULL) = (refresh_ends_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
