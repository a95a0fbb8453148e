-- What a person's card is known by at the tills; nothing for those who have none. The code itself is kept nowhere.
ALTER TABLE staff ADD COLUMN card_mark TEXT;
