-- Quotes, mentions, reactions, acknowledgements, and a person's own arrangement of rooms.

ALTER TABLE message ADD COLUMN reactions TEXT NOT NULL DEFAULT '[]';      -- JSON array as on the wire
ALTER TABLE message ADD COLUMN mentions_me INTEGER NOT NULL DEFAULT 0;    -- 1 if it names the store's owner
ALTER TABLE message ADD COLUMN reply_to TEXT GENERATED ALWAYS AS (json_extract(extras, '$.replyTo')) VIRTUAL;

UPDATE message SET mentions_me = 1
WHERE EXISTS (SELECT 1 FROM json_each(message.extras, '$.mentions') AS named
              WHERE named.value = (SELECT json_extract(meta.value, '$.id') FROM meta WHERE meta.key = 'owner'));

-- Both are short, and serve the marks in the room list as `message_by_seq` serves the unread count.
CREATE INDEX message_naming_me ON message (room_id, seq, user_id, deleted_at) WHERE mentions_me = 1 AND seq IS NOT NULL;
CREATE INDEX message_urgent ON message (room_id, seq, user_id, deleted_at) WHERE priority = 'urgent' AND seq IS NOT NULL;
-- The answers to a message, which show its beginning.
CREATE INDEX message_by_origin ON message (room_id, reply_to) WHERE reply_to IS NOT NULL;
-- Where a day begins.
CREATE INDEX message_by_time ON message (room_id, created_at, seq) WHERE seq IS NOT NULL;

-- Who has taken an urgent message on. May be told before the message itself.
CREATE TABLE acknowledgement (
  room_id    TEXT    NOT NULL,
  message_id TEXT    NOT NULL,
  user_id    TEXT    NOT NULL,
  at         INTEGER NOT NULL,
  PRIMARY KEY (room_id, message_id, user_id)
) STRICT, WITHOUT ROWID;

-- A room without a row is neither pinned nor muted.
CREATE TABLE room_choice (
  room_id TEXT    NOT NULL PRIMARY KEY,
  pinned  INTEGER NOT NULL,
  muted   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
