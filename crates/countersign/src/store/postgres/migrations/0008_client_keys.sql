-- The public keys of a client, a JWK set; NULL without any. Of the assertions that they have signed, those that were used and have not
-- expired, by the SHA-256 of their ids: they outlive a client that is deleted, so that nobody of the same id can be played its old ones.

ALTER TABLE clients ADD COLUMN jwks TEXT COLLATE "C";

CREATE TABLE client_assertions (
    client_id TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL CHECK (octet_length(hash) = 32),
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (client_id, hash)
);

CREATE INDEX client_assertions_by_expiry ON client_assertions (expires_at);
