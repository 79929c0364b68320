-- Times are milliseconds after 1970-01-01T00:00:00Z. Ids are the wire's strings.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE user (
    id            TEXT PRIMARY KEY,   -- also the name to sign in with
    name          TEXT NOT NULL,
    user_type     TEXT NOT NULL,
    role          TEXT,
    password_hash TEXT NOT NULL,      -- PHC string; empty: nobody signs in with a password
    created_at    INTEGER NOT NULL,
    disabled_at   INTEGER
) STRICT;

-- One sign-in on one device: the family of all tokens that descend from it.
CREATE TABLE session (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES user (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at   INTEGER
) STRICT;
CREATE INDEX session_by_user ON session (user_id);

-- Tokens are kept as SHA-256 only.
CREATE TABLE access_token (
    hash       BLOB PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX access_token_by_session ON access_token (session_id);

CREATE TABLE refresh_token (
    hash       BLOB PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    used_at    INTEGER                -- set once; a second use ends the session
) STRICT;
CREATE INDEX refresh_token_by_session ON refresh_token (session_id);

CREATE TABLE room (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    last_seq   INTEGER NOT NULL DEFAULT 0,   -- the last position given out in this room's log
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE member (
    room_id       TEXT NOT NULL REFERENCES room (id),
    user_id       TEXT NOT NULL REFERENCES user (id),
    read_seq      INTEGER NOT NULL DEFAULT 0,
    delivered_seq INTEGER NOT NULL DEFAULT 0,
    joined_at     INTEGER NOT NULL,
    PRIMARY KEY (room_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_by_user ON member (user_id);

CREATE TABLE message (
    id                TEXT PRIMARY KEY,
    room_id           TEXT NOT NULL REFERENCES room (id),
    seq               INTEGER NOT NULL,
    user_id           TEXT NOT NULL REFERENCES user (id),
    user_name         TEXT NOT NULL,         -- as it was then
    user_type         TEXT NOT NULL,
    content           TEXT NOT NULL,
    attachments       TEXT NOT NULL DEFAULT '[]',
    metadata          TEXT NOT NULL DEFAULT '{}',
    priority          TEXT NOT NULL DEFAULT 'normal',
    reply_to          TEXT,
    mentions          TEXT NOT NULL DEFAULT '[]',
    client_message_id TEXT,
    fingerprint       BLOB NOT NULL,         -- of what was asked, to tell a repeat from another message with the same id
    created_at        INTEGER NOT NULL,
    edited_at         INTEGER,
    deleted_at        INTEGER
) STRICT;
CREATE UNIQUE INDEX message_by_place ON message (room_id, seq);
-- A repeat of a send can never become a second message.
CREATE UNIQUE INDEX message_by_client_id ON message (user_id, client_message_id) WHERE client_message_id IS NOT NULL;

CREATE TABLE acknowledgement (
    message_id TEXT NOT NULL REFERENCES message (id),
    user_id    TEXT NOT NULL REFERENCES user (id),
    at         INTEGER NOT NULL,
    PRIMARY KEY (message_id, user_id)
) STRICT, WITHOUT ROWID;

-- Everything that happened, in one order; a sync cursor is a position in it. Never reused, hence AUTOINCREMENT.
CREATE TABLE change (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT NOT NULL,      -- message | message_changed | read | delivered | acknowledged | room_changed | room_removed
    room_id    TEXT NOT NULL,
    user_id    TEXT,               -- receipts: whose; room_changed and room_removed: the only reader
    message_id TEXT,
    seq        INTEGER,
    at         INTEGER NOT NULL
) STRICT;
CREATE INDEX change_by_receipt ON change (room_id, user_id, kind) WHERE kind IN ('read', 'delivered');
CREATE INDEX change_by_time ON change (at);
