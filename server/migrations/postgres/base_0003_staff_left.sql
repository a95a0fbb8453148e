-- Who left cannot log in, and stays: the audit trail names them.
ALTER TABLE staff ADD COLUMN left_at BIGINT;
