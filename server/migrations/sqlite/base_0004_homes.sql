-- The databases that hold orders, named by the tag that each was made with, and which of them serves which tag: the
-- map that all servers of the store go by. The databases themselves refuse what they do not serve.
CREATE TABLE homes (
    home     INTEGER PRIMARY KEY,
    place    TEXT NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('in_use', 'retired')),
    added_at INTEGER NOT NULL
) STRICT;

CREATE TABLE tag_homes (
    tag   INTEGER PRIMARY KEY,
    home  INTEGER NOT NULL REFERENCES homes (home),
    state TEXT NOT NULL CHECK (state IN ('active', 'draining', 'moving', 'serving')),
    epoch INTEGER NOT NULL
) STRICT;

-- The last move of each tag: how far it is, and which server has it in hand. Whoever takes it over adds one to the
-- epoch, and the databases refuse those before.
CREATE TABLE moves (
    tag         INTEGER PRIMARY KEY REFERENCES tag_homes (tag),
    from_home   INTEGER NOT NULL,
    to_home     INTEGER NOT NULL,
    phase       TEXT NOT NULL CHECK (phase IN
                    ('draining', 'copying', 'catching_up', 'frozen', 'publishing', 'done',
                     'stopped', 'aborting', 'aborted')),
    epoch       INTEGER NOT NULL,
    progress    TEXT NOT NULL,
    copied      INTEGER NOT NULL,
    total       INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    lease_owner TEXT,
    lease_until INTEGER NOT NULL,
    problem     TEXT
) STRICT;
