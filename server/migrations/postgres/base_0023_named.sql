-- Whether an entry of this journal named somebody: from there on its till knows of logging in. One that has named nobody yet may be
-- older than that, or stand in a store in which nobody logs in.
ALTER TABLE journal_heads ADD COLUMN named BIGINT NOT NULL DEFAULT 0 CHECK (named IN (0, 1));
