-- People who administer this server over /api/admin. It gives them no room.
ALTER TABLE user ADD COLUMN is_admin INTEGER NOT NULL DEFAULT 0;
