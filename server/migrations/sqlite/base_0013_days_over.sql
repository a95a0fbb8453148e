-- What was said of the tills' journals: up to which entry everything was handed in and understood when a business day was
-- over. `day` is the day of that entry, `statement` the signed text as the till got it, given again to whoever asks again.
CREATE TABLE countersigned_days (
    terminal  INTEGER NOT NULL,
    epoch     INTEGER NOT NULL,
    sequence  INTEGER NOT NULL,
    day       TEXT NOT NULL,
    at_ms     INTEGER NOT NULL,
    statement TEXT NOT NULL,
    PRIMARY KEY (terminal, epoch, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX countersigned_days_by_day ON countersigned_days (day);
-- Rights that nobody held, and that somebody has looked into: each once.
CREATE TABLE doubts_settled (
    terminal INTEGER NOT NULL,
    epoch    INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    place    INTEGER NOT NULL,
    at_ms    INTEGER NOT NULL,
    who      TEXT NOT NULL,
    why      TEXT NOT NULL,
    PRIMARY KEY (terminal, epoch, sequence, place)
) STRICT, WITHOUT ROWID;
