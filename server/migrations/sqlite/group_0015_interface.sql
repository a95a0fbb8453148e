-- By which version of the wallet's interface an attempt was made; 0 is not known, as it is of all before: of those today's setting
-- decides.
ALTER TABLE payments ADD COLUMN interface INTEGER NOT NULL DEFAULT 0;
