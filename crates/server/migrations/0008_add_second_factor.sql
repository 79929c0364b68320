-- The second factor of a person: a shared secret, sealed under a key that is not in the store.
CREATE TABLE second_factor (
    user_id      TEXT PRIMARY KEY REFERENCES user (id),
    secret       BLOB,                          -- NULL until a code of it has been shown
    confirmed_at INTEGER,
    last_step    INTEGER NOT NULL DEFAULT 0,    -- the newest time step whose code was used; no code works twice
    offered      BLOB,                          -- handed out, not confirmed yet
    offered_at   INTEGER
) STRICT, WITHOUT ROWID;

-- Codes for the day the second factor is lost. Kept as SHA-256 only; each works once.
CREATE TABLE recovery_code (
    user_id TEXT NOT NULL REFERENCES user (id),
    hash    BLOB NOT NULL,
    used_at INTEGER,
    PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;
