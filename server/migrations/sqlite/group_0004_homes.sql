-- Which orders this database serves, by the tag at the end of their numbers. Every write transaction reads it first:
-- whatever a server believes, nothing is written for a tag that is not served here.
CREATE TABLE tags (
    tag      INTEGER PRIMARY KEY,
    state    TEXT NOT NULL CHECK (state IN
                 ('active', 'draining', 'frozen', 'moved', 'arriving', 'serving', 'retired')),
    epoch    INTEGER NOT NULL,
    moved_to TEXT
) STRICT;

-- Which orders have changed, for those who keep copies: (number, version) names a state of an order and of all that
-- belongs to it. Numbers of rows are never used again.
CREATE TABLE outbox (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    number  TEXT NOT NULL,
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL
) STRICT;

-- The server that gave the number out.
ALTER TABLE orders ADD COLUMN created_by TEXT;
