-- Things that tokens are made for, whose they are, and the tokens. A subject is a kind and an id, as in car:foo; permissions are
-- texts, parted by spaces. A token that has ended is deleted; if that was before its time, there is a mark at the place of its status.

CREATE TABLE entities (
    subject TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    owner_id BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    permissions TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX entities_of_owner ON entities (owner_id);

CREATE TABLE entity_tokens (
    id BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    entity TEXT COLLATE "C" NOT NULL REFERENCES entities (subject) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    permissions TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    status_list BYTEA NOT NULL CHECK (octet_length(status_list) = 9),
    status_index INTEGER NOT NULL
);

CREATE INDEX entity_tokens_of_entity ON entity_tokens (entity);
CREATE INDEX entity_tokens_by_expiry ON entity_tokens (expires_at);
