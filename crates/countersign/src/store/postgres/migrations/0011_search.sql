-- What a search looks in: of each name and each address all parts of three and of six characters. An index of what is in a row is kept by
-- the database itself, also for programs of the version before this one. While it is made, nobody can register or change a user; logins
-- go on. A million users take two or three minutes.

CREATE OR REPLACE FUNCTION countersign_grams(username TEXT, email TEXT) RETURNS TEXT[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_agg(substr(given, place, size))
    FROM unnest(ARRAY[username, email]) AS given, unnest(ARRAY[3, 6]) AS size,
        generate_series(1, length(given) - size + 1) AS place
$$;

SET LOCAL statement_timeout = '1h';
SET LOCAL maintenance_work_mem = '256MB';
CREATE INDEX users_by_grams ON users USING gin (countersign_grams(username, email_canonical)) WITH (fastupdate = off);
