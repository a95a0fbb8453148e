-- What came of holding each day's bill of each channel against our books.

-- Who is at work on a channel's bills. Whoever takes it over adds one to the epoch, and those before write no more.
CREATE TABLE bill_leases (
    channel     TEXT PRIMARY KEY,
    epoch       INTEGER NOT NULL,
    lease_owner TEXT,
    lease_until INTEGER NOT NULL
) STRICT;

CREATE TABLE bill_runs (
    channel    TEXT NOT NULL,
    day        TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'refused', 'done')),
    tries      INTEGER NOT NULL,
    tried_at   INTEGER NOT NULL,
    next_at    INTEGER NOT NULL,
    problem    TEXT,
    bill_rows  INTEGER NOT NULL,
    book_rows  INTEGER NOT NULL,
    agreed     INTEGER NOT NULL,
    findings   INTEGER NOT NULL,
    settled    INTEGER NOT NULL,
    carried    INTEGER NOT NULL,
    difference TEXT NOT NULL,
    PRIMARY KEY (channel, day)
) STRICT;

-- The rows of a run that is not done yet are there before it is, and count for nothing.
CREATE TABLE bill_findings (
    channel      TEXT NOT NULL,
    day          TEXT NOT NULL,
    place        INTEGER NOT NULL,
    category     TEXT NOT NULL,
    movement     TEXT NOT NULL,
    number       TEXT NOT NULL,
    order_number TEXT,
    details      TEXT NOT NULL,
    PRIMARY KEY (channel, day, place)
) STRICT;

CREATE TABLE bill_settled (
    channel            TEXT NOT NULL,
    day                TEXT NOT NULL,
    place              INTEGER NOT NULL,
    movement           TEXT NOT NULL,
    number             TEXT NOT NULL,
    order_number       TEXT NOT NULL,
    moved              INTEGER NOT NULL CHECK (moved IN (0, 1)),
    transaction_number TEXT,
    told               INTEGER NOT NULL CHECK (told IN (0, 1)),
    PRIMARY KEY (channel, day, place)
) STRICT;
CREATE INDEX bill_settled_untold ON bill_settled (channel, day) WHERE told = 0;

CREATE TABLE bill_carried (
    channel TEXT NOT NULL,
    day     TEXT NOT NULL,
    place   INTEGER NOT NULL,
    carried TEXT NOT NULL,
    PRIMARY KEY (channel, day, place)
) STRICT;
