-- Messages are found by what their files are called, too: those that carry some are indexed anew, soon after this step.
DELETE FROM message_search
WHERE rowid IN (SELECT search_key FROM message
                WHERE json_array_length(extras, '$.attachments') > 0 AND search_key IS NOT NULL);
UPDATE message SET search_key = NULL WHERE json_array_length(extras, '$.attachments') > 0 AND search_key IS NOT NULL;
