-- Money that a wallet took after the attempt was over, or beside another tender: it goes back by itself.
CREATE TABLE give_backs (
    number      TEXT NOT NULL,
    attempt     BIGINT NOT NULL,
    wallet      TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('open', 'done', 'nothing_taken')),
    since       BIGINT NOT NULL,
    next_at     BIGINT NOT NULL,
    tries       BIGINT NOT NULL DEFAULT 0,
    words       TEXT,
    lease_owner TEXT,
    lease_until BIGINT,
    version     BIGINT NOT NULL DEFAULT 1,
    PRIMARY KEY (number, attempt),
    FOREIGN KEY (number, attempt) REFERENCES payments (number, attempt)
);
CREATE INDEX give_backs_open ON give_backs (wallet, next_at) WHERE state = 'open';
