-- This base store, told from every other, and the order groups that belong to it: by names of their own, so that
-- a disk that is not there, or another's, is found out and not taken for a new one.
CREATE TABLE identity (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id  TEXT NOT NULL
) STRICT;

CREATE TABLE group_identities (
    tag      INTEGER PRIMARY KEY,
    id       TEXT NOT NULL UNIQUE,
    known_at INTEGER NOT NULL
) STRICT;
