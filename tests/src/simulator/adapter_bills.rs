//! What every wallet's bills must do for the server's adapter: what they hold, when they come, and that a spoilt one is
//! refused whole. How a bill is written is each wallet's own.

use super::wallet::{Behaviour, BillFault, Counter, Endpoint, Fault};
use evertill_server::channel::bills::BillFailure;
use evertill_server::channel::{Channel, ChannelRefund, ChannelRefundOutcome, Charge};
use evertill_shared::business_day::{BusinessDay, business_day_of};
use evertill_shared::id::{ChannelNumber, RefundId};
use evertill_shared::money::Amount;
use evertill_shared::payment::ReverseOutcome;
use evertill_shared::reconciliation::{BillRow, Movement};

pub(super) const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// China's clock is so far ahead.
const CHINA_MS: i64 = 8 * 60 * 60 * 1000;

/// A day on which a wallet traded with us.
pub(super) struct Traded<'r> {
    wallet: &'r Counter,
    channel: &'r dyn Channel,
    pub day: BusinessDay,
    numbers: Vec<ChannelNumber>,
}

impl<'r> Traded<'r> {
    /// Sale 1 is paid and partly refunded, sale 2 paid and reversed, sale 3 not paid: all on one day of China's.
    pub async fn on_one_day(
        wallet: &'r Counter,
        channel: &'r dyn Channel,
        charge: fn(String, u64) -> Charge,
    ) -> Self {
        // From eight in the morning on, China's time: whenever the test runs, all is on one day, and two days later the bill of
        // the day between is not there yet.
        let now = wallet.turn_clock(0).unwrap();
        let past = (now.0 + CHINA_MS).rem_euclid(DAY_MS);
        let now = wallet.turn_clock((DAY_MS / 3 - past).rem_euclid(DAY_MS)).unwrap();
        let day = business_day_of(now, &"Asia/Shanghai".parse().unwrap(), 0);
        let (mut numbers, mut paid) = (Vec::new(), None);
        for (sequence, behaviour) in [(1, Behaviour::Pays), (2, Behaviour::Pays), (3, Behaviour::NoFunds)] {
            let charge = charge(wallet.issue_code(behaviour).unwrap(), sequence);
            channel.pay(&charge).await;
            numbers.push(charge.number.clone());
            paid = Some(charge.amount);
        }
        let paid = paid.unwrap();
        let refund = ChannelRefund {
            interface: evertill_shared::id::Interface::NOT_KNOWN,
            refund: RefundId("R1".into()),
            number: numbers[0].clone(),
            paid,
            amount: Amount::new(200, paid.currency),
            reason: "cold".into(),
        };
        assert_eq!(channel.refund(&refund).await, ChannelRefundOutcome::Done);
        assert_eq!(channel.reverse(&numbers[1]).await, ReverseOutcome::Reversed);
        Self { wallet, channel, day, numbers }
    }

    pub async fn bill(&self, day: BusinessDay) -> Result<Vec<BillRow>, BillFailure> {
        self.channel.bills().unwrap().bill(day).await
    }

    /// The bill comes the next morning and holds payments, part refunds and what was taken back.
    pub async fn comes_the_next_morning_and_holds_all(&self) {
        assert_eq!(self.bill(self.day).await, Err(BillFailure::NotReady));
        self.wallet.turn_clock(2 * DAY_MS).unwrap();
        let rows = self.bill(self.day).await.unwrap();
        let mut seen: Vec<_> = rows
            .iter()
            .map(|r| (r.movement, r.number.as_str(), r.amount.minor, r.revoked, r.fee_minor))
            .collect();
        seen.sort_unstable();
        let (one, two) = (self.numbers[0].as_str(), self.numbers[1].as_str());
        assert_eq!(
            seen,
            [
                (Movement::Payment, one, 1234, false, 7),
                (Movement::Payment, two, 1234, false, 7),
                (Movement::Payment, two, 1234, true, -7),
                (Movement::Refund, "R1", 200, false, -1),
            ]
        );
    }

    /// A bill that is cut off, has not `column`, or does not agree with itself is refused whole with the reason; and so
    /// is an answer that is not the wallet's, which says nothing of the bill unless it is noise instead of one.
    pub async fn a_spoilt_one_is_refused_whole(&self, column: &str, answers: [(Fault, bool); 3]) {
        self.wallet.turn_clock(2 * DAY_MS).unwrap();
        for (fault, word) in [
            (BillFault::Truncated, "cut off"),
            (BillFault::OtherColumns, column),
            (BillFault::OtherSums, "sums say"),
        ] {
            self.wallet.switch(|switches| switches.bill = vec![fault.clone()]);
            let Err(BillFailure::Bad(why)) = self.bill(self.day).await else { panic!("{fault:?} was taken") };
            assert!(why.contains(word) || why.contains("cannot be read"), "{fault:?}: {why}");
        }
        let missing = BillFault::MissingRow { number: "R1".into() };
        self.wallet.switch(|switches| switches.bill = vec![missing]);
        let rows = self.bill(self.day).await.unwrap();
        assert_eq!(rows.len(), 3, "a bill that agrees with itself is a bill");
        self.wallet.switch(|switches| switches.bill = Vec::new());
        for (fault, is_bad) in answers {
            self.wallet.next(Endpoint::Bill, fault.clone());
            self.wallet.next(Endpoint::Bill, fault.clone());
            let refused = self.bill(self.day).await.unwrap_err();
            assert_eq!(matches!(refused, BillFailure::Bad(_)), is_bad, "{fault:?}: {refused}");
            self.wallet.switch(|switches| switches.next.clear());
        }
        assert_eq!(self.bill(self.day).await.unwrap().len(), 4);
    }

    /// A fee, and a currency where the wallet's bills name one, are read as they stand there.
    pub async fn another_fee_or_currency_is_read_as_it_stands(&self, names_currencies: bool) {
        self.wallet.turn_clock(2 * DAY_MS).unwrap();
        let own = |rows: Vec<BillRow>| rows.into_iter().find(|row| row.number == "R1").unwrap();
        let honest = own(self.bill(self.day).await.unwrap());
        let fault = BillFault::OtherFee { number: "R1".into() };
        self.wallet.switch(|switches| switches.bill = vec![fault]);
        let read = own(self.bill(self.day).await.unwrap());
        assert_eq!(read, BillRow { fee_minor: honest.fee_minor + 1, ..honest.clone() });
        let fault = BillFault::OtherCurrency { number: "R1".into() };
        self.wallet.switch(|switches| switches.bill = vec![fault]);
        let read = own(self.bill(self.day).await.unwrap());
        let code = if names_currencies { "USD" } else { "CNY" };
        assert_eq!((read.amount.currency.code(), read.amount.minor), (code, honest.amount.minor));
    }
}
