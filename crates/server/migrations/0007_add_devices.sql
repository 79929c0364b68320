-- Which device signed in, by the name it gives itself when it connects, and when it was last heard of.
ALTER TABLE session ADD COLUMN device_id TEXT;
ALTER TABLE session ADD COLUMN seen_at INTEGER;
-- When an administrator asked the device to remove what it has stored, and when it was first told.
ALTER TABLE session ADD COLUMN erase_at INTEGER;
ALTER TABLE session ADD COLUMN erase_told_at INTEGER;
