-- What tills say that is in their drawers of sales that are not paid yet, by what they have handed in: the rest of such a sale
-- is held against it.
CREATE TABLE cash_parts (
    terminal INTEGER NOT NULL,
    epoch    INTEGER NOT NULL,
    sale     INTEGER NOT NULL,
    currency TEXT NOT NULL,
    minor    INTEGER NOT NULL,
    PRIMARY KEY (terminal, epoch, sale)
) STRICT, WITHOUT ROWID;
