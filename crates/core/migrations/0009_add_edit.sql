-- Another wording of an own message that was begun and not sent, one for each room.
CREATE TABLE edit (
  room_id    TEXT NOT NULL PRIMARY KEY,
  message_id TEXT NOT NULL,
  content    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
