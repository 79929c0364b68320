-- Files: own ones until they are sent, and copies of what messages carry. See store/attachments.rs.

-- AUTOINCREMENT: the pieces of a file that is gone are never taken for another's.
CREATE TABLE attachment (
  file_id    INTEGER PRIMARY KEY AUTOINCREMENT,
  id         TEXT    NOT NULL UNIQUE,   -- its name towards the interface: minted where it was chosen, or the server's
  room_id    TEXT    NOT NULL,
  local_id   INTEGER REFERENCES message (local_id) ON DELETE CASCADE, -- the unsent message it goes with
  position   INTEGER NOT NULL DEFAULT 0, -- its place in that message
  server_id  TEXT,                       -- the server's name; NULL until the server has it
  name       TEXT    NOT NULL,
  media_type TEXT    NOT NULL,
  size       INTEGER NOT NULL,
  sha256     TEXT,                       -- as the server told it
  width      INTEGER,
  height     INTEGER,
  held       INTEGER NOT NULL DEFAULT 0, -- bytes that are here, from the first on
  whole      INTEGER NOT NULL DEFAULT 0, -- 1 once all are here and right
  moved      INTEGER,                    -- bytes that have gone, while it is on its way; NULL while it is not
  uploads    INTEGER NOT NULL DEFAULT 0, -- how often the server has taken it
  problem    TEXT,                       -- error code: it goes no further until the person decides
  used_at    INTEGER NOT NULL,           -- when it was last asked for
  thumbnail  BLOB
) STRICT;
CREATE UNIQUE INDEX attachment_by_server_id ON attachment (server_id) WHERE server_id IS NOT NULL;
CREATE INDEX attachment_by_message ON attachment (local_id, position) WHERE local_id IS NOT NULL;
CREATE INDEX attachment_in_composer ON attachment (room_id, file_id) WHERE local_id IS NULL AND server_id IS NULL;

-- Removed after their file, a few at a time, so that no transaction is as long as a file.
CREATE TABLE attachment_piece (
  file_id INTEGER NOT NULL,
  start   INTEGER NOT NULL, -- where in the file it begins
  bytes   BLOB    NOT NULL,
  PRIMARY KEY (file_id, start)
) STRICT;

-- Messages that carry something, which are few.
CREATE INDEX message_with_files ON message (room_id, local_id) WHERE json_array_length(extras, '$.attachments') > 0;
