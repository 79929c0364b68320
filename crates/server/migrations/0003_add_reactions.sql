-- Emoji under messages, in the order they came.
CREATE TABLE reaction (
    id         INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL REFERENCES message (id),
    emoji      TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES user (id),
    at         INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX reaction_once ON reaction (message_id, emoji, user_id);
