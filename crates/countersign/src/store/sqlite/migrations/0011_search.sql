-- What a search looks in: of each name and each address all parts of three and of six characters, as the hexadecimal digits of their UTF-8.
-- The index has numbers and no ids: the first eight bytes of an id, less 2^63, so that their order is that of the ids. Triggers keep it,
-- also for programs of the version before this one.

CREATE VIEW user_grams (number, id, grams) AS
    SELECT ((json_extract('0x' || hex(substr(id, 1, 4)), '$') - 2147483648) << 32) | json_extract('0x' || hex(substr(id, 5, 4)), '$'),
        id,
        (WITH RECURSIVE place (n) AS (
            SELECT 1 UNION ALL
            SELECT n + 1 FROM place WHERE n < max(length(username), coalesce(length(email_canonical), 0)) - 2)
        SELECT group_concat(concat_ws(' ', hex(substr(username, n, 3)), hex(substr(email_canonical, n, 3)),
            iif(n <= length(username) - 5, hex(substr(username, n, 6)), ''),
            iif(n <= length(email_canonical) - 5, hex(substr(email_canonical, n, 6)), '')), ' ') FROM place)
    FROM users;

CREATE VIRTUAL TABLE user_search USING fts5(grams, content = '', columnsize = 0, detail = none, tokenize = 'ascii');
INSERT INTO user_search (user_search, rank) VALUES ('secure-delete', 1);
INSERT INTO user_search (rowid, grams) SELECT number, (
        SELECT group_concat(grams, ' ') FROM user_grams WHERE id BETWEEN substr(first.id, 1, 8) AND unhex(hex(substr(first.id, 1, 8)) || 'FFFFFFFFFFFFFFFF'))
    FROM user_grams AS first
    WHERE NOT EXISTS (SELECT 1 FROM users WHERE id >= substr(first.id, 1, 8) AND id < first.id) ORDER BY id;
INSERT INTO user_search (user_search) VALUES ('optimize');

-- Users whose ids begin alike share an entry, which has every part once. It is taken out as a whole and put in as a whole: of a part that
-- was put in twice, FTS5 would take out one, and the other would outlive everybody who was called so.
CREATE TRIGGER user_search_insert AFTER INSERT ON users BEGIN
    INSERT INTO user_search (user_search, rowid, grams)
    SELECT 'delete', number, group_concat(grams, ' ') FROM user_grams
    WHERE id BETWEEN substr(NEW.id, 1, 8) AND unhex(hex(substr(NEW.id, 1, 8)) || 'FFFFFFFFFFFFFFFF') AND id <> NEW.id
    GROUP BY number;
    INSERT INTO user_search (rowid, grams)
    SELECT number, group_concat(grams, ' ') FROM user_grams
    WHERE id BETWEEN substr(NEW.id, 1, 8) AND unhex(hex(substr(NEW.id, 1, 8)) || 'FFFFFFFFFFFFFFFF')
    GROUP BY number;
END;

CREATE TRIGGER user_search_delete BEFORE DELETE ON users BEGIN
    INSERT INTO user_search (user_search, rowid, grams)
    SELECT 'delete', number, group_concat(grams, ' ') FROM user_grams
    WHERE id BETWEEN substr(OLD.id, 1, 8) AND unhex(hex(substr(OLD.id, 1, 8)) || 'FFFFFFFFFFFFFFFF')
    GROUP BY number;
    INSERT INTO user_search (rowid, grams)
    SELECT number, group_concat(grams, ' ') FROM user_grams
    WHERE id BETWEEN substr(OLD.id, 1, 8) AND unhex(hex(substr(OLD.id, 1, 8)) || 'FFFFFFFFFFFFFFFF') AND id <> OLD.id
    GROUP BY number;
END;

CREATE TRIGGER user_search_update_from BEFORE UPDATE OF username, email_canonical ON users
WHEN (OLD.username, OLD.email_canonical) IS NOT (NEW.username, NEW.email_canonical) BEGIN
    INSERT INTO user_search (user_search, rowid, grams)
    SELECT 'delete', number, group_concat(grams, ' ') FROM user_grams
    WHERE id BETWEEN substr(OLD.id, 1, 8) AND unhex(hex(substr(OLD.id, 1, 8)) || 'FFFFFFFFFFFFFFFF')
    GROUP BY number;
END;

CREATE TRIGGER user_search_update_to AFTER UPDATE OF username, email_canonical ON users
WHEN (OLD.username, OLD.email_canonical) IS NOT (NEW.username, NEW.email_canonical) BEGIN
    INSERT INTO user_search (rowid, grams)
    SELECT number, group_concat(grams, ' ') FROM user_grams
    WHERE id BETWEEN substr(NEW.id, 1, 8) AND unhex(hex(substr(NEW.id, 1, 8)) || 'FFFFFFFFFFFFFFFF')
    GROUP BY number;
END;

-- Nobody registers the client of most sessions, or ends it: a login has one tree less to write into at a place of its own. A program of
-- the version before looks through all sessions when a client ends.
DROP INDEX sessions_of_client;
CREATE INDEX sessions_of_client ON sessions (client) WHERE client <> 'first-party';
