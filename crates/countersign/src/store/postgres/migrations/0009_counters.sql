-- Counters of guesses. A key is a number that was made of what is counted with a secret: it tells nothing of a name or an address.

CREATE TABLE counters (
    key BIGINT NOT NULL PRIMARY KEY,
    count BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    mark BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX counters_by_expiry ON counters (expires_at);
