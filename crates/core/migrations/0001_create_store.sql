-- What one person's account holds on this computer. Times are milliseconds since 1970 (UTC).

-- Single values: 'owner' (the person, JSON), 'cursor' (where sync goes on), 'snapshot' (where a first sync that is not whole
-- yet began), 'mode' ('baseline' or 'extended').
CREATE TABLE meta (
  key   TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

CREATE TABLE room (
  id              TEXT    NOT NULL PRIMARY KEY,
  name            TEXT    NOT NULL,
  kind            TEXT    NOT NULL DEFAULT 'staff',
  members         TEXT    NOT NULL DEFAULT '[]', -- JSON array of users, the reader included
  last_seq        INTEGER NOT NULL DEFAULT 0,    -- highest position of the room's log that we know to exist
  read_seq        INTEGER NOT NULL DEFAULT 0,    -- max(what was seen here, what the server holds); never falls
  read_acked      INTEGER NOT NULL DEFAULT 0,    -- the part of read_seq the server is known to hold
  delivered_acked INTEGER NOT NULL DEFAULT 0     -- the last position reported as stored here
) STRICT;

-- Which positions of a room's log are stored here without a hole: every message with first_seq <= seq <= last_seq is in
-- `message`. Ranges of one room neither overlap nor touch.
CREATE TABLE coverage (
  room_id   TEXT    NOT NULL REFERENCES room (id) ON DELETE CASCADE,
  first_seq INTEGER NOT NULL,
  last_seq  INTEGER NOT NULL,
  PRIMARY KEY (room_id, first_seq)
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: a discarded message's local id is never given to another one.
CREATE TABLE message (
  local_id          INTEGER PRIMARY KEY AUTOINCREMENT,
  room_id           TEXT    NOT NULL REFERENCES room (id) ON DELETE CASCADE,
  id                TEXT,                          -- the server's name; NULL until the server has it
  client_message_id TEXT,                          -- the sending client's name, if it gave one
  seq               INTEGER,                       -- position in the room; NULL until the server has it
  user_id           TEXT    NOT NULL,
  user_name         TEXT    NOT NULL DEFAULT '',
  user_type         TEXT    NOT NULL DEFAULT 'unknown',
  content           TEXT    NOT NULL,
  extras            TEXT    NOT NULL DEFAULT '{}', -- attachments, metadata, replyTo, mentions as on the wire
  priority          TEXT    NOT NULL DEFAULT 'normal',
  created_at        INTEGER NOT NULL,
  edited_at         INTEGER,
  deleted_at        INTEGER,
  changed_seq       INTEGER NOT NULL DEFAULT 0     -- position of the newest change applied; an older one is ignored
) STRICT;
CREATE UNIQUE INDEX message_by_id ON message (room_id, id) WHERE id IS NOT NULL;
CREATE UNIQUE INDEX message_by_client_id ON message (user_id, client_message_id) WHERE client_message_id IS NOT NULL;
-- Serves the timeline and, being covering, the unread count (see store/rooms.rs).
CREATE UNIQUE INDEX message_by_seq ON message (room_id, seq, user_id, deleted_at) WHERE seq IS NOT NULL;

-- Own messages that the server has not confirmed. A row lives and dies in the transaction that changes its message.
CREATE TABLE outbox (
  local_id   INTEGER NOT NULL PRIMARY KEY REFERENCES message (local_id) ON DELETE CASCADE,
  room_id    TEXT    NOT NULL,
  state      TEXT    NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sending', 'failed')),
  attempts   INTEGER NOT NULL DEFAULT 0, -- counted before each attempt, so that a crash loop shows
  problem    TEXT,                       -- error code of the last attempt
  not_before INTEGER NOT NULL DEFAULT 0  -- do not try again earlier than this
) STRICT;
CREATE INDEX outbox_by_room ON outbox (room_id, local_id);

-- How far each other member has come.
CREATE TABLE receipt (
  room_id   TEXT    NOT NULL REFERENCES room (id) ON DELETE CASCADE,
  user_id   TEXT    NOT NULL,
  kind      TEXT    NOT NULL,
  up_to_seq INTEGER NOT NULL,
  PRIMARY KEY (room_id, user_id, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE draft (
  room_id    TEXT    NOT NULL PRIMARY KEY,
  content    TEXT    NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

-- Messages that have raised a notification: at most one each, over restarts too.
CREATE TABLE notified (
  room_id    TEXT NOT NULL,
  message_id TEXT NOT NULL,
  PRIMARY KEY (room_id, message_id)
) STRICT, WITHOUT ROWID;
