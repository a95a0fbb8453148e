-- Journal entries that came while a tag's orders were leaving: those who copy them find here what came after them.
CREATE TABLE late_entries (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    terminal INTEGER NOT NULL,
    epoch    INTEGER NOT NULL,
    sequence INTEGER NOT NULL
) STRICT;
