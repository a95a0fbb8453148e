-- The goods as rows that people can look through and change one by one. They follow the catalogue's parts as a till does:
-- `goods_follow` says up to which version, under which name, and at which place of the way to the next one. `withdrawn` rows are
-- goods that a person took out of the catalogue, kept so that they can be brought back; nothing that follows touches them.
-- The ids are compared by their bytes, whatever the database's language is.
CREATE TABLE goods (
    withdrawn BIGINT NOT NULL CHECK (withdrawn IN (0, 1)),
    id        TEXT COLLATE "C" NOT NULL,
    words     TEXT NOT NULL,
    product   TEXT NOT NULL,
    PRIMARY KEY (withdrawn, id)
);
CREATE TABLE goods_code (
    code TEXT COLLATE "C" PRIMARY KEY,
    id   TEXT COLLATE "C" NOT NULL
);
CREATE INDEX goods_code_of ON goods_code (id);
CREATE TABLE goods_follow (
    one     BIGINT PRIMARY KEY CHECK (one = 1),
    version BIGINT NOT NULL,
    name    TEXT NOT NULL,
    place   TEXT NOT NULL
);
INSERT INTO goods_follow (one, version, name, place) VALUES (1, 0, '', '0.0');
