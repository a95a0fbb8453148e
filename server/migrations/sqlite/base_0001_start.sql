-- The base store: small, read often. Times in milliseconds since 1970, UTC.

CREATE TABLE store (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    info    TEXT NOT NULL,
    made_at INTEGER NOT NULL
) STRICT;

CREATE TABLE staff (
    login         TEXT PRIMARY KEY COLLATE NOCASE,
    name          TEXT NOT NULL,
    role          TEXT NOT NULL CHECK (role IN ('cashier', 'manager', 'it')),
    password_hash TEXT NOT NULL,
    added_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    login      TEXT NOT NULL COLLATE NOCASE REFERENCES staff (login) ON DELETE CASCADE,
    opened_at  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_age ON sessions (expires_at);

-- Names that do not exist are counted too, so that nobody learns which do.
CREATE TABLE login_failures (
    login        TEXT PRIMARY KEY COLLATE NOCASE,
    failures     INTEGER NOT NULL,
    last_at      INTEGER NOT NULL,
    locked_until INTEGER NOT NULL
) STRICT;

-- A terminal without a state has an enrolment code that nobody has used yet.
CREATE TABLE terminals (
    id                INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 9999),
    name              TEXT NOT NULL,
    state             TEXT CHECK (state IN ('pending', 'active', 'blocked', 'retired')),
    epoch             INTEGER NOT NULL CHECK (epoch BETWEEN 0 AND 65535),
    registration_code TEXT UNIQUE,
    last_seen         INTEGER,
    CHECK ((state IS NULL) = (epoch = 0))
) STRICT;

-- Old keys stay: they verify old journals for ever.
CREATE TABLE terminal_keys (
    terminal      INTEGER NOT NULL REFERENCES terminals (id),
    epoch         INTEGER NOT NULL,
    public_key    TEXT NOT NULL UNIQUE,
    registered_at INTEGER NOT NULL,
    PRIMARY KEY (terminal, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE enrolment_codes (
    terminal   INTEGER PRIMARY KEY REFERENCES terminals (id),
    code_hash  TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    tries      INTEGER NOT NULL DEFAULT 0,
    used_key   TEXT
) STRICT;

CREATE TABLE journal_heads (
    terminal INTEGER NOT NULL REFERENCES terminals (id),
    epoch    INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    hash     TEXT NOT NULL,
    fault    TEXT,
    fault_at INTEGER,
    forked   INTEGER NOT NULL DEFAULT 0 CHECK (forked IN (0, 1)),
    PRIMARY KEY (terminal, epoch)
) STRICT, WITHOUT ROWID;

-- The hash of every entry that was ever taken: a second entry in one place is a fork, whichever group has it.
CREATE TABLE journal_hashes (
    terminal    INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    hash        TEXT NOT NULL,
    quarantined INTEGER NOT NULL CHECK (quarantined IN (0, 1)),
    PRIMARY KEY (terminal, epoch, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE catalogue (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    version  INTEGER NOT NULL,
    products TEXT NOT NULL
) STRICT;

-- Requests that have been handled: a replay finds its own id here.
CREATE TABLE requests (
    request_id TEXT PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_age ON requests (expires_at);

-- Who did what, and why: a chain like the tills' journals. `text` is the exact JSON that is hashed.
CREATE TABLE audit (
    id       INTEGER PRIMARY KEY,
    text     TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash     TEXT NOT NULL UNIQUE
) STRICT;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is never changed'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is never shortened'); END;
