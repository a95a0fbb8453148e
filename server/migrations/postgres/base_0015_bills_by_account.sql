-- Bills are compared for each of the merchant's accounts by itself. What was compared before stands under 0, the account of
-- the servers' settings file: where there was no other, it was that one's; where there were more, it was all of a wallet's.
ALTER TABLE bill_leases ADD COLUMN account BIGINT NOT NULL DEFAULT 0;
ALTER TABLE bill_leases DROP CONSTRAINT bill_leases_pkey;
ALTER TABLE bill_leases ADD PRIMARY KEY (channel, account);
ALTER TABLE bill_runs ADD COLUMN account BIGINT NOT NULL DEFAULT 0;
ALTER TABLE bill_runs DROP CONSTRAINT bill_runs_pkey;
ALTER TABLE bill_runs ADD PRIMARY KEY (channel, account, day);
ALTER TABLE bill_findings ADD COLUMN account BIGINT NOT NULL DEFAULT 0;
ALTER TABLE bill_findings DROP CONSTRAINT bill_findings_pkey;
ALTER TABLE bill_findings ADD PRIMARY KEY (channel, account, day, place);
ALTER TABLE bill_settled ADD COLUMN account BIGINT NOT NULL DEFAULT 0;
ALTER TABLE bill_settled DROP CONSTRAINT bill_settled_pkey;
ALTER TABLE bill_settled ADD PRIMARY KEY (channel, account, day, place);
DROP INDEX bill_settled_untold;
CREATE INDEX bill_settled_untold ON bill_settled (channel, account, day) WHERE told = 0;
ALTER TABLE bill_carried ADD COLUMN account BIGINT NOT NULL DEFAULT 0;
ALTER TABLE bill_carried DROP CONSTRAINT bill_carried_pkey;
ALTER TABLE bill_carried ADD PRIMARY KEY (channel, account, day, place);
