-- The drawers' part of the ledger: what moved through the tills' drawers, each as a debit of one account and a credit of
-- another, written with the shift that it moved in. `shift` is the place of the entry that opened it; 0 for what moved outside
-- of any. `sequence` is the entry that says so, `what` why it moved.
CREATE TABLE drawer_ledger (
    terminal     INTEGER NOT NULL,
    epoch        INTEGER NOT NULL,
    shift        INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,
    what         TEXT NOT NULL,
    account      TEXT NOT NULL,
    currency     TEXT NOT NULL,
    debit_minor  INTEGER NOT NULL CHECK (debit_minor >= 0),
    credit_minor INTEGER NOT NULL CHECK (credit_minor >= 0),
    at_ms        INTEGER NOT NULL,
    PRIMARY KEY (terminal, epoch, shift, sequence, what, account)
) STRICT, WITHOUT ROWID;
-- Shifts that their tills will never end, and that a person has given up: each once. `found_minor` is what they found in the
-- drawer.
CREATE TABLE shifts_given_up (
    terminal    INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    opened      INTEGER NOT NULL,
    at_ms       INTEGER NOT NULL,
    who         TEXT NOT NULL,
    why         TEXT NOT NULL,
    found_minor INTEGER NOT NULL CHECK (found_minor >= 0),
    PRIMARY KEY (terminal, epoch, opened)
) STRICT, WITHOUT ROWID;
-- Whether all that is known of a shift is in the ledger: those from before it are not, until they are told anew.
ALTER TABLE shifts ADD COLUMN in_ledger INTEGER NOT NULL DEFAULT 0 CHECK (in_ledger IN (0, 1));
