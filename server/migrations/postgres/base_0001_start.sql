-- The base store: small, read often. Times in milliseconds since 1970, UTC.

-- Names to log in with: `Anna` is `anna`.
CREATE COLLATION IF NOT EXISTS nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

CREATE TABLE store (
    one     BIGINT PRIMARY KEY CHECK (one = 1),
    info    TEXT NOT NULL,
    made_at BIGINT NOT NULL
);

CREATE TABLE staff (
    login         TEXT COLLATE nocase PRIMARY KEY,
    name          TEXT NOT NULL,
    role          TEXT NOT NULL CHECK (role IN ('cashier', 'manager', 'it')),
    password_hash TEXT NOT NULL,
    added_at      BIGINT NOT NULL
);

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    login      TEXT COLLATE nocase NOT NULL REFERENCES staff (login) ON DELETE CASCADE,
    opened_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_age ON sessions (expires_at);

-- Names that do not exist are counted too, so that nobody learns which do.
CREATE TABLE login_failures (
    login        TEXT COLLATE nocase PRIMARY KEY,
    failures     BIGINT NOT NULL,
    last_at      BIGINT NOT NULL,
    locked_until BIGINT NOT NULL
);

-- A terminal without a state has an enrolment code that nobody has used yet.
CREATE TABLE terminals (
    id                BIGINT PRIMARY KEY CHECK (id BETWEEN 1 AND 9999),
    name              TEXT NOT NULL,
    state             TEXT CHECK (state IN ('pending', 'active', 'blocked', 'retired')),
    epoch             BIGINT NOT NULL CHECK (epoch BETWEEN 0 AND 65535),
    registration_code TEXT UNIQUE,
    last_seen         BIGINT,
    CHECK ((state IS NULL) = (epoch = 0))
);

-- Old keys stay: they verify old journals for ever.
CREATE TABLE terminal_keys (
    terminal      BIGINT NOT NULL REFERENCES terminals (id),
    epoch         BIGINT NOT NULL,
    public_key    TEXT NOT NULL UNIQUE,
    registered_at BIGINT NOT NULL,
    PRIMARY KEY (terminal, epoch)
);

CREATE TABLE enrolment_codes (
    terminal   BIGINT PRIMARY KEY REFERENCES terminals (id),
    code_hash  TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    tries      BIGINT NOT NULL DEFAULT 0,
    used_key   TEXT
);

CREATE TABLE journal_heads (
    terminal BIGINT NOT NULL REFERENCES terminals (id),
    epoch    BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    hash     TEXT NOT NULL,
    fault    TEXT,
    fault_at BIGINT,
    forked   BIGINT NOT NULL DEFAULT 0 CHECK (forked IN (0, 1)),
    PRIMARY KEY (terminal, epoch)
);

-- The hash of every entry that was ever taken: a second entry in one place is a fork, whichever group has it.
CREATE TABLE journal_hashes (
    terminal    BIGINT NOT NULL,
    epoch       BIGINT NOT NULL,
    sequence    BIGINT NOT NULL,
    hash        TEXT NOT NULL,
    quarantined BIGINT NOT NULL CHECK (quarantined IN (0, 1)),
    PRIMARY KEY (terminal, epoch, sequence)
);

CREATE TABLE catalogue (
    one      BIGINT PRIMARY KEY CHECK (one = 1),
    version  BIGINT NOT NULL,
    products TEXT NOT NULL
);

-- Requests that have been handled: a replay finds its own id here.
CREATE TABLE requests (
    request_id TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX requests_by_age ON requests (expires_at);

-- Who did what, and why: a chain like the tills' journals. `text` is the exact JSON that is hashed.
CREATE TABLE audit (
    id       BIGINT PRIMARY KEY,
    text     TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash     TEXT NOT NULL UNIQUE
);
CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_refuses('the audit trail is never changed');
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_refuses('the audit trail is never shortened');
CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses('the audit trail is never shortened');
