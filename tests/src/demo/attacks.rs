//! The parts of the script in which somebody does what must not be, and the looks into the books.

use super::story::Story;
use super::summary::Summary;
use crate::books::{self, BookedOrder};
use crate::raw_request::{RawClient, Tamper};
use crate::scripted_till::ScriptedTill;
use crate::store_rig::RigError;
use evertill_provisioning::client::ClientError;
use evertill_provisioning::keystore::DeviceKey;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::staff::AskRefund;
use std::time::Duration;

fn unexpected(what: impl Into<String>) -> RigError {
    RigError::Unexpected(what.into())
}

fn ask(request: &str, minor: i64) -> AskRefund {
    AskRefund {
        request: request.into(),
        amount: Amount::new(minor, Currency::CNY),
        reason: "the customer brought it back".into(),
    }
}

/// How many orders a group took because another did not answer, as the server counts them. Read where nothing is
/// written: asked whether it is ready, the server would try its groups, and nothing would jump from then on.
pub async fn jumps(story: &Story) -> Result<u64, RigError> {
    let figures = story.rig.figures().await?;
    let counted = figures.lines().filter(|line| line.starts_with("evertill_jumps_total{"));
    Ok(counted.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
}

/// The till's paid sales in the server's books.
pub fn till_sales(story: &Story) -> Result<Vec<BookedOrder>, RigError> {
    let terminal = story.terminal.map(|terminal| terminal.get());
    let all = books::paid_orders(&story.rig)?;
    Ok(all.into_iter().filter(|order| Some(order.terminal) == terminal).collect())
}

/// How many sales have come since, each of them once.
pub async fn arrived_once(story: &Story, before: &[BookedOrder]) -> Result<u32, RigError> {
    let after = till_sales(story)?;
    let doubled = books::doubled(&after);
    if !doubled.is_empty() {
        return Err(unexpected(format!("arrived twice: {doubled:?}")));
    }
    let new = after.iter().filter(|order| !before.contains(order)).count();
    Ok(u32::try_from(new).unwrap_or(u32::MAX))
}

/// Opens the till's refund list, carries out the refund that waits for this order, takes its receipt.
pub fn carry_out_waiting_refund(story: &mut Story, order: OrderNumber) -> Result<(), RigError> {
    story.till.open_page("Refunds", "Refunds at this till")?;
    let button = story.till.wait_containing("Carry out the refund of order", Duration::from_secs(20))?;
    if story.summary.refunds_done == 0 {
        story.shot("refund-waiting")?;
    }
    story.till.tap(&button)?;
    let yes = story.till.wait_containing("Yes, refund", Duration::from_secs(5))?;
    story.till.tap(&yes)?;
    story.till.wait_containing("Refunded", Duration::from_secs(30))?;
    if story.summary.refunds_done == 0 {
        story.shot("refund-done")?;
    }
    let receipt = story.take_receipt()?;
    let digits: String = receipt.chars().filter(char::is_ascii_digit).collect();
    if !digits.contains(order.as_str()) {
        return Err(unexpected(format!("the refund's receipt does not name order {order}:\n{receipt}")));
    }
    Ok(story.till.tap("Back")?)
}

async fn other_till(story: &mut Story) -> Result<&mut ScriptedTill, RigError> {
    if story.other.is_none() {
        story.other = Some(story.rig.scripted_till("Till 2, back").await?);
    }
    story.other.as_mut().ok_or_else(|| unexpected("no second till"))
}

/// A manager asks for a refund of the first till's order; the second till tries to carry it out.
pub async fn refund_at_another_till(story: &mut Story) -> Result<(), RigError> {
    let Some(order) = story.orders.get(1).copied() else {
        return Err(unexpected("there is no second order"));
    };
    let manager = story.rig.staff("wang").await?;
    let refund = manager.ask_refund(&order, &ask("demo-other-1", 100)).await?;
    let refused = other_till(story).await?.carry_out(order, &refund.id, refund.amount).await;
    match refused {
        Err(error) if error.code() == Some(ErrorCode::RefundRefused) => {
            Summary::refused(&mut story.summary.refunds_refused, "another_till");
        }
        other => return Err(unexpected(format!("another till's refund was not refused: {other:?}"))),
    }
    // An order that is not paid has nothing to give back.
    let till = other_till(story).await?;
    let unpaid = till.sell_and_choose(100).await?;
    match manager.ask_refund(&unpaid.number, &ask("demo-unpaid", 100)).await {
        Err(error) if error.code() == Some(ErrorCode::RefundRefused) => {
            Summary::refused(&mut story.summary.refunds_refused, "not_paid");
        }
        other => return Err(unexpected(format!("an unpaid order was refunded: {other:?}"))),
    }
    carry_out_waiting_refund(story, order)?;
    story.summary.refunds_done += 1;
    Ok(())
}

/// Requests that no honest till sends.
pub async fn forged_requests(story: &mut Story) -> Result<(), RigError> {
    let raw = RawClient::new(&story.rig)?;
    let stranger = DeviceKey::generate().map_err(|error| unexpected(error.to_string()))?;
    let key_of =
        |device: &DeviceKey, id: &str| device.signing_key(id).map_err(|error| unexpected(error.to_string()));
    let till = other_till(story).await?;
    let key = key_of(&till.device, till.client.key_id())?;
    let order = till.sell_and_choose(100).await?;
    let mut refusals = Vec::new();
    for tamper in [Tamper::NoSignature, Tamper::OtherBody, Tamper::OtherPath, Tamper::MinutesOld(30)] {
        refusals.push(raw.terminal_status(&key, tamper).await?);
    }
    refusals.push(raw.terminal_status(&key_of(&stranger, "T0999:1")?, Tamper::Nothing).await?);
    let replays = raw.adoption_sent_times(&key, &order, 2).await?;
    if replays.first() != Some(&None) {
        return Err(unexpected(format!("an honest request was refused: {replays:?}")));
    }
    refusals.extend(replays.into_iter().skip(1));
    let mut pending = story.rig.pending_till("Till 3, never activated").await?;
    let sale = pending.sell(100)?;
    refusals.push(pending.draft(&sale).await.err().as_ref().and_then(ClientError::code));
    for code in refusals {
        let Some(code) = code else { return Err(unexpected("a forged request was taken")) };
        Summary::refused(&mut story.summary.requests_refused, code.word());
    }
    Ok(())
}

/// The second till is blocked too and asks for a number all the same.
pub async fn blocked_till_asks(story: &mut Story) -> Result<(), RigError> {
    let terminal = other_till(story).await?.enrolled.terminal;
    story.rig.block(terminal).await?;
    let till = other_till(story).await?;
    let sale = till.sell(100)?;
    let refused = till.draft(&sale).await.err().as_ref().and_then(ClientError::code);
    story.rig.unblock(terminal).await?;
    let Some(code @ ErrorCode::TerminalBlocked) = refused else {
        return Err(unexpected(format!("a blocked till's request was answered with {refused:?}")));
    };
    Summary::refused(&mut story.summary.requests_refused, code.word());
    Ok(())
}

/// The server's clock goes on by a day: what was sold before is yesterday's.
pub async fn refund_of_yesterday(story: &mut Story) -> Result<(), RigError> {
    let Some(order) = story.orders.get(2).copied() else { return Err(unexpected("there is no third order")) };
    story.rig.restart_server_ahead(1)?;
    let manager = story.rig.staff("li").await?;
    let refused = manager.ask_refund(&order, &ask("demo-late-1", 100)).await;
    story.rig.restart_server_ahead(0)?;
    match refused {
        Err(error) if error.code() == Some(ErrorCode::RefundRefused) => {
            Summary::refused(&mut story.summary.refunds_refused, "another_day");
        }
        other => return Err(unexpected(format!("yesterday's order was refunded: {other:?}"))),
    }
    story.till.wait_containing("Online", Duration::from_secs(60))?;
    Ok(())
}

/// What our books say of wallet payments, and what the wallet's say.
pub async fn compare_books(story: &mut Story) -> Result<(), RigError> {
    let ours = books::paid_orders(&story.rig)?;
    let doubled = books::doubled(&ours);
    story.summary.double_charges = u32::try_from(doubled.len()).unwrap_or(u32::MAX);
    let net = |order: &BookedOrder| order.paid_minor - order.refunded_minor;
    story.summary.books_net_minor = ours.iter().filter(|order| order.by_wallet).map(net).sum();
    let theirs = story.wallet().orders().await?;
    story.summary.wallet_net_minor = theirs.iter().map(crate::store_rig::WalletOrder::net_minor).sum();
    if !doubled.is_empty() || story.summary.books_net_minor != story.summary.wallet_net_minor {
        return Err(unexpected(format!(
            "our books say {}, the wallet's {}; doubled: {doubled:?}",
            story.summary.books_net_minor, story.summary.wallet_net_minor
        )));
    }
    Ok(())
}

/// The main screens once more, in Chinese and large, as a cashier would walk through them.
pub async fn tour_of_screens(story: &mut Story) -> Result<(), RigError> {
    story.till.tap("中文")?;
    story.till.wait("付款码")?;
    story.scan_goods_quietly(3)?;
    for (width, height) in [(1024, 768), (1920, 1080)] {
        story.till.size(width, height)?;
        story.shot(&format!("zh-cart-{width}"))?;
        story.till.tap("付款码")?;
        story.till.wait("请扫描顾客手机上的付款码")?;
        story.shot(&format!("zh-scan-code-{width}"))?;
        story.till.tap("返回收银")?;
        story.till.tap("现金")?;
        story.till.wait("确认现金收款")?;
        story.shot(&format!("zh-cash-{width}"))?;
        story.till.tap("返回收银")?;
    }
    story.till.tap("付款码")?;
    let code = story.wallet().code(crate::simulator::wechat::Behaviour::Pays).await?;
    story.till.scan(&code).map_err(RigError::from)?;
    story.till.wait_containing("下一单", Duration::from_secs(20))?;
    story.shot("zh-paid")?;
    story.summary.sales += 1;
    story.summary.paid_by_code += 1;
    story.take_receipt()?;
    story.till.tap("下一单")?;
    for (button, name) in [("退款", "zh-refunds"), ("订单", "zh-orders"), ("关于", "zh-about")] {
        story.till.tap(button)?;
        story.till.wait("返回")?;
        story.shot(name)?;
        story.till.tap("返回")?;
    }
    story.till.tap("English")?;
    story.till.wait("Payment code")?;
    Ok(story.till.size(1024, 768)?)
}
