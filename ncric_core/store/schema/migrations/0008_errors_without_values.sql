-- Errors of loads were kept as the database wrote them, with the values of a read. What failed is still open: it is tried
-- again, and then says anew why it was not loaded.

UPDATE loads SET error = 'not loaded; the next run says why' WHERE done_at IS NULL AND error IS NOT NULL;
