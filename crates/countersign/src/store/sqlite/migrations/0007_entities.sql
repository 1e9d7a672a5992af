-- Things that tokens are made for, whose they are, and the tokens. A subject is a kind and an id, as in car:foo; permissions are
-- texts, parted by spaces. A token that has ended is deleted; if
-- that was before its time, there is a mark at the place of its status.

CREATE TABLE entities (
    subject TEXT NOT NULL PRIMARY KEY,
    owner_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    permissions TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX entities_of_owner ON entities (owner_id);

CREATE TABLE entity_tokens (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    entity TEXT NOT NULL REFERENCES entities (subject) ON DELETE CASCADE,
    name TEXT NOT NULL,
    permissions TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    status_list BLOB NOT NULL CHECK (length(status_list) = 9),
    status_index INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX entity_tokens_of_entity ON entity_tokens (entity);
CREATE INDEX entity_tokens_by_expiry ON entity_tokens (expires_at);
