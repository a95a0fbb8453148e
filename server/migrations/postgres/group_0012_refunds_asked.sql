-- When a refund was last taken up to be sent: for a while after that it may be on its way, whatever another request under
-- its number is answered.
ALTER TABLE refunds ADD COLUMN asked_at BIGINT;
UPDATE refunds SET asked_at = next_at WHERE state IN ('sent', 'unknown');
