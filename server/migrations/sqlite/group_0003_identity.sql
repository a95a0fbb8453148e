-- This very file, told from every other, and the base store that it belongs to.
CREATE TABLE identity (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    id   TEXT NOT NULL,
    base TEXT NOT NULL
) STRICT;
