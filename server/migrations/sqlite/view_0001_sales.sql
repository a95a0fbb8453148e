-- The merchant view: copies of orders, for lists, searches and totals. Nothing in it decides about money. All of it
-- can be made again from the groups. Money in minor units; times in milliseconds since 1970, UTC.

-- What stands in the view is one build; another may be in the making beside it, with the same changes from then on.
CREATE TABLE builds (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    live INTEGER NOT NULL,
    next INTEGER
) STRICT;
INSERT INTO builds (one, live, next) VALUES (1, 1, NULL);

-- How far each tag's orders have come: whether those from before the outbox are all in, from the newest down to
-- `scanned_to`, and the time before which nothing is missing.
CREATE TABLE feeds (
    build          INTEGER NOT NULL,
    tag            INTEGER NOT NULL,
    filled         INTEGER NOT NULL DEFAULT 0 CHECK (filled IN (0, 1)),
    scanned_to     TEXT,
    complete_until INTEGER,
    PRIMARY KEY (build, tag)
) STRICT, WITHOUT ROWID;

-- Which server copies a tag's changes. Two at once do no harm.
CREATE TABLE feeders (
    tag         INTEGER PRIMARY KEY,
    owner       TEXT NOT NULL,
    lease_until INTEGER NOT NULL
) STRICT;

CREATE TABLE sales (
    build          INTEGER NOT NULL,
    number         TEXT NOT NULL,
    version        INTEGER NOT NULL,
    terminal       INTEGER NOT NULL,
    epoch          INTEGER NOT NULL,
    sequence       INTEGER NOT NULL,
    state          TEXT NOT NULL,
    business_day   TEXT NOT NULL,
    currency       TEXT NOT NULL,
    total_minor    INTEGER NOT NULL,
    paid_minor     INTEGER NOT NULL,
    held_minor     INTEGER NOT NULL,
    refunded_minor INTEGER NOT NULL,
    tender         TEXT NOT NULL,
    paid_by        TEXT,
    quarantined    INTEGER NOT NULL CHECK (quarantined IN (0, 1)),
    created_at     INTEGER NOT NULL,
    paid_at        INTEGER,
    PRIMARY KEY (build, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX sales_by_day ON sales (build, business_day, number);

CREATE TABLE lines (
    build        INTEGER NOT NULL,
    number       TEXT NOT NULL,
    place        INTEGER NOT NULL,
    code         TEXT NOT NULL,
    name         TEXT NOT NULL,
    quantity     INTEGER NOT NULL,
    amount_minor INTEGER NOT NULL,
    PRIMARY KEY (build, number, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
    build              INTEGER NOT NULL,
    number             TEXT NOT NULL,
    attempt            INTEGER NOT NULL,
    wallet             TEXT NOT NULL,
    channel_number     TEXT NOT NULL,
    transaction_number TEXT,
    state              TEXT NOT NULL,
    PRIMARY KEY (build, number, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempts_by_channel_number ON attempts (channel_number);
CREATE INDEX attempts_by_transaction ON attempts (transaction_number);

CREATE TABLE refunds (
    build        INTEGER NOT NULL,
    number       TEXT NOT NULL,
    place        INTEGER NOT NULL,
    id           TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    state        TEXT NOT NULL,
    who          TEXT NOT NULL,
    why          TEXT NOT NULL,
    requested_at INTEGER NOT NULL,
    refused      TEXT,
    PRIMARY KEY (build, number, place)
) STRICT, WITHOUT ROWID;

-- What paid orders come to, kept with each change. An empty tender is cash.
CREATE TABLE totals (
    build          INTEGER NOT NULL,
    business_day   TEXT NOT NULL,
    tender         TEXT NOT NULL,
    quarantined    INTEGER NOT NULL CHECK (quarantined IN (0, 1)),
    orders         INTEGER NOT NULL,
    paid_minor     INTEGER NOT NULL,
    refunded_minor INTEGER NOT NULL,
    held_minor     INTEGER NOT NULL,
    PRIMARY KEY (build, business_day, tender, quarantined)
) STRICT, WITHOUT ROWID;
