-- People who answer for others while they are on call.
ALTER TABLE user ADD COLUMN on_call INTEGER NOT NULL DEFAULT 0;
-- How long an urgent message may wait for someone to take it on, in milliseconds; NULL: for ever.
ALTER TABLE room ADD COLUMN escalate_after INTEGER;

-- Urgent messages that were told again because nobody had taken them on, and the message that did so.
CREATE TABLE escalation (
    message_id TEXT PRIMARY KEY REFERENCES message (id),
    notice_id  TEXT NOT NULL UNIQUE REFERENCES message (id)
) STRICT;
CREATE INDEX message_urgent ON message (created_at) WHERE priority = 'urgent';

-- The server's own name in rooms. Nobody signs in with it, and nobody finds it among the people.
INSERT INTO user (id, name, user_type, role, password_hash, created_at, disabled_at)
VALUES ('server:alerts', 'HugMeDo Chat', 'staff', NULL, '', 0, 0);
