-- A wallet's day, for its bill. Nothing of this is paid for by a draft.
CREATE INDEX payments_by_day ON payments (wallet, sent_at);
CREATE INDEX refunds_by_day ON refunds (wallet, carried_out_at) WHERE carried_out_at IS NOT NULL;
CREATE INDEX give_backs_by_day ON give_backs (wallet, since);

-- The ledger: each fact about money once, as a debit of one account and a credit of another, written by the transaction
-- that writes the fact itself.
CREATE TABLE ledger (
    number       TEXT NOT NULL,
    entry        TEXT NOT NULL,
    account      TEXT NOT NULL,
    currency     TEXT NOT NULL,
    debit_minor  INTEGER NOT NULL CHECK (debit_minor >= 0),
    credit_minor INTEGER NOT NULL CHECK (credit_minor >= 0),
    at           INTEGER NOT NULL,
    PRIMARY KEY (number, entry, account),
    CHECK (debit_minor + credit_minor > 0 AND (debit_minor = 0 OR credit_minor = 0))
) STRICT, WITHOUT ROWID;

-- What was there before the ledger.
INSERT INTO ledger (number, entry, account, currency, debit_minor, credit_minor, at)
SELECT number, 'sale', 'sales', currency, 0, paid_minor, COALESCE(paid_at, created_at)
FROM orders WHERE state = 'paid';
INSERT INTO ledger (number, entry, account, currency, debit_minor, credit_minor, at)
SELECT number, 'sale',
       CASE WHEN paid_by LIKE '%"by":"cash"%' THEN 'drawer'
            WHEN paid_by LIKE '%"wallet":"alipay"%' THEN 'receivable:alipay'
            ELSE 'receivable:wechat_pay' END,
       currency, paid_minor, 0, COALESCE(paid_at, created_at)
FROM orders WHERE state = 'paid';
INSERT INTO ledger (number, entry, account, currency, debit_minor, credit_minor, at)
SELECT number, 'refund:' || id, 'refunds', currency, amount_minor, 0, COALESCE(carried_out_at, requested_at)
FROM refunds WHERE state = 'done';
INSERT INTO ledger (number, entry, account, currency, debit_minor, credit_minor, at)
SELECT number, 'refund:' || id, CASE WHEN wallet IS NULL THEN 'drawer' ELSE 'receivable:' || wallet END, currency,
       0, amount_minor, COALESCE(carried_out_at, requested_at)
FROM refunds WHERE state = 'done';
INSERT INTO ledger (number, entry, account, currency, debit_minor, credit_minor, at)
SELECT g.number, 'taken:' || g.attempt, 'receivable:' || g.wallet, p.currency, p.amount_minor, 0, g.since
FROM give_backs g JOIN payments p ON p.number = g.number AND p.attempt = g.attempt;
INSERT INTO ledger (number, entry, account, currency, debit_minor, credit_minor, at)
SELECT g.number, 'taken:' || g.attempt, 'over_short', p.currency, 0, p.amount_minor, g.since
FROM give_backs g JOIN payments p ON p.number = g.number AND p.attempt = g.attempt;
INSERT INTO ledger (number, entry, account, currency, debit_minor, credit_minor, at)
SELECT g.number, 'back:' || g.attempt, 'over_short', p.currency, p.amount_minor, 0, g.since
FROM give_backs g JOIN payments p ON p.number = g.number AND p.attempt = g.attempt WHERE g.state <> 'open';
INSERT INTO ledger (number, entry, account, currency, debit_minor, credit_minor, at)
SELECT g.number, 'back:' || g.attempt, 'receivable:' || g.wallet, p.currency, 0, p.amount_minor, g.since
FROM give_backs g JOIN payments p ON p.number = g.number AND p.attempt = g.attempt WHERE g.state <> 'open';
