-- Who did what, in the order it was done; see src/audit/. Never holds what was said.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY,   -- 1, 2, 3 … without a gap
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,         -- a user id; empty: the operator, by the command line
    action  TEXT NOT NULL,
    room_id TEXT,
    object  TEXT,                  -- the message, person or session it was done to
    seq     INTEGER,               -- the position it reached in the room's log
    hash    BLOB NOT NULL          -- SHA-256 of the hash before and of this row
) STRICT;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_is_never_cut BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;
