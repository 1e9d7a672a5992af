-- The status of a session's access tokens has a place in a list. A session that ends before its time leaves a mark there, until the
-- last of its access tokens has expired.

ALTER TABLE sessions ADD COLUMN status_list BYTEA CHECK (octet_length(status_list) = 9);
ALTER TABLE sessions ADD COLUMN status_index INTEGER CHECK ((status_index IS NULL) = (status_list IS NULL));
ALTER TABLE sessions ADD COLUMN access_until BIGINT NOT NULL DEFAULT 0;

CREATE TABLE status_lists (
    id BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(id) = 9),
    until BIGINT NOT NULL
);

CREATE TABLE revoked_statuses (
    list BYTEA NOT NULL CHECK (octet_length(list) = 9),
    place INTEGER NOT NULL CHECK (place BETWEEN 0 AND 65535),
    until BIGINT NOT NULL,
    PRIMARY KEY (list, place)
);

CREATE INDEX revoked_statuses_by_expiry ON revoked_statuses (until);
