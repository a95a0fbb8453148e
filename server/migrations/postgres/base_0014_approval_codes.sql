-- One-time codes by which a manager approves a refund from afar: made in the console, scanned at the till. Only the hash is
-- kept. One that was used names what for, so that the same request asks again and no other does.
CREATE TABLE approval_codes (
    code_hash     TEXT PRIMARY KEY,
    login         TEXT NOT NULL REFERENCES staff (login),
    currency      TEXT NOT NULL,
    most_minor    BIGINT NOT NULL CHECK (most_minor > 0),
    for_order     TEXT,
    for_terminal  BIGINT,
    made_at       BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    used_at       BIGINT,
    used_request  TEXT,
    used_order    TEXT,
    used_terminal BIGINT,
    used_minor    BIGINT,
    CHECK (for_order IS NOT NULL OR for_terminal IS NOT NULL),
    CHECK ((used_at IS NULL) = (used_request IS NULL))
);
CREATE INDEX approval_codes_by_end ON approval_codes (expires_at);
