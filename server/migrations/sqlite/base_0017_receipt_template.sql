-- How the shop wants its receipts to look, for all tills that have no file of their own: one text, or no row. `name` is what
-- tills know it by.
CREATE TABLE receipt_template (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    name TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
