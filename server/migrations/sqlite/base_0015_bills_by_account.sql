-- Bills are compared for each of the merchant's accounts by itself. What was compared before stands under 0, the account of
-- the servers' settings file: where there was no other, it was that one's; where there were more, it was all of a wallet's.
ALTER TABLE bill_leases RENAME TO bill_leases_old;
CREATE TABLE bill_leases (
    channel     TEXT NOT NULL,
    account     INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    lease_owner TEXT,
    lease_until INTEGER NOT NULL,
    PRIMARY KEY (channel, account)
) STRICT;
INSERT INTO bill_leases SELECT channel, 0, epoch, lease_owner, lease_until FROM bill_leases_old;
DROP TABLE bill_leases_old;

ALTER TABLE bill_runs RENAME TO bill_runs_old;
CREATE TABLE bill_runs (
    channel    TEXT NOT NULL,
    account    INTEGER NOT NULL,
    day        TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'refused', 'done')),
    tries      INTEGER NOT NULL,
    tried_at   INTEGER NOT NULL,
    next_at    INTEGER NOT NULL,
    problem    TEXT,
    bill_rows  INTEGER NOT NULL,
    book_rows  INTEGER NOT NULL,
    agreed     INTEGER NOT NULL,
    findings   INTEGER NOT NULL,
    settled    INTEGER NOT NULL,
    carried    INTEGER NOT NULL,
    difference TEXT NOT NULL,
    PRIMARY KEY (channel, account, day)
) STRICT;
INSERT INTO bill_runs SELECT channel, 0, day, state, tries, tried_at, next_at, problem, bill_rows, book_rows, agreed,
    findings, settled, carried, difference FROM bill_runs_old;
DROP TABLE bill_runs_old;

ALTER TABLE bill_findings RENAME TO bill_findings_old;
CREATE TABLE bill_findings (
    channel      TEXT NOT NULL,
    account      INTEGER NOT NULL,
    day          TEXT NOT NULL,
    place        INTEGER NOT NULL,
    category     TEXT NOT NULL,
    movement     TEXT NOT NULL,
    number       TEXT NOT NULL,
    order_number TEXT,
    details      TEXT NOT NULL,
    PRIMARY KEY (channel, account, day, place)
) STRICT;
INSERT INTO bill_findings SELECT channel, 0, day, place, category, movement, number, order_number, details
    FROM bill_findings_old;
DROP TABLE bill_findings_old;

ALTER TABLE bill_settled RENAME TO bill_settled_old;
CREATE TABLE bill_settled (
    channel            TEXT NOT NULL,
    account            INTEGER NOT NULL,
    day                TEXT NOT NULL,
    place              INTEGER NOT NULL,
    movement           TEXT NOT NULL,
    number             TEXT NOT NULL,
    order_number       TEXT NOT NULL,
    moved              INTEGER NOT NULL CHECK (moved IN (0, 1)),
    transaction_number TEXT,
    told               INTEGER NOT NULL CHECK (told IN (0, 1)),
    PRIMARY KEY (channel, account, day, place)
) STRICT;
INSERT INTO bill_settled SELECT channel, 0, day, place, movement, number, order_number, moved, transaction_number, told
    FROM bill_settled_old;
DROP TABLE bill_settled_old;
CREATE INDEX bill_settled_untold ON bill_settled (channel, account, day) WHERE told = 0;

ALTER TABLE bill_carried RENAME TO bill_carried_old;
CREATE TABLE bill_carried (
    channel TEXT NOT NULL,
    account INTEGER NOT NULL,
    day     TEXT NOT NULL,
    place   INTEGER NOT NULL,
    carried TEXT NOT NULL,
    PRIMARY KEY (channel, account, day, place)
) STRICT;
INSERT INTO bill_carried SELECT channel, 0, day, place, carried FROM bill_carried_old;
DROP TABLE bill_carried_old;
