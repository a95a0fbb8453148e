-- Which of the merchant's accounts an attempt was sent to; 0 is the one in the servers' settings file, as it was for all
-- before.
ALTER TABLE payments ADD COLUMN account INTEGER NOT NULL DEFAULT 0;
