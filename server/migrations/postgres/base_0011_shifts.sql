-- The tills' shifts, as they follow from what the tills have handed in: one record of each, brought forward with the head of
-- the journal. `opened` is the place of the entry that opened it, `day` the store's business day of its beginning, `seen_to`
-- the last entry that was looked at for it.
CREATE TABLE shifts (
    terminal    BIGINT NOT NULL,
    epoch       BIGINT NOT NULL,
    opened      BIGINT NOT NULL,
    day         TEXT NOT NULL,
    is_open     BIGINT NOT NULL CHECK (is_open IN (0, 1)),
    quarantined BIGINT NOT NULL CHECK (quarantined IN (0, 1)),
    seen_to     BIGINT NOT NULL,
    book        TEXT NOT NULL,
    PRIMARY KEY (terminal, epoch, opened)
);
CREATE INDEX shifts_by_day ON shifts (day);
-- Entries for which nobody who is named in them held the right, by the list of the staff when they were handed in.
CREATE TABLE doubted_rights (
    terminal BIGINT NOT NULL,
    epoch    BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    place    BIGINT NOT NULL,
    at_ms    BIGINT NOT NULL,
    day      TEXT NOT NULL,
    used     TEXT NOT NULL,
    PRIMARY KEY (terminal, epoch, sequence, place)
);
CREATE INDEX doubted_rights_by_day ON doubted_rights (day);
