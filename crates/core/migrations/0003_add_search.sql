-- The index behind search. See store/search.rs for what stands in it.

ALTER TABLE message ADD COLUMN search_key INTEGER; -- its row in `message_search`; NULL while it is not in there
CREATE UNIQUE INDEX message_by_search_key ON message (search_key) WHERE search_key IS NOT NULL;
-- What is still to be indexed: all there is after this step, nothing soon after.
CREATE INDEX message_to_index ON message (local_id) WHERE search_key IS NULL AND seq IS NOT NULL AND deleted_at IS NULL;

CREATE VIRTUAL TABLE message_search USING fts5 (terms, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii');
