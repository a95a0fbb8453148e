-- The merchant's accounts at the wallets, and which of them is asked for which sale's money.

-- One more at each change of what follows: servers look at it, and read the rest when it is another one. Numbers of
-- accounts are never given out twice.
CREATE TABLE wallet_table (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    version    INTEGER NOT NULL,
    next_id    INTEGER NOT NULL
) STRICT;
INSERT INTO wallet_table (one, version, next_id) VALUES (1, 0, 1);

CREATE TABLE wallet_accounts (
    id           INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    wallet       TEXT NOT NULL,
    merchant     TEXT NOT NULL,
    store        INTEGER,
    currency     TEXT NOT NULL,
    scanned      INTEGER NOT NULL CHECK (scanned IN (0, 1)),
    shown        INTEGER NOT NULL CHECK (shown IN (0, 1)),
    lowest       INTEGER,
    highest      INTEGER,
    settings     TEXT NOT NULL,
    is_the_files INTEGER NOT NULL CHECK (is_the_files IN (0, 1)),
    enabled      INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    enabled_at   INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL,
    version      INTEGER NOT NULL
) STRICT;
-- One account, one row: its bill is fetched once.
CREATE UNIQUE INDEX wallet_accounts_merchants ON wallet_accounts (wallet, merchant);
CREATE UNIQUE INDEX wallet_accounts_of_the_file ON wallet_accounts (wallet) WHERE is_the_files = 1;

-- Sealed under a key that is not in this database, each bound to its account and name.
CREATE TABLE wallet_secrets (
    account INTEGER NOT NULL REFERENCES wallet_accounts (id),
    name    TEXT NOT NULL,
    key_id  TEXT NOT NULL,
    sealed  TEXT NOT NULL,
    set_at  INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) STRICT;

CREATE TABLE wallet_rules (
    priority INTEGER PRIMARY KEY,
    rule     TEXT NOT NULL
) STRICT;
