-- What the wallet keeps of each payment by the agreement about an account, in ten-thousandths of the amount: 60 is 0.6 %. Nothing
-- where nobody has said: then server.toml's counts for the wallet, and without that the account's fees are not compared.
ALTER TABLE wallet_accounts ADD COLUMN fee BIGINT CHECK (fee BETWEEN 0 AND 10000);
