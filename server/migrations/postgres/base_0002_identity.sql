-- This base store, told from every other, and the order groups that belong to it: by names of their own, so that
-- a disk that is not there, or another's, is found out and not taken for a new one.
CREATE TABLE identity (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    id  TEXT NOT NULL
);

CREATE TABLE group_identities (
    tag      BIGINT PRIMARY KEY,
    id       TEXT NOT NULL UNIQUE,
    known_at BIGINT NOT NULL
);
