-- The goods as rows that people can look through and change one by one. They follow the catalogue's parts as a till does:
-- `goods_follow` says up to which version, under which name, and at which place of the way to the next one. `withdrawn` rows are
-- goods that a person took out of the catalogue, kept so that they can be brought back; nothing that follows touches them.
CREATE TABLE goods (
    withdrawn INTEGER NOT NULL CHECK (withdrawn IN (0, 1)),
    id        TEXT NOT NULL,
    words     TEXT NOT NULL,
    product   TEXT NOT NULL,
    PRIMARY KEY (withdrawn, id)
) STRICT;
-- Who looks for words reads this alone.
CREATE INDEX goods_words ON goods (withdrawn, id, words);
CREATE TABLE goods_code (
    code TEXT PRIMARY KEY,
    id   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX goods_code_of ON goods_code (id);
CREATE TABLE goods_follow (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL,
    name    TEXT NOT NULL,
    place   TEXT NOT NULL
) STRICT;
INSERT INTO goods_follow (one, version, name, place) VALUES (1, 0, '', '0.0');
