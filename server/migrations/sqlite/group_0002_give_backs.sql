-- Money that a wallet took after the attempt was over, or beside another tender: it goes back by itself.
CREATE TABLE give_backs (
    number      TEXT NOT NULL,
    attempt     INTEGER NOT NULL,
    wallet      TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('open', 'done', 'nothing_taken')),
    since       INTEGER NOT NULL,
    next_at     INTEGER NOT NULL,
    tries       INTEGER NOT NULL DEFAULT 0,
    words       TEXT,
    lease_owner TEXT,
    lease_until INTEGER,
    version     INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (number, attempt),
    FOREIGN KEY (number, attempt) REFERENCES payments (number, attempt)
) STRICT;
CREATE INDEX give_backs_open ON give_backs (wallet, next_at) WHERE state = 'open';
