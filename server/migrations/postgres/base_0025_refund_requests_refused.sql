-- Why the order's group refused what a manager had approved. A request that is 'refused' without it was refused by the person who
-- decided.
ALTER TABLE refund_requests ADD COLUMN refused_why TEXT;
