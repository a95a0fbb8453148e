//! What a shop's tills ask for on a busy day: new orders most of all, and what keeps orders that are under way moving.

use super::phase::{Lines, Record};
use super::sales::{Prepared, Seller, Sold, prepare};
use super::shop::Shop;
use crate::load::wrong;
use crate::store_rig::RigError;
use evertill_shared::id::{Attempt, ChannelNumber};
use evertill_shared::journal::Body;
use evertill_shared::money::Amount;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::orders::{AdoptOrder, DraftCreated, StartPayment};
use evertill_shared::secret::AuthCode;
use evertill_shared::wallet::Wallet;
use std::sync::Arc;
use std::time::Duration;

/// Of a hundred requests, so many are of each kind; the rest are new orders.
const PAYMENTS: usize = 3;
const PAYMENTS_ASKED: usize = 12;
const UPLOADS: usize = 10;
const ORDERS_ASKED: usize = 15;

/// How many drafts a hundred requests of the mix use up.
pub(crate) const DRAFTS_PER_HUNDRED: usize = PAYMENTS + UPLOADS;
/// How many payment codes.
pub(crate) const CODES_PER_HUNDRED: usize = PAYMENTS;

/// A till with orders at all stages.
pub(crate) struct BusyTill {
    seller: Seller,
    /// Sales whose numbers are being asked for.
    asked: Vec<Sold>,
    /// Sales that have numbers and are not paid.
    ready: Vec<(Sold, OrderNumber)>,
    /// One that was charged.
    charged: Option<OrderNumber>,
    codes: Vec<String>,
    turn: usize,
}

impl BusyTill {
    fn draft(&mut self) -> Result<Prepared, RigError> {
        let sold = self.seller.sell()?;
        let request = self.seller.ask_number(&sold)?;
        self.asked.push(sold);
        Ok(request)
    }

    /// The next request of the mix. Steps of 37 go through all of a hundred in an order without long runs of one kind.
    fn next(&mut self) -> Result<Prepared, RigError> {
        self.turn += 37;
        match self.turn % 100 {
            n if n < PAYMENTS => self.pay(),
            n if n < PAYMENTS + PAYMENTS_ASKED => self.ask_payment(),
            n if n < PAYMENTS + PAYMENTS_ASKED + UPLOADS => self.upload(),
            n if n < PAYMENTS + PAYMENTS_ASKED + UPLOADS + ORDERS_ASKED => self.ask_order(),
            _ => self.seller.draft(),
        }
    }

    fn adopt(&mut self) -> Result<(Sold, OrderNumber, evertill_shared::journal::SignedEntry), RigError> {
        let (sold, number) = self.ready.pop().ok_or_else(|| wrong("too few drafts for the mix"))?;
        let adopted = self.seller.write(Body::Adopted { sale: sold.key.sequence, number })?;
        Ok((sold, number, adopted))
    }

    fn pay(&mut self) -> Result<Prepared, RigError> {
        const FIRST: Attempt = 1;
        let code = self.codes.pop().ok_or_else(|| wrong("too few payment codes for the mix"))?;
        let (sold, number, adopted) = self.adopt()?;
        let requested = self.seller.write(Body::PaymentRequested {
            sale: sold.key.sequence,
            number,
            attempt: FIRST,
            wallet: Wallet::WeChatPay,
            channel_number: ChannelNumber::new(self.seller.store(), sold.key, FIRST),
            amount: sold.sale.total,
        })?;
        self.charged.get_or_insert(number);
        let auth_code = AuthCode::new(code);
        let body = StartPayment { sale: sold.entry, adopted, requested, cash_part: None, auth_code };
        self.seller.post("payment", &format!("/v1/orders/{number}/payments"), &body)
    }

    fn upload(&mut self) -> Result<Prepared, RigError> {
        let (sold, number, adopted) = self.adopt()?;
        let given = sold.sale.total;
        let change = Amount::zero(given.currency);
        let cash = self.seller.write(Body::CashTaken { sale: sold.key.sequence, given, change })?;
        let body = AdoptOrder { sale: sold.entry, adopted, cash: Some(cash), cash_part: None };
        self.seller.post("upload", &format!("/v1/orders/{number}/adopt"), &body)
    }

    fn charged(&self) -> Result<OrderNumber, RigError> {
        self.charged.ok_or_else(|| wrong("nothing was charged yet"))
    }

    fn ask_payment(&mut self) -> Result<Prepared, RigError> {
        let number = self.charged()?;
        self.seller.get("payment_asked", &format!("/v1/orders/{number}/payments/1"))
    }

    fn ask_order(&mut self) -> Result<Prepared, RigError> {
        let number = self.charged()?;
        self.seller.get("order_asked", &format!("/v1/orders/{number}"))
    }
}

/// All tills of a shop.
pub(crate) struct BusyTills {
    tills: Vec<BusyTill>,
    /// How many drafts they were given to work with.
    pub stocked: usize,
}

impl BusyTills {
    /// Takes over the tills of a shop; one order of each is charged.
    pub(crate) async fn open(shop: &mut Shop, lines: &mut Lines) -> Result<Self, RigError> {
        let till = |(turn, seller)| BusyTill {
            seller,
            asked: Vec::new(),
            ready: Vec::new(),
            charged: None,
            codes: Vec::new(),
            turn,
        };
        let all = shop.sellers.drain(..).enumerate().map(till).collect();
        let mut tills = Self { tills: all, stocked: 0 };
        tills.stock(shop, lines, 1, 1).await?;
        let work = Arc::new(prepare(&mut tills.tills, 1, shop.cores, BusyTill::pay)?);
        all_good(&lines.closed(&work, Duration::from_secs(60)).await?.records)?;
        Ok(tills)
    }

    /// Gets numbers and payment codes for so many requests of the mix.
    pub(crate) async fn stock_for(
        &mut self,
        shop: &Shop,
        lines: &mut Lines,
        requests: usize,
    ) -> Result<(), RigError> {
        let each = requests.div_ceil(self.tills.len().max(1));
        // One more: a till's turn may begin just before a run of that kind.
        let share = |of_hundred: usize| (each * of_hundred).div_ceil(100) + of_hundred;
        self.stock(shop, lines, share(DRAFTS_PER_HUNDRED), share(CODES_PER_HUNDRED)).await
    }

    async fn stock(
        &mut self,
        shop: &Shop,
        lines: &mut Lines,
        drafts: usize,
        codes: usize,
    ) -> Result<(), RigError> {
        let (have_drafts, have_codes) = self.least();
        let wallet = shop.rig.wallet_control();
        for till in &mut self.tills {
            for _ in have_codes..codes {
                till.codes.push(wallet.code(crate::simulator::wechat::Behaviour::Pays).await?);
            }
        }
        let each = drafts.saturating_sub(have_drafts);
        let work = Arc::new(prepare(&mut self.tills, each, shop.cores, BusyTill::draft)?);
        let done = lines.closed(&work, Duration::from_secs(100)).await?;
        all_good(&done.records)?;
        self.stocked += done.records.len();
        let mut numbers = vec![None; work.len()];
        for record in &done.records {
            let body = record.answer.as_ref().map_or(&[][..], |answer| answer.body());
            let draft: DraftCreated = serde_json::from_slice(body).map_err(wrong)?;
            if let Some(place) = numbers.get_mut(record.index) {
                *place = Some(draft.number);
            }
        }
        let tills = self.tills.len();
        for (at, till) in self.tills.iter_mut().enumerate() {
            // The tills took turns when the requests were made.
            let own = numbers.iter().skip(at).step_by(tills.max(1));
            let sold = till.asked.drain(..);
            till.ready.extend(sold.zip(own).filter_map(|(sold, number)| Some((sold, (*number)?))));
        }
        Ok(())
    }

    fn least(&self) -> (usize, usize) {
        let drafts = self.tills.iter().map(|till| till.ready.len()).min().unwrap_or(0);
        (drafts, self.tills.iter().map(|till| till.codes.len()).min().unwrap_or(0))
    }

    /// So many requests of the mix.
    pub(crate) fn prepare(&mut self, shop: &Shop, requests: usize) -> Result<Vec<Prepared>, RigError> {
        let each = requests.div_ceil(self.tills.len().max(1));
        prepare(&mut self.tills, each, shop.cores, BusyTill::next)
    }
}

/// The kinds of the mix, and how many of a till's drafts and codes one of each uses up.
pub(crate) const KINDS: [(&str, usize, usize); 5] = [
    ("payment", 1, 1),
    ("payment_asked", 0, 0),
    ("upload", 1, 0),
    ("order_asked", 0, 0),
    ("new_order", 0, 0),
];

impl BusyTills {
    /// So many requests of one kind, with all that they need.
    pub(crate) async fn of_kind(
        &mut self,
        shop: &Shop,
        lines: &mut Lines,
        (kind, drafts, codes): (&str, usize, usize),
        requests: usize,
    ) -> Result<Vec<Prepared>, RigError> {
        let each = requests.div_ceil(self.tills.len().max(1));
        self.stock(shop, lines, each * drafts, each * codes).await?;
        prepare(&mut self.tills, each, shop.cores, |till| match kind {
            "payment" => till.pay(),
            "payment_asked" => till.ask_payment(),
            "upload" => till.upload(),
            "order_asked" => till.ask_order(),
            _ => till.seller.draft(),
        })
    }
}

fn all_good(records: &[Record]) -> Result<(), RigError> {
    let Some(bad) = records.iter().find(|record| !record.is_good()) else { return Ok(()) };
    let said = bad.answer.as_ref().map(|a| (a.status, String::from_utf8_lossy(a.body()).into_owned()));
    Err(wrong(format!("a request was refused before there was any overload: {said:?}")))
}
