-- From where on a person wants to read a room again, whatever they have read of it; NULL if they do not.
ALTER TABLE room ADD COLUMN unread_from INTEGER;
