-- The tables of ../0001 to ../0011 as Postgres says them. Texts compare byte by byte, as in SQLite. Times are milliseconds after
-- 1970-01-01T00:00:00Z. What each column means is said there.

CREATE TABLE meta (
    key   TEXT COLLATE "C" PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE "user" (
    id            TEXT COLLATE "C" PRIMARY KEY,
    name          TEXT COLLATE "C" NOT NULL,
    user_type     TEXT COLLATE "C" NOT NULL,
    role          TEXT COLLATE "C",
    password_hash TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    disabled_at   BIGINT,
    on_call       BOOLEAN NOT NULL DEFAULT FALSE,
    is_admin      BOOLEAN NOT NULL DEFAULT FALSE
);

CREATE TABLE session (
    id            TEXT COLLATE "C" PRIMARY KEY,
    user_id       TEXT COLLATE "C" NOT NULL REFERENCES "user" (id),
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    ended_at      BIGINT,
    device_id     TEXT COLLATE "C",
    seen_at       BIGINT,
    erase_at      BIGINT,
    erase_told_at BIGINT
);
CREATE INDEX session_by_user ON session (user_id);

CREATE TABLE access_token (
    hash       BYTEA PRIMARY KEY,
    session_id TEXT COLLATE "C" NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);
CREATE INDEX access_token_by_session ON access_token (session_id);
CREATE INDEX access_token_by_end ON access_token (expires_at);

CREATE TABLE refresh_token (
    hash       BYTEA PRIMARY KEY,
    session_id TEXT COLLATE "C" NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    used_at    BIGINT,
    seed       BYTEA
);
CREATE INDEX refresh_token_by_session ON refresh_token (session_id);

CREATE TABLE room (
    id             TEXT COLLATE "C" PRIMARY KEY,
    name           TEXT NOT NULL,
    kind           TEXT COLLATE "C" NOT NULL,
    last_seq       BIGINT NOT NULL DEFAULT 0,
    created_at     BIGINT NOT NULL,
    direct_a       TEXT COLLATE "C" REFERENCES "user" (id),
    direct_b       TEXT COLLATE "C" REFERENCES "user" (id),
    escalate_after BIGINT,
    held_at        BIGINT
);
CREATE UNIQUE INDEX room_of_two ON room (direct_a, direct_b) WHERE direct_a IS NOT NULL;

CREATE TABLE member (
    room_id       TEXT COLLATE "C" NOT NULL REFERENCES room (id),
    user_id       TEXT COLLATE "C" NOT NULL REFERENCES "user" (id),
    read_seq      BIGINT NOT NULL DEFAULT 0,
    delivered_seq BIGINT NOT NULL DEFAULT 0,
    joined_at     BIGINT NOT NULL,
    PRIMARY KEY (room_id, user_id)
);
CREATE INDEX member_by_user ON member (user_id);

CREATE TABLE message (
    id                TEXT COLLATE "C" PRIMARY KEY,
    room_id           TEXT COLLATE "C" NOT NULL REFERENCES room (id),
    seq               BIGINT NOT NULL,
    user_id           TEXT COLLATE "C" NOT NULL REFERENCES "user" (id),
    user_name         TEXT NOT NULL,
    user_type         TEXT NOT NULL,
    content           TEXT NOT NULL,
    attachments       TEXT NOT NULL DEFAULT '[]',
    metadata          TEXT NOT NULL DEFAULT '{}',
    priority          TEXT NOT NULL DEFAULT 'normal',
    reply_to          TEXT,
    mentions          TEXT NOT NULL DEFAULT '[]',
    client_message_id TEXT COLLATE "C",
    fingerprint       BYTEA NOT NULL,
    created_at        BIGINT NOT NULL,
    edited_at         BIGINT,
    deleted_at        BIGINT
);
CREATE UNIQUE INDEX message_by_place ON message (room_id, seq);
CREATE UNIQUE INDEX message_by_client_id ON message (user_id, client_message_id) WHERE client_message_id IS NOT NULL;
CREATE INDEX message_urgent ON message (created_at) WHERE priority = 'urgent';
CREATE INDEX message_unspent ON message (room_id, created_at) WHERE deleted_at IS NULL;

CREATE TABLE acknowledgement (
    message_id TEXT COLLATE "C" NOT NULL REFERENCES message (id),
    user_id    TEXT COLLATE "C" NOT NULL REFERENCES "user" (id),
    at         BIGINT NOT NULL,
    PRIMARY KEY (message_id, user_id)
);

-- Positions come from the row of change_head and not from a sequence: a sequence runs ahead of what is committed, and a
-- cursor that ran ahead with it would miss what is committed behind it.
CREATE TABLE change (
    id         BIGINT PRIMARY KEY,
    kind       TEXT NOT NULL,
    room_id    TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C",
    message_id TEXT COLLATE "C",
    seq        BIGINT,
    at         BIGINT NOT NULL
);
CREATE INDEX change_by_receipt ON change (room_id, user_id, kind) WHERE kind IN ('read', 'delivered');
CREATE INDEX change_by_time ON change (at);

CREATE TABLE change_head (
    one  BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one),
    last BIGINT NOT NULL
);
INSERT INTO change_head (last) VALUES (0);

CREATE FUNCTION take_change_position() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE change_head SET last = last + 1 RETURNING last INTO NEW.id;
    RETURN NEW;
END $$;
CREATE TRIGGER change_takes_position BEFORE INSERT ON change FOR EACH ROW EXECUTE FUNCTION take_change_position();

CREATE TABLE audit (
    id      BIGINT PRIMARY KEY,
    at      BIGINT NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    room_id TEXT,
    object  TEXT,
    seq     BIGINT,
    hash    BYTEA NOT NULL
);
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only';
END $$;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_is_never_cut BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

CREATE TABLE reaction (
    id         BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    message_id TEXT COLLATE "C" NOT NULL REFERENCES message (id),
    emoji      TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL REFERENCES "user" (id),
    at         BIGINT NOT NULL
);
CREATE UNIQUE INDEX reaction_once ON reaction (message_id, emoji, user_id);

CREATE TABLE attachment (
    id         TEXT COLLATE "C" PRIMARY KEY,
    user_id    TEXT COLLATE "C" NOT NULL REFERENCES "user" (id),
    name       TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size       BIGINT NOT NULL,
    sha256     TEXT NOT NULL,
    width      BIGINT,
    height     BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX attachment_unsent ON attachment (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE carried (
    attachment_id TEXT COLLATE "C" NOT NULL REFERENCES attachment (id),
    message_id    TEXT COLLATE "C" NOT NULL REFERENCES message (id),
    PRIMARY KEY (attachment_id, message_id)
);
CREATE INDEX carried_by_message ON carried (message_id);

CREATE TABLE escalation (
    message_id TEXT COLLATE "C" PRIMARY KEY REFERENCES message (id),
    notice_id  TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES message (id)
);

CREATE TABLE second_factor (
    user_id      TEXT COLLATE "C" PRIMARY KEY REFERENCES "user" (id),
    secret       BYTEA,
    confirmed_at BIGINT,
    last_step    BIGINT NOT NULL DEFAULT 0,
    offered      BYTEA,
    offered_at   BIGINT
);

CREATE TABLE recovery_code (
    user_id TEXT COLLATE "C" NOT NULL REFERENCES "user" (id),
    hash    BYTEA NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (user_id, hash)
);

CREATE TABLE retention (
    kind TEXT COLLATE "C" PRIMARY KEY,
    days BIGINT NOT NULL
);

CREATE TABLE kept (
    id          BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    message_id  TEXT COLLATE "C" NOT NULL REFERENCES message (id),
    at          BIGINT NOT NULL,
    content     TEXT NOT NULL,
    attachments TEXT NOT NULL,
    metadata    TEXT NOT NULL
);
CREATE INDEX kept_by_message ON kept (message_id);

INSERT INTO "user" (id, name, user_type, role, password_hash, created_at, disabled_at)
VALUES ('server:alerts', 'HugMeDo Chat', 'staff', NULL, '', 0, 0);
