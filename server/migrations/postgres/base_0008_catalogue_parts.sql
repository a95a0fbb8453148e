-- The catalogue in parts: everything as it was at one version, and after that what each version changed. A part is a JSON
-- object of products and of ids that are gone; parts of an upload that nothing names were never published.
CREATE TABLE catalogue_part (
    upload TEXT NOT NULL,
    part   BIGINT NOT NULL,
    at_ms  BIGINT NOT NULL,
    goods  TEXT NOT NULL,
    PRIMARY KEY (upload, part)
);
CREATE TABLE catalogue_step (
    version BIGINT PRIMARY KEY,
    upload  TEXT NOT NULL,
    parts   BIGINT NOT NULL,
    items   BIGINT NOT NULL
);
INSERT INTO catalogue_part (upload, part, at_ms, goods)
    SELECT 'before', 0, 0, '{"products":' || products || ',"gone":[]}' FROM catalogue;
ALTER TABLE catalogue DROP COLUMN products;
ALTER TABLE catalogue ADD COLUMN base_version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE catalogue ADD COLUMN base_upload TEXT NOT NULL DEFAULT '';
ALTER TABLE catalogue ADD COLUMN base_parts BIGINT NOT NULL DEFAULT 0;
-- The goods to tap, in their order; nothing where the order is that of the products.
ALTER TABLE catalogue ADD COLUMN favourites TEXT;
UPDATE catalogue SET base_version = version, base_upload = 'before', base_parts = 1;
