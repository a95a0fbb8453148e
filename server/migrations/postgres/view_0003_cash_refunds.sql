-- Of an order that was paid in parts: which of its refunds go back in cash, and what these come to. Nobody has to guess from
-- the sums of all.
ALTER TABLE refunds ADD COLUMN in_cash BIGINT NOT NULL DEFAULT 0 CHECK (in_cash IN (0, 1));
ALTER TABLE sales ADD COLUMN cash_refunded_minor BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sales ADD COLUMN cash_held_minor BIGINT NOT NULL DEFAULT 0;
-- The totals hold a guess for what was copied before: that the wallet's part went back first. It stands here too, so that it is
-- taken out whole; and these orders are copied once more, by the copying itself.
UPDATE sales SET
    cash_refunded_minor = greatest(0, refunded_minor - paid_minor + COALESCE(CAST(substring(paid_by FROM '"cash":[{]"minor":([0-9]+)') AS BIGINT), 0)),
    cash_held_minor = greatest(0, held_minor - paid_minor + COALESCE(CAST(substring(paid_by FROM '"cash":[{]"minor":([0-9]+)') AS BIGINT), 0)),
    version = 0
    WHERE paid_by LIKE '{"by":"split"%';
UPDATE feeds SET filled = 0, scanned_to = NULL
    WHERE EXISTS (SELECT 1 FROM sales WHERE paid_by LIKE '{"by":"split"%');
