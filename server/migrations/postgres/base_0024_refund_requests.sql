-- Refunds that tills asked for and that a manager decides in the console. A row is no promise: the order's group decides how much
-- may go back when it is approved. 'approved' is between the manager's word and the group's.
CREATE TABLE refund_requests (
    terminal      BIGINT NOT NULL REFERENCES terminals (id),
    request       TEXT NOT NULL,
    number        TEXT NOT NULL,
    currency      TEXT NOT NULL,
    minor         BIGINT NOT NULL CHECK (minor > 0),
    reason        TEXT NOT NULL,
    cashier_login TEXT,
    cashier_name  TEXT,
    asked_at      BIGINT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('waiting', 'approved', 'reserved', 'refused')),
    decided_login TEXT,
    decided_name  TEXT,
    decided_at    BIGINT,
    PRIMARY KEY (terminal, request),
    CHECK ((state = 'waiting') = (decided_login IS NULL))
);
CREATE INDEX refund_requests_by_time ON refund_requests (asked_at);
