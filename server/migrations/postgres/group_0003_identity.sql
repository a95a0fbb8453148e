-- This very database, told from every other, and the base store that it belongs to.
CREATE TABLE identity (
    one  BIGINT PRIMARY KEY CHECK (one = 1),
    id   TEXT NOT NULL,
    base TEXT NOT NULL
);
