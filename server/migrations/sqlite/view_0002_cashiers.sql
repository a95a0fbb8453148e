-- Who served; empty where nobody logs in.
ALTER TABLE sales ADD COLUMN cashier TEXT NOT NULL DEFAULT '';
ALTER TABLE sales ADD COLUMN cashier_name TEXT NOT NULL DEFAULT '';
ALTER TABLE sales ADD COLUMN cashier_known INTEGER NOT NULL DEFAULT 1 CHECK (cashier_known IN (0, 1));
CREATE INDEX sales_by_cashier ON sales (build, business_day, cashier, number);

-- Totals by tender and cashier. What was there before was sold by nobody in particular.
CREATE TABLE totals_by_cashier (
    build          INTEGER NOT NULL,
    business_day   TEXT NOT NULL,
    tender         TEXT NOT NULL,
    cashier        TEXT NOT NULL,
    quarantined    INTEGER NOT NULL CHECK (quarantined IN (0, 1)),
    orders         INTEGER NOT NULL,
    paid_minor     INTEGER NOT NULL,
    refunded_minor INTEGER NOT NULL,
    held_minor     INTEGER NOT NULL,
    PRIMARY KEY (build, business_day, tender, cashier, quarantined)
) STRICT, WITHOUT ROWID;
INSERT INTO totals_by_cashier
    (build, business_day, tender, cashier, quarantined, orders, paid_minor, refunded_minor, held_minor)
    SELECT build, business_day, tender, '', quarantined, orders, paid_minor, refunded_minor, held_minor FROM totals;
DROP TABLE totals;
ALTER TABLE totals_by_cashier RENAME TO totals;
