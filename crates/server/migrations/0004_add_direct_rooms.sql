-- A conversation of two: whose it is, the lesser id first. Both or neither.
ALTER TABLE room ADD COLUMN direct_a TEXT REFERENCES user (id);
ALTER TABLE room ADD COLUMN direct_b TEXT REFERENCES user (id);
-- Begun twice at once it is still one room.
CREATE UNIQUE INDEX room_of_two ON room (direct_a, direct_b) WHERE direct_a IS NOT NULL;
