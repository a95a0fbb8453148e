-- The account that settings files name for a wallet may have been made a row, and that row be deleted when nothing rested on
-- it any more: then nothing rests on the settings files' account either. The merchant stays: no other is ever named.
ALTER TABLE wallet_of_the_file ADD COLUMN closed BIGINT NOT NULL DEFAULT 0 CHECK (closed IN (0, 1));
