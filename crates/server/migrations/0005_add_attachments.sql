-- Files people sent. The bytes are beside the store, in the folder `attachments`, under the same id.
CREATE TABLE attachment (
    id            TEXT PRIMARY KEY,
    user_id       TEXT NOT NULL REFERENCES user (id),
    name          TEXT NOT NULL,
    media_type    TEXT NOT NULL,   -- as found by looking at the content
    size          INTEGER NOT NULL,
    sha256        TEXT NOT NULL,
    width         INTEGER,
    height        INTEGER,
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER          -- while no message carries it
) STRICT;
CREATE INDEX attachment_unsent ON attachment (expires_at) WHERE expires_at IS NOT NULL;

-- Which message carries which file.
CREATE TABLE carried (
    attachment_id TEXT NOT NULL REFERENCES attachment (id),
    message_id    TEXT NOT NULL REFERENCES message (id),
    PRIMARY KEY (attachment_id, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX carried_by_message ON carried (message_id);
