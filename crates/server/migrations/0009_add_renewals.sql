-- With the id of a renewal it makes the token's successors, so that the same renewal asked for again is given the same. Tokens from before
-- have none, and get successors by chance.
ALTER TABLE refresh_token ADD COLUMN seed BLOB;
