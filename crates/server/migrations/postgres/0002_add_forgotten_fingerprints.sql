-- Messages that were taken back and whose words' fingerprint is not yet forgotten; that leaves none of its bytes.
CREATE INDEX message_fingerprinted ON message (room_id, created_at) WHERE deleted_at IS NOT NULL AND length(fingerprint) > 0;
