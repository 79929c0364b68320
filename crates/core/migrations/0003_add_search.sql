-- Search. The index knows pieces of words and not the text itself, lies in the encrypted store like everything else, and is
-- brought up to date beside the writing: what is written becomes due here, what changes or goes leaves the index at once.

-- The place of each message in the order of hits (the newest has the highest): the index has no other order.
CREATE TABLE search_place (
  place    INTEGER NOT NULL PRIMARY KEY, -- created_at * 2^20, and one higher for each other message of that millisecond
  local_id INTEGER NOT NULL UNIQUE
) STRICT;

-- Messages that are not in the index yet.
CREATE TABLE search_due (
  local_id INTEGER NOT NULL PRIMARY KEY
) STRICT;

CREATE VIRTUAL TABLE search_index USING fts5 (pieces, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii');

INSERT INTO search_due (local_id) SELECT local_id FROM message WHERE deleted_at IS NULL;

CREATE TRIGGER search_message_written AFTER INSERT ON message WHEN new.deleted_at IS NULL BEGIN
  INSERT OR IGNORE INTO search_due (local_id) VALUES (new.local_id);
END;

CREATE TRIGGER search_message_changed AFTER UPDATE OF content, deleted_at, created_at, user_id, room_id ON message
WHEN old.content IS NOT new.content OR old.deleted_at IS NOT new.deleted_at OR old.created_at IS NOT new.created_at
     OR old.user_id IS NOT new.user_id OR old.room_id IS NOT new.room_id BEGIN
  DELETE FROM search_index WHERE rowid = (SELECT place FROM search_place WHERE local_id = new.local_id);
  DELETE FROM search_place WHERE local_id = new.local_id;
  INSERT OR IGNORE INTO search_due (local_id) SELECT new.local_id WHERE new.deleted_at IS NULL;
END;

CREATE TRIGGER search_message_gone AFTER DELETE ON message BEGIN
  DELETE FROM search_index WHERE rowid = (SELECT place FROM search_place WHERE local_id = old.local_id);
  DELETE FROM search_place WHERE local_id = old.local_id;
  DELETE FROM search_due WHERE local_id = old.local_id;
END;
