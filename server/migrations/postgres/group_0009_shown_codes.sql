-- Payments by a code that the till shows: until when it may be paid, and what it holds once the wallet has said it.
-- Both are empty where the customer's code was scanned.
ALTER TABLE payments ADD COLUMN shown_until BIGINT;
ALTER TABLE payments ADD COLUMN shown_code TEXT;
