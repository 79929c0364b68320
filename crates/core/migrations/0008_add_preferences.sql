-- What the store's owner has chosen: a shared computer has each person's choices in their own store.
CREATE TABLE preference (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL -- JSON
) STRICT, WITHOUT ROWID;
