-- What else belongs to a draft, and a person's own texts.

ALTER TABLE draft ADD COLUMN reply_to TEXT;                      -- the message it answers
ALTER TABLE draft ADD COLUMN mentions TEXT NOT NULL DEFAULT '[]'; -- JSON array of user ids

CREATE TABLE template (
  position INTEGER NOT NULL PRIMARY KEY, -- their order
  id       TEXT    NOT NULL,
  title    TEXT    NOT NULL,
  content  TEXT    NOT NULL
) STRICT;
