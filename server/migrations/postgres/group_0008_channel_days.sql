-- A wallet's day, for its bill. Nothing of this is paid for by a draft.
CREATE INDEX payments_by_day ON payments (wallet, sent_at);
CREATE INDEX refunds_by_day ON refunds (wallet, carried_out_at) WHERE carried_out_at IS NOT NULL;
CREATE INDEX give_backs_by_day ON give_backs (wallet, since);
