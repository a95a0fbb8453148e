-- The merchant view: copies of orders, for lists, searches and totals. Nothing in it decides about money. All of it
-- can be made again from the groups. Money in minor units; times in milliseconds since 1970, UTC.

-- What stands in the view is one build; another may be in the making beside it, with the same changes from then on.
CREATE TABLE builds (
    one  BIGINT PRIMARY KEY CHECK (one = 1),
    live BIGINT NOT NULL,
    next BIGINT
);
INSERT INTO builds (one, live, next) VALUES (1, 1, NULL);

-- How far each tag's orders have come: whether those from before the outbox are all in, from the newest down to
-- `scanned_to`, and the time before which nothing is missing.
CREATE TABLE feeds (
    build          BIGINT NOT NULL,
    tag            BIGINT NOT NULL,
    filled         BIGINT NOT NULL DEFAULT 0 CHECK (filled IN (0, 1)),
    scanned_to     TEXT,
    complete_until BIGINT,
    PRIMARY KEY (build, tag)
);

-- Which server copies a tag's changes. Two at once do no harm.
CREATE TABLE feeders (
    tag         BIGINT PRIMARY KEY,
    owner       TEXT NOT NULL,
    lease_until BIGINT NOT NULL
);

CREATE TABLE sales (
    build          BIGINT NOT NULL,
    number         TEXT NOT NULL,
    version        BIGINT NOT NULL,
    terminal       BIGINT NOT NULL,
    epoch          BIGINT NOT NULL,
    sequence       BIGINT NOT NULL,
    state          TEXT NOT NULL,
    business_day   TEXT NOT NULL,
    currency       TEXT NOT NULL,
    total_minor    BIGINT NOT NULL,
    paid_minor     BIGINT NOT NULL,
    held_minor     BIGINT NOT NULL,
    refunded_minor BIGINT NOT NULL,
    tender         TEXT NOT NULL,
    paid_by        TEXT,
    quarantined    BIGINT NOT NULL CHECK (quarantined IN (0, 1)),
    created_at     BIGINT NOT NULL,
    paid_at        BIGINT,
    PRIMARY KEY (build, number)
);
CREATE INDEX sales_by_day ON sales (build, business_day, number);

CREATE TABLE lines (
    build        BIGINT NOT NULL,
    number       TEXT NOT NULL,
    place        BIGINT NOT NULL,
    code         TEXT NOT NULL,
    name         TEXT NOT NULL,
    quantity     BIGINT NOT NULL,
    amount_minor BIGINT NOT NULL,
    PRIMARY KEY (build, number, place)
);

CREATE TABLE attempts (
    build              BIGINT NOT NULL,
    number             TEXT NOT NULL,
    attempt            BIGINT NOT NULL,
    wallet             TEXT NOT NULL,
    channel_number     TEXT NOT NULL,
    transaction_number TEXT,
    state              TEXT NOT NULL,
    PRIMARY KEY (build, number, attempt)
);
CREATE INDEX attempts_by_channel_number ON attempts (channel_number);
CREATE INDEX attempts_by_transaction ON attempts (transaction_number);

CREATE TABLE refunds (
    build        BIGINT NOT NULL,
    number       TEXT NOT NULL,
    place        BIGINT NOT NULL,
    id           TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    state        TEXT NOT NULL,
    who          TEXT NOT NULL,
    why          TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    refused      TEXT,
    PRIMARY KEY (build, number, place)
);

-- What paid orders come to, kept with each change. An empty tender is cash.
CREATE TABLE totals (
    build          BIGINT NOT NULL,
    business_day   TEXT NOT NULL,
    tender         TEXT NOT NULL,
    quarantined    BIGINT NOT NULL CHECK (quarantined IN (0, 1)),
    orders         BIGINT NOT NULL,
    paid_minor     BIGINT NOT NULL,
    refunded_minor BIGINT NOT NULL,
    held_minor     BIGINT NOT NULL,
    PRIMARY KEY (build, business_day, tender, quarantined)
);
