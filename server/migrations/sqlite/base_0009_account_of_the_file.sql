-- Whose the account is that servers' settings files name for a wallet: payments of the account 0 rest on that merchant, and
-- on no other that a settings file may name later.
CREATE TABLE wallet_of_the_file (
    wallet   TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    since    INTEGER NOT NULL
) STRICT;
INSERT INTO wallet_of_the_file (wallet, merchant, since)
    SELECT wallet, merchant, changed_at FROM wallet_accounts WHERE is_the_files = 1;
