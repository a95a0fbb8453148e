//! Tills that charge codes of both wallets in turn, and remember what they charged.

use super::phase::{Done, Lines};
use super::sales::{Prepared, Seller, Sold, prepare};
use super::shop::Shop;
use crate::load::wrong;
use crate::simulator::wechat::Behaviour;
use crate::store_rig::RigError;
use evertill_shared::id::{Attempt, ChannelNumber};
use evertill_shared::journal::Body;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::orders::{DraftCreated, PaymentView, StartPayment};
use evertill_shared::secret::AuthCode;
use evertill_shared::wallet::Wallet;
use std::sync::Arc;
use std::time::Duration;

const FIRST: Attempt = 1;
/// Longer than any stocking up takes.
const LONG: Duration = Duration::from_secs(100);

/// A payment that a till asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub number: OrderNumber,
    pub channel_number: ChannelNumber,
    pub minor: i64,
}

/// A till.
struct Payer {
    seller: Seller,
    drafts: Vec<Sold>,
    ready: Vec<(Sold, OrderNumber)>,
    codes: [Vec<String>; 2],
    asked: Vec<Asked>,
    turn: usize,
}

/// What a payment's request is called in records.
pub(crate) const fn kind(wallet: Wallet) -> &'static str {
    match wallet {
        Wallet::WeChatPay => "wechat_pay",
        Wallet::Alipay => "alipay",
    }
}

/// Whose codes are charged in turn.
pub(crate) const TURNS: [Wallet; 2] = [Wallet::WeChatPay, Wallet::Alipay];

impl Payer {
    fn draft(&mut self) -> Result<Prepared, RigError> {
        let sold = self.seller.sell()?;
        let request = self.seller.ask_number(&sold)?;
        self.drafts.push(sold);
        Ok(request)
    }

    fn pay(&mut self) -> Result<Prepared, RigError> {
        self.turn += 1;
        let turn = self.turn % TURNS.len();
        let wallet = TURNS[turn];
        let code = self.codes[turn].pop().ok_or_else(|| wrong("too few payment codes"))?;
        let (sold, number) = self.ready.pop().ok_or_else(|| wrong("too few drafts"))?;
        let adopted = self.seller.write(Body::Adopted { sale: sold.key.sequence, number })?;
        let channel_number = ChannelNumber::new(self.seller.store(), sold.key, FIRST);
        let requested = self.seller.write(Body::PaymentRequested {
            sale: sold.key.sequence,
            number,
            attempt: FIRST,
            wallet,
            channel_number: channel_number.clone(),
            amount: sold.sale.total,
        })?;
        self.asked.push(Asked { number, channel_number, minor: sold.sale.total.minor });
        let (sale, auth_code) = (sold.entry, AuthCode::new(code));
        let body = StartPayment { sale, adopted, requested, cash_part: None, auth_code };
        self.seller.post(kind(wallet), &format!("/v1/orders/{number}/payments"), &body)
    }
}

/// All tills of a shop.
pub(crate) struct Payers(Vec<Payer>);

impl Payers {
    /// Takes over the tills of a shop.
    pub(crate) fn of(shop: &mut Shop) -> Self {
        let till = |(turn, seller)| Payer {
            seller,
            drafts: Vec::new(),
            ready: Vec::new(),
            codes: [const { Vec::new() }; 2],
            asked: Vec::new(),
            turn,
        };
        Self(shop.sellers.drain(..).enumerate().map(till).collect())
    }

    /// So many requests to pay, with all that they need.
    pub(crate) async fn payments(
        &mut self,
        shop: &Shop,
        lines: &mut Lines,
        count: usize,
    ) -> Result<Vec<Prepared>, RigError> {
        let each = count.div_ceil(self.0.len().max(1));
        let wallets = [shop.rig.wallet_control(), shop.rig.alipay_control()];
        for payer in &mut self.0 {
            for (codes, wallet) in payer.codes.iter_mut().zip(&wallets) {
                while codes.len() < each.div_ceil(2) + 1 {
                    codes.push(wallet.code(Behaviour::Pays).await?);
                }
            }
        }
        let work = Arc::new(prepare(&mut self.0, each, shop.cores, Payer::draft)?);
        let done = lines.closed(&work, LONG).await?;
        let mut numbers = vec![None; work.len()];
        for record in &done.records {
            let body = record.answer.as_ref().map_or(&[][..], |answer| answer.body());
            let draft: DraftCreated = serde_json::from_slice(body).map_err(wrong)?;
            if let Some(place) = numbers.get_mut(record.index) {
                *place = Some(draft.number);
            }
        }
        let tills = self.0.len();
        for (at, payer) in self.0.iter_mut().enumerate() {
            // The tills took turns when the requests were made.
            let own = numbers.iter().skip(at).step_by(tills.max(1));
            let sold = payer.drafts.drain(..);
            payer.ready.extend(sold.zip(own).filter_map(|(sold, number)| Some((sold, (*number)?))));
        }
        prepare(&mut self.0, each, shop.cores, Payer::pay)
    }

    /// Where each payment stands that was asked for so far, as the server says; none where it never came.
    pub(crate) async fn standing(
        &mut self,
        lines: &mut Lines,
    ) -> Result<Vec<(Asked, Option<PaymentView>)>, RigError> {
        let (mut asked, mut work) = (Vec::new(), Vec::new());
        for payer in &self.0 {
            for one in &payer.asked {
                work.push(payer.seller.get("asked", &format!("/v1/orders/{}/payments/{FIRST}", one.number))?);
                asked.push(one.clone());
            }
        }
        let done: Done = lines.closed(&Arc::new(work), LONG).await?;
        if done.records.len() != asked.len() {
            return Err(wrong(format!("{} of {} questions were asked", done.records.len(), asked.len())));
        }
        let mut told: Vec<(Asked, Option<PaymentView>)> = asked.into_iter().map(|one| (one, None)).collect();
        for record in &done.records {
            let Some(answer) = &record.answer else { return Err(wrong("a question was not answered")) };
            if let Some(place) = told.get_mut(record.index) {
                place.1 = said(answer.status, answer.body())?;
            }
        }
        Ok(told)
    }
}

/// Where a payment stands by that answer; none if the server has never heard of it.
fn said(status: u16, body: &[u8]) -> Result<Option<PaymentView>, RigError> {
    match status {
        200 => serde_json::from_slice(body).map(Some).map_err(wrong),
        404 => Ok(None),
        _ => Err(wrong(format!("where a payment stands: {status} {}", String::from_utf8_lossy(body)))),
    }
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn only_a_payment_that_the_server_does_not_know_never_came() {
        assert!(matches!(said(404, b"{}"), Ok(None)));
        for status in [401, 429, 500, 503] {
            assert!(said(status, b"{}").is_err(), "{status}");
        }
        assert!(said(200, b"{}").is_err(), "no answer to the question");
    }
}
