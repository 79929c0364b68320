-- For how many days what is said in rooms of a kind is kept; of a kind without a row, for ever.
CREATE TABLE retention (
    kind TEXT PRIMARY KEY,
    days INTEGER NOT NULL
) STRICT;
CREATE INDEX message_unspent ON message (room_id, created_at) WHERE deleted_at IS NULL;

-- Since when nothing of a room may be lost, whatever the rule of its kind says and its members take back; NULL: it may.
ALTER TABLE room ADD COLUMN held_at INTEGER;

-- What messages of held rooms were before they were changed or taken back.
CREATE TABLE kept (
    id          INTEGER PRIMARY KEY,
    message_id  TEXT NOT NULL REFERENCES message (id),
    at          INTEGER NOT NULL,   -- until when it stood
    content     TEXT NOT NULL,
    attachments TEXT NOT NULL,
    metadata    TEXT NOT NULL
) STRICT;
CREATE INDEX kept_by_message ON kept (message_id);
