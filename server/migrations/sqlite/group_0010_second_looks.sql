-- Attempts that ended without money are asked about once more, some minutes later. Those that ended before this was so
-- are let be.
ALTER TABLE payments ADD COLUMN looked_again INTEGER NOT NULL DEFAULT 1 CHECK (looked_again IN (0, 1));
CREATE INDEX payments_to_look_at ON payments (wallet, next_at)
    WHERE state IN ('declined', 'reversed') AND looked_again = 0;
