-- Who served, as the till's entry of the sale says; empty where nobody logs in. Known: on the staff when the order was
-- adopted.
ALTER TABLE orders ADD COLUMN cashier TEXT NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN cashier_name TEXT NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN cashier_known INTEGER NOT NULL DEFAULT 1 CHECK (cashier_known IN (0, 1));
