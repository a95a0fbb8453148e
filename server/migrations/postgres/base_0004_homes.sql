-- The databases that hold orders, named by the tag that each was made with, and which of them serves which tag: the
-- map that all servers of the store go by. The databases themselves refuse what they do not serve.
CREATE TABLE homes (
    home     BIGINT PRIMARY KEY,
    place    TEXT NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('in_use', 'retired')),
    added_at BIGINT NOT NULL
);

CREATE TABLE tag_homes (
    tag   BIGINT PRIMARY KEY,
    home  BIGINT NOT NULL REFERENCES homes (home),
    state TEXT NOT NULL CHECK (state IN ('active', 'draining', 'moving', 'serving')),
    epoch BIGINT NOT NULL
);

-- The last move of each tag: how far it is, and which server has it in hand. Whoever takes it over adds one to the
-- epoch, and the databases refuse those before.
CREATE TABLE moves (
    tag         BIGINT PRIMARY KEY REFERENCES tag_homes (tag),
    from_home   BIGINT NOT NULL,
    to_home     BIGINT NOT NULL,
    phase       TEXT NOT NULL CHECK (phase IN
                    ('draining', 'copying', 'catching_up', 'frozen', 'publishing', 'done',
                     'stopped', 'aborting', 'aborted')),
    epoch       BIGINT NOT NULL,
    progress    TEXT NOT NULL,
    copied      BIGINT NOT NULL,
    total       BIGINT NOT NULL,
    started_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT NOT NULL,
    problem     TEXT
);
