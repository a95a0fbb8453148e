//! The script: one day in the shop, and what can go wrong in it.

use super::attacks;
use super::story::Story;
use super::summary::{Step, Summary};
use crate::process::wait_until;
use crate::simulator::printer::Paper;
use crate::simulator::wechat::Behaviour;
use crate::store_rig::{RigError, RigOptions, StoreRig};
use crate::window_till::WindowTill;
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::protocol::staff::AskRefund;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Runs the script. `Ok(true)` if every step did what it should.
/// # Errors
/// The shop does not come up at all.
pub async fn run_headless(out: &Path) -> Result<bool, RigError> {
    let start = SystemClock.monotonic();
    for folder in ["screens", "receipts"] {
        let path = out.join(folder);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).map_err(|error| RigError::File { path, error })?;
    }
    let shop = out.join("shop");
    let _ = fs::remove_dir_all(&shop);
    println!("bringing up the shop in {}", shop.display());
    let rig = StoreRig::open(&shop, RigOptions { figures: true, ..RigOptions::default() }).await?;
    let till = WindowTill::start(&rig, "till-1")?;
    let mut story = Story::new(rig, till, out);
    let bring_up = millis_since(start);
    story.summary.steps.push(Step { name: "bring up the shop".into(), wall_ms: bring_up, error: None });
    tell(&mut story).await;
    finish(&mut story, start, out)
}

macro_rules! steps {
    ($story:ident: $($name:literal => $step:expr),+ $(,)?) => {
        $(
            let start = SystemClock.monotonic();
            let result: Result<(), RigError> = $step.await;
            record($story, $name, start, result);
        )+
    };
}

async fn tell(story: &mut Story) {
    steps! { story:
        "the till registers and IT activates it" => register(story),
        "three goods scanned, paid by code" => sale_by_code(story),
        "cash, change, drawer" => cash(story),
        "touch alone: search, quantity, remove, void" => touch(story),
        "an unknown barcode, and goods at the tender screen" => odd_scans(story),
        "no funds, then another code pays" => declined(story),
        "a password takes a while" => password(story),
        "the wallet's reply is lost after the charge" => reply_lost(story),
        "a password is never typed: taken back, cash instead" => never_typed(story),
        "two of three order groups stop answering" => groups_fail(story),
        "the server is gone: cash goes on" => offline(story),
        "the printer runs out of paper" => no_paper(story),
        "kill -9 of the till, and on again" => power_cut(story),
        "refunds: whole, part, too much, unpaid" => refunds(story),
        "another till tries the refund" => attacks::refund_at_another_till(story),
        "forged, stale, replayed, unknown, pending requests" => attacks::forged_requests(story),
        "the screens in Chinese" => in_chinese(story),
        "yesterday's order" => attacks::refund_of_yesterday(story),
        "the till is blocked" => blocked(story),
        "the books against the wallet's own" => attacks::compare_books(story),
    }
}

fn record(story: &mut Story, name: &str, start: Duration, result: Result<(), RigError>) {
    let wall_ms = millis_since(start);
    let error = result.err().map(|error| error.to_string());
    match &error {
        None => println!("  {wall_ms:>6} ms  {name}"),
        Some(error) => {
            println!("  {wall_ms:>6} ms  {name}: WRONG: {error}");
            let _ = story.shot("wrong");
        }
    }
    story.summary.steps.push(Step { name: name.into(), wall_ms, error });
}

fn millis_since(start: Duration) -> u64 {
    u64::try_from(SystemClock.monotonic().saturating_sub(start).as_millis()).unwrap_or(u64::MAX)
}

fn finish(story: &mut Story, start: Duration, out: &Path) -> Result<bool, RigError> {
    let till = story.till.peak_kib();
    story.summary.peak_memory_kib.insert("till".into(), till);
    if let Some(server) = &mut story.rig.server {
        story.summary.peak_memory_kib.insert("server".into(), server.peak_kib());
    }
    story.rig.stop_server();
    let summary = &mut story.summary;
    summary.wall_ms = millis_since(start);
    summary.ok = summary.steps.iter().all(|step| step.error.is_none());
    let text = serde_json::to_string(&summary).map_err(|error| RigError::Unexpected(error.to_string()))?;
    let path = out.join("summary.json");
    fs::write(&path, &text).map_err(|error| RigError::File { path, error })?;
    println!("{text}");
    Ok(summary.ok)
}

fn expect(holds: bool, what: impl FnOnce() -> String) -> Result<(), RigError> {
    if holds { Ok(()) } else { Err(RigError::Unexpected(what())) }
}

async fn register(story: &mut Story) -> Result<(), RigError> {
    story.till.wait("Set up this till")?;
    story.shot("register")?;
    let code = story.rig.enrolment_code("Till 1, front").await?;
    story.till.tap("Enrolment code")?;
    story.till.type_text("AAAA-AAAA")?;
    story.till.tap("Register")?;
    story.till.wait_containing("The code is wrong", Duration::from_secs(10))?;
    story.shot("register-wrong-code")?;
    Summary::refused(&mut story.summary.requests_refused, "enrolment_refused");
    story.till.tap("Enrolment code")?;
    story.till.type_text(&"\u{8}".repeat(12))?;
    story.till.type_text(code.expose())?;
    story.till.tap("Register")?;
    story.till.wait("Waiting for activation")?;
    story.shot("waiting-for-activation")?;
    let shown = story.till.labels()?;
    let pending = story.rig.staff("it").await?.terminals().await?;
    let row = pending.into_iter().find(|row| row.name == "Till 1, front");
    let Some((row, fingerprint)) = row.and_then(|r| r.fingerprint.clone().map(|f| (r, f))) else {
        return Err(RigError::Unexpected("the server does not list the till".into()));
    };
    // What IT does: compare what the till shows with what the server has.
    let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    expect(shown.iter().any(|label| plain(label).contains(&plain(&fingerprint))), || {
        format!("the till does not show {fingerprint}; it shows {shown:?}")
    })?;
    story.rig.activate(row.terminal, &fingerprint).await?;
    story.terminal = Some(row.terminal);
    story.till.wait("Payment code")?;
    story.till.wait_containing("Online", Duration::from_secs(10))?;
    story.till.wait_containing("矿泉水", Duration::from_secs(10))?;
    story.shot("ready-to-sell")
}

async fn sale_by_code(story: &mut Story) -> Result<(), RigError> {
    story.scan_goods(3)?;
    story.shot("cart")?;
    story.till.tap("Payment code")?;
    story.till.wait("Scan the code on the customer's phone")?;
    story.shot("scan-the-customers-code")?;
    story.scan_customer(Behaviour::Pays).await?;
    story.till.wait_containing("Next sale", Duration::from_secs(20))?;
    story.shot("paid-by-code")?;
    story.summary.sales += 1;
    story.summary.paid_by_code += 1;
    let text = story.take_receipt()?;
    expect(text.contains("矿泉水"), || format!("the receipt has no Chinese text:\n{text}"))?;
    expect(story.orders.len() == 1, || "the receipt's QR code holds no order number".into())?;
    Ok(story.till.tap("Next sale")?)
}

async fn cash(story: &mut Story) -> Result<(), RigError> {
    story.sale_for_cash(2, Some("cash"))?;
    story.shot("cash-change")?;
    Ok(story.till.tap("Next sale")?)
}

async fn touch(story: &mut Story) -> Result<(), RigError> {
    story.till.tap("Search by name or code")?;
    story.till.type_text("rice")?;
    let rice = story.till.wait_containing("Rice 5 kg", Duration::from_secs(5))?;
    story.shot("search")?;
    story.till.tap(&rice)?;
    story.till.wait_containing("1 item", Duration::from_secs(5))?;
    let goods = story.till.wait_containing("Crisps", Duration::from_secs(5))?;
    story.till.tap(&goods)?;
    story.till.wait_containing("2 items", Duration::from_secs(5))?;
    let more = story.till.wait_containing("One more: ", Duration::from_secs(5))?;
    story.till.tap(&more)?;
    story.till.wait_containing("3 items", Duration::from_secs(5))?;
    let less = more.replace("One more: ", "One less: ");
    story.till.tap(&less)?;
    story.till.wait_containing("2 items", Duration::from_secs(5))?;
    story.till.tap(&more.replace("One more: ", "Remove: "))?;
    story.till.wait_containing("1 item", Duration::from_secs(5))?;
    story.till.tap("Void sale")?;
    story.till.wait("Yes, void it")?;
    story.shot("void")?;
    story.till.tap("Yes, void it")?;
    story.till.wait("Scan the first item").map_err(RigError::from)
}

async fn odd_scans(story: &mut Story) -> Result<(), RigError> {
    story.till.scan("6999999999994")?;
    story.till.wait_containing("Unknown barcode", Duration::from_secs(5))?;
    story.shot("unknown-barcode")?;
    // Noise on the line, then a scan that must not be lost.
    story
        .till
        .scanner
        .send_raw(&[0xff, 0x00, 0x1b, b'9', 0x80, b'\r', b'\n'])
        .map_err(|e| RigError::Unexpected(e.to_string()))?;
    story.scan_goods(1)?;
    story.till.tap("Payment code")?;
    story.till.wait("Scan the code on the customer's phone")?;
    story.till.scan(super::story::GOODS[1])?;
    story.till.wait_containing("goods barcode, not a payment code", Duration::from_secs(5))?;
    story.shot("goods-at-tender")?;
    story.scan_customer(Behaviour::Pays).await?;
    story.finish_code_sale(Duration::from_secs(20))
}

async fn declined(story: &mut Story) -> Result<(), RigError> {
    story.start_code_payment(1, Behaviour::NoFunds).await?;
    story.till.wait_containing("Declined", Duration::from_secs(15))?;
    story.shot("declined")?;
    story.summary.declined += 1;
    story.till.tap("Scan a payment code")?;
    story.scan_customer(Behaviour::Pays).await?;
    story.finish_code_sale(Duration::from_secs(20))
}

async fn password(story: &mut Story) -> Result<(), RigError> {
    story.start_code_payment(2, Behaviour::PasswordThenPays { after_ms: 2500 }).await?;
    story.till.wait_containing("typing the password", Duration::from_secs(10))?;
    story.shot("password")?;
    story.finish_code_sale(Duration::from_secs(20))
}

async fn reply_lost(story: &mut Story) -> Result<(), RigError> {
    // Charged; the reply and the answers to the first questions are lost.
    story
        .wallet()
        .switch(serde_json::json!({"next": {"query": ["reply_lost", "reply_lost", "reply_lost"]}}))
        .await?;
    story.start_code_payment(3, Behaviour::ReplyLost).await?;
    story.till.wait_containing("do not charge again", Duration::from_secs(10))?;
    story.shot("unknown")?;
    story.finish_code_sale(Duration::from_secs(30))?;
    story.summary.unknown_resolved += 1;
    Ok(())
}

async fn never_typed(story: &mut Story) -> Result<(), RigError> {
    story.start_code_payment(1, Behaviour::PasswordNever).await?;
    story.till.wait_containing("customer was not charged", Duration::from_secs(40))?;
    story.shot("taken-back")?;
    story.summary.unknown_resolved += 1;
    story.till.tap("Cash")?;
    story.till.wait("Confirm cash")?;
    let labels = story.till.labels()?;
    let exact = labels.iter().find(|label| label.starts_with("Given ¥")).cloned().unwrap_or_default();
    story.till.tap(&exact)?;
    story.till.tap("Confirm cash")?;
    story.till.wait("Next sale")?;
    story.summary.sales += 1;
    story.summary.paid_in_cash += 1;
    story.summary.drawer_openings += 1;
    story.take_receipt()?;
    Ok(story.till.tap("Next sale")?)
}

async fn groups_fail(story: &mut Story) -> Result<(), RigError> {
    let frozen = (story.rig.freeze_group(0)?, story.rig.freeze_group(1)?);
    // Which group is asked first is chance: four sales as a rule, and on until one has met a frozen group.
    for sale in 1..=24 {
        story.sale_by_code(1, Behaviour::Pays).await?;
        let tag = story.orders.last().map(|number| number.tag().get());
        expect(tag == Some(2), || format!("the order went to group {tag:?}, which does not answer"))?;
        story.summary.orders_jumped = attacks::jumps(story).await?;
        if sale >= 4 && story.summary.orders_jumped > 0 {
            break;
        }
    }
    drop(frozen);
    expect(story.summary.orders_jumped > 0, || "no order jumped".into())
}

async fn offline(story: &mut Story) -> Result<(), RigError> {
    story.rig.kill_server();
    story.till.wait_containing("Offline", Duration::from_secs(30))?;
    let before = attacks::till_sales(story)?;
    for _ in 0..3 {
        story.sale_for_cash(1, None)?;
        story.summary.offline_sales += 1;
        story.till.tap("Next sale")?;
    }
    story.till.wait_containing("3 sales not sent", Duration::from_secs(10))?;
    story.scan_goods(1)?;
    story.shot("offline")?;
    story.rig.start_server()?;
    story.till.wait_containing("Online", Duration::from_secs(60))?;
    story.till.wait_containing("All sales sent", Duration::from_secs(60))?;
    let arrived = attacks::arrived_once(story, &before).await?;
    story.summary.offline_arrived = arrived;
    expect(arrived == 3, || format!("{arrived} of 3 offline sales arrived once"))?;
    story.till.tap("Cash")?;
    story.till.wait("Confirm cash")?;
    story.till.tap("Back to the sale")?;
    story.till.tap("Payment code")?;
    story.scan_customer(Behaviour::Pays).await?;
    story.finish_code_sale(Duration::from_secs(20))
}

async fn no_paper(story: &mut Story) -> Result<(), RigError> {
    story.till.printer.set_paper(Paper::Out);
    story.start_code_payment(1, Behaviour::Pays).await?;
    story.till.wait("Next sale")?;
    story.till.wait_containing("did not come out", Duration::from_secs(20))?;
    story.shot("no-paper")?;
    story.summary.sales += 1;
    story.summary.paid_by_code += 1;
    story.till.printer.set_paper(Paper::Plenty);
    story.till.wait_containing("Print", Duration::from_secs(10))?;
    let labels = story.till.labels()?;
    let print = if labels.iter().any(|l| l == "Print receipt") { "Print receipt" } else { "Print a copy" };
    story.till.tap(print)?;
    story.take_receipt()?;
    Ok(story.till.tap("Next sale")?)
}

async fn power_cut(story: &mut Story) -> Result<(), RigError> {
    // The plug is pulled while the customer types the password; the till comes back and knows.
    story.start_code_payment(1, Behaviour::PasswordThenPays { after_ms: 3000 }).await?;
    story.till.wait_containing("typing the password", Duration::from_secs(10))?;
    story.till.power_cut();
    story.till.power_on()?;
    story.finish_code_sale(Duration::from_secs(40))?;
    story.summary.unknown_resolved += 1;
    Ok(())
}

async fn refunds(story: &mut Story) -> Result<(), RigError> {
    let Some(first) = story.orders.first().copied() else {
        return Err(RigError::Unexpected("there is no order to refund".into()));
    };
    let manager = story.rig.staff("li").await?;
    let ask = |request: &str, minor| AskRefund {
        request: request.into(),
        amount: Amount::new(minor, Currency::CNY),
        reason: "the customer brought it back".into(),
    };
    story.wallet().switch(serde_json::json!({"refund_spacing_ms": 0})).await?;
    for (request, minor) in [("demo-part-1", 200), ("demo-rest-1", 650)] {
        manager.ask_refund(&first, &ask(request, minor)).await?;
        story.till.wait_containing("Refunds", Duration::from_secs(15))?;
        attacks::carry_out_waiting_refund(story, first)?;
        story.summary.refunds_done += 1;
    }
    let refused = manager.ask_refund(&first, &ask("demo-over-1", 1)).await;
    let Err(refused) = refused else {
        return Err(RigError::Unexpected("more than was paid could be refunded".into()));
    };
    Summary::refused(&mut story.summary.refunds_refused, "too_much");
    expect(refused.to_string().contains("left"), || format!("the refusal does not say why: {refused}"))
}

async fn in_chinese(story: &mut Story) -> Result<(), RigError> {
    attacks::tour_of_screens(story).await
}

async fn blocked(story: &mut Story) -> Result<(), RigError> {
    let Some(terminal) = story.terminal else {
        return Err(RigError::Unexpected("the till was never activated".into()));
    };
    story.rig.block(terminal).await?;
    story.till.wait_containing("This till is blocked", Duration::from_secs(30))?;
    story.shot("blocked")?;
    attacks::blocked_till_asks(story).await?;
    story.rig.unblock(terminal).await?;
    let till = &mut story.till;
    let back = wait_until(Duration::from_secs(30), || {
        till.labels().is_ok_and(|labels| labels.iter().any(|label| label == "Payment code"))
    });
    expect(back, || "the till does not come back after the block was lifted".into())
}
