-- What a person's PIN at the tills is checked against; nothing for those who have none.
ALTER TABLE staff ADD COLUMN pin_hash TEXT;

-- The version of the list of those who may log in at tills: 0 while nobody has had a PIN, one more at each change.
CREATE TABLE till_staff (
    one     BIGINT PRIMARY KEY CHECK (one = 1),
    version BIGINT NOT NULL
);
INSERT INTO till_staff (one, version) VALUES (1, 0);
