-- Which of a room's messages notify, for whom the general choice does not do. Who had muted a room hears what names them.
ALTER TABLE room_choice ADD COLUMN notify TEXT NOT NULL DEFAULT 'usual';
UPDATE room_choice SET notify = 'mentions' WHERE muted = 1;
ALTER TABLE room_choice DROP COLUMN muted;

-- When an urgent message raised its first and its last notification, in milliseconds: until someone takes it on, it does so again.
ALTER TABLE notified ADD COLUMN first_at INTEGER;
ALTER TABLE notified ADD COLUMN last_at INTEGER;
CREATE INDEX notified_urgent ON notified (first_at) WHERE first_at IS NOT NULL;
