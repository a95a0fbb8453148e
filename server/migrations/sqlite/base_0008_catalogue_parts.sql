-- The catalogue in parts: everything as it was at one version, and after that what each version changed. A part is a JSON
-- object of products and of ids that are gone; parts of an upload that nothing names were never published.
CREATE TABLE catalogue_part (
    upload TEXT NOT NULL,
    part   INTEGER NOT NULL,
    at_ms  INTEGER NOT NULL,
    goods  TEXT NOT NULL,
    PRIMARY KEY (upload, part)
) STRICT, WITHOUT ROWID;
CREATE TABLE catalogue_step (
    version INTEGER PRIMARY KEY,
    upload  TEXT NOT NULL,
    parts   INTEGER NOT NULL,
    items   INTEGER NOT NULL
) STRICT;
INSERT INTO catalogue_part (upload, part, at_ms, goods)
    SELECT 'before', 0, 0, '{"products":' || products || ',"gone":[]}' FROM catalogue;
ALTER TABLE catalogue DROP COLUMN products;
ALTER TABLE catalogue ADD COLUMN base_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE catalogue ADD COLUMN base_upload TEXT NOT NULL DEFAULT '';
ALTER TABLE catalogue ADD COLUMN base_parts INTEGER NOT NULL DEFAULT 0;
-- The goods to tap, in their order; nothing where the order is that of the products.
ALTER TABLE catalogue ADD COLUMN favourites TEXT;
UPDATE catalogue SET base_version = version, base_upload = 'before', base_parts = 1;
