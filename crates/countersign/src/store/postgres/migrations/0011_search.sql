-- What a search looks in: of each name and each address all parts of three and of six characters. The index of them is made afterwards
-- (indexes.rs), beside the work of others; the database itself keeps it, also for programs of the version before this one.

CREATE OR REPLACE FUNCTION countersign_grams(username TEXT, email TEXT) RETURNS TEXT[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_agg(substr(given, place, size))
    FROM unnest(ARRAY[username, email]) AS given, unnest(ARRAY[3, 6]) AS size,
        generate_series(1, length(given) - size + 1) AS place
$$;
