-- What came of holding each day's bill of each channel against our books.

-- Who is at work on a channel's bills. Whoever takes it over adds one to the epoch, and those before write no more.
CREATE TABLE bill_leases (
    channel     TEXT PRIMARY KEY,
    epoch       BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT NOT NULL
);

CREATE TABLE bill_runs (
    channel    TEXT NOT NULL,
    day        TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'refused', 'done')),
    tries      BIGINT NOT NULL,
    tried_at   BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    problem    TEXT,
    bill_rows  BIGINT NOT NULL,
    book_rows  BIGINT NOT NULL,
    agreed     BIGINT NOT NULL,
    findings   BIGINT NOT NULL,
    settled    BIGINT NOT NULL,
    carried    BIGINT NOT NULL,
    difference TEXT NOT NULL,
    PRIMARY KEY (channel, day)
);

-- The rows of a run that is not done yet are there before it is, and count for nothing.
CREATE TABLE bill_findings (
    channel      TEXT NOT NULL,
    day          TEXT NOT NULL,
    place        BIGINT NOT NULL,
    category     TEXT NOT NULL,
    movement     TEXT NOT NULL,
    number       TEXT NOT NULL,
    order_number TEXT,
    details      TEXT NOT NULL,
    PRIMARY KEY (channel, day, place)
);

CREATE TABLE bill_settled (
    channel            TEXT NOT NULL,
    day                TEXT NOT NULL,
    place              BIGINT NOT NULL,
    movement           TEXT NOT NULL,
    number             TEXT NOT NULL,
    order_number       TEXT NOT NULL,
    moved              BIGINT NOT NULL CHECK (moved IN (0, 1)),
    transaction_number TEXT,
    told               BIGINT NOT NULL CHECK (told IN (0, 1)),
    PRIMARY KEY (channel, day, place)
);
CREATE INDEX bill_settled_untold ON bill_settled (channel, day) WHERE told = 0;

CREATE TABLE bill_carried (
    channel TEXT NOT NULL,
    day     TEXT NOT NULL,
    place   BIGINT NOT NULL,
    carried TEXT NOT NULL,
    PRIMARY KEY (channel, day, place)
);
