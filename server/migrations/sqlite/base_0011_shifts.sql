-- The tills' shifts, as they follow from what the tills have handed in: one record of each, brought forward with the head of
-- the journal. `opened` is the place of the entry that opened it, `day` the store's business day of its beginning, `seen_to`
-- the last entry that was looked at for it.
CREATE TABLE shifts (
    terminal    INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    opened      INTEGER NOT NULL,
    day         TEXT NOT NULL,
    is_open     INTEGER NOT NULL CHECK (is_open IN (0, 1)),
    quarantined INTEGER NOT NULL CHECK (quarantined IN (0, 1)),
    seen_to     INTEGER NOT NULL,
    book        TEXT NOT NULL,
    PRIMARY KEY (terminal, epoch, opened)
) STRICT, WITHOUT ROWID;
CREATE INDEX shifts_by_day ON shifts (day);
-- Entries for which nobody who is named in them held the right, by the list of the staff when they were handed in.
CREATE TABLE doubted_rights (
    terminal INTEGER NOT NULL,
    epoch    INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    place    INTEGER NOT NULL,
    at_ms    INTEGER NOT NULL,
    day      TEXT NOT NULL,
    used     TEXT NOT NULL,
    PRIMARY KEY (terminal, epoch, sequence, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX doubted_rights_by_day ON doubted_rights (day);
