-- What tills say that is in their drawers of sales that are not paid yet, by what they have handed in: the rest of such a sale
-- is held against it.
CREATE TABLE cash_parts (
    terminal BIGINT NOT NULL,
    epoch    BIGINT NOT NULL,
    sale     BIGINT NOT NULL,
    currency TEXT NOT NULL,
    minor    BIGINT NOT NULL,
    PRIMARY KEY (terminal, epoch, sale)
);
