-- What was done, by whom, when and from where. The id is of the moment in which it was done (UUID version 7); nothing refers to what the
-- record is about, which may be gone.

CREATE TABLE audit_log (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    event TEXT NOT NULL,
    outcome TEXT,
    cause TEXT,
    user_id TEXT,
    by_whom TEXT,
    client TEXT,
    source TEXT,
    request_id TEXT,
    times INTEGER NOT NULL,
    detail TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_log_by_user ON audit_log (user_id, id) WHERE user_id IS NOT NULL;
