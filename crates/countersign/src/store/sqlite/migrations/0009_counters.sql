-- Counters of guesses. A key is a number that was made of what is counted with a secret: it tells nothing of a name or an address.

CREATE TABLE counters (
    key INTEGER NOT NULL PRIMARY KEY,
    count INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    mark INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX counters_by_expiry ON counters (expires_at);
