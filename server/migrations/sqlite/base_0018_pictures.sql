-- Small pictures of goods, for the tiles that are tapped. A picture is known by the SHA-256 of its bytes and kept once, however
-- many goods have it. What the list of them is known by, tills ask for with every question: so it stands in a row of its own.
CREATE TABLE picture (
    name  TEXT PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE product_picture (
    product TEXT PRIMARY KEY,
    name    TEXT NOT NULL REFERENCES picture (name)
) STRICT;

CREATE TABLE picture_list (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    name TEXT NOT NULL
) STRICT;
