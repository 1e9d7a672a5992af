-- The scheme of the first hash of a password that was replaced by an upgrade; NULL while the hash is the one that was set.

ALTER TABLE users ADD COLUMN upgraded_from TEXT;
