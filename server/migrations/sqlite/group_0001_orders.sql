-- One order group. Money in minor units next to its currency; times in milliseconds since 1970, UTC.

CREATE TABLE orders (
    number       TEXT PRIMARY KEY,
    terminal     INTEGER NOT NULL,
    epoch        INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,
    sale         TEXT NOT NULL,
    sale_hash    TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('draft', 'adopted', 'paid', 'expired', 'void')),
    business_day TEXT NOT NULL,
    currency     TEXT NOT NULL,
    total_minor  INTEGER NOT NULL CHECK (total_minor > 0),
    paid_minor   INTEGER NOT NULL DEFAULT 0 CHECK (paid_minor IN (0, total_minor)),
    -- What refunds hold that are reserved, under way or done: never over what was paid, at any instant.
    held_minor   INTEGER NOT NULL DEFAULT 0 CHECK (held_minor BETWEEN 0 AND paid_minor),
    paid_by      TEXT,
    quarantined  INTEGER NOT NULL DEFAULT 0 CHECK (quarantined IN (0, 1)),
    created_at   INTEGER NOT NULL,
    adopted_at   INTEGER,
    paid_at      INTEGER,
    version      INTEGER NOT NULL DEFAULT 1,
    UNIQUE (terminal, epoch, sequence),
    CHECK ((state = 'paid') = (paid_minor > 0)),
    CHECK ((state = 'paid') = (paid_by IS NOT NULL))
) STRICT;
CREATE INDEX orders_by_day ON orders (business_day, number);
CREATE INDEX orders_drafts ON orders (created_at) WHERE state = 'draft';

CREATE TABLE payments (
    number             TEXT NOT NULL REFERENCES orders (number),
    attempt            INTEGER NOT NULL CHECK (attempt BETWEEN 1 AND 255),
    wallet             TEXT NOT NULL,
    channel_number     TEXT NOT NULL UNIQUE,
    currency           TEXT NOT NULL,
    amount_minor       INTEGER NOT NULL CHECK (amount_minor > 0),
    state              TEXT NOT NULL CHECK (state IN
                           ('sent', 'waiting', 'unknown', 'reversing', 'paid', 'declined', 'reversed')),
    sent_at            INTEGER NOT NULL,
    since              INTEGER NOT NULL,
    next_at            INTEGER NOT NULL,
    reversals          INTEGER NOT NULL,
    reversal_accepted  INTEGER NOT NULL CHECK (reversal_accepted IN (0, 1)),
    transaction_number TEXT,
    reason             TEXT,
    lease_owner        TEXT,
    lease_until        INTEGER,
    version            INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (number, attempt)
) STRICT;
CREATE INDEX payments_open ON payments (wallet, next_at)
    WHERE state IN ('sent', 'waiting', 'unknown', 'reversing');
-- One charge: of all attempts at an order, one at most may have taken money.
CREATE UNIQUE INDEX payments_one_charge ON payments (number) WHERE state NOT IN ('declined', 'reversed');

CREATE TABLE refunds (
    id             TEXT PRIMARY KEY,
    number         TEXT NOT NULL REFERENCES orders (number),
    terminal       INTEGER NOT NULL,
    request        TEXT NOT NULL,
    wallet         TEXT,
    currency       TEXT NOT NULL,
    amount_minor   INTEGER NOT NULL CHECK (amount_minor > 0),
    state          TEXT NOT NULL CHECK (state IN ('reserved', 'sent', 'unknown', 'done', 'refused')),
    who            TEXT NOT NULL,
    login          TEXT NOT NULL,
    why            TEXT NOT NULL,
    requested_at   INTEGER NOT NULL,
    requested_on   TEXT NOT NULL,
    carried_out_at INTEGER,
    refused        TEXT,
    next_at        INTEGER NOT NULL,
    tries          INTEGER NOT NULL DEFAULT 0,
    lease_owner    TEXT,
    lease_until    INTEGER,
    version        INTEGER NOT NULL DEFAULT 1,
    UNIQUE (number, request)
) STRICT;
CREATE INDEX refunds_waiting ON refunds (terminal, requested_at) WHERE state IN ('reserved', 'sent', 'unknown');
CREATE INDEX refunds_due ON refunds (wallet, next_at) WHERE state IN ('sent', 'unknown');

-- All that ever happened to an order, for the people who look into it.
CREATE TABLE story (
    id     INTEGER PRIMARY KEY,
    number TEXT NOT NULL,
    at     INTEGER NOT NULL,
    what   TEXT NOT NULL
) STRICT;
CREATE INDEX story_by_order ON story (number, id);

-- Requests that have been handled: a replay finds its own id here.
CREATE TABLE requests (
    request_id TEXT PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_age ON requests (expires_at);

-- The signed entries that orders rest on. A second entry in one place is a fork.
CREATE TABLE journal_entries (
    terminal    INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    hash        TEXT NOT NULL,
    text        TEXT NOT NULL,
    signature   TEXT NOT NULL,
    quarantined INTEGER NOT NULL CHECK (quarantined IN (0, 1)),
    PRIMARY KEY (terminal, epoch, sequence)
) STRICT, WITHOUT ROWID;

-- One row per server, so that no server's probe waits for another's.
CREATE TABLE probe (
    server TEXT PRIMARY KEY,
    at     INTEGER NOT NULL,
    count  INTEGER NOT NULL
) STRICT;
