-- A wallet may close what goes back by itself under its number: it is sent again under the next round's. And it may have
-- taken it in for good and hand it to nobody: that a person finishes by hand.
ALTER TABLE give_backs ADD COLUMN round INTEGER NOT NULL DEFAULT 0 CHECK (round >= 0);
ALTER TABLE give_backs ADD COLUMN by_hand INTEGER NOT NULL DEFAULT 0 CHECK (by_hand IN (0, 1));

-- Money that another of the merchant's accounts has of an attempt beside the attempt's own: it goes back from there.
CREATE TABLE give_backs_elsewhere (
    number      TEXT NOT NULL,
    attempt     INTEGER NOT NULL,
    account     INTEGER NOT NULL,
    wallet      TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('open', 'done', 'nothing_taken')),
    since       INTEGER NOT NULL,
    next_at     INTEGER NOT NULL,
    tries       INTEGER NOT NULL DEFAULT 0,
    words       TEXT,
    round       INTEGER NOT NULL DEFAULT 0 CHECK (round >= 0),
    by_hand     INTEGER NOT NULL DEFAULT 0 CHECK (by_hand IN (0, 1)),
    lease_owner TEXT,
    lease_until INTEGER,
    version     INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (number, attempt, account),
    FOREIGN KEY (number, attempt) REFERENCES payments (number, attempt)
) STRICT;
CREATE INDEX give_backs_elsewhere_open ON give_backs_elsewhere (wallet, next_at) WHERE state = 'open';
CREATE INDEX give_backs_elsewhere_by_day ON give_backs_elsewhere (wallet, since);

-- The latest word about a refund is that a person must finish it.
ALTER TABLE refunds ADD COLUMN by_hand INTEGER NOT NULL DEFAULT 0 CHECK (by_hand IN (0, 1));
