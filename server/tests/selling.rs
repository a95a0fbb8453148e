//! Sales, payments and refunds over the wire: a real server, real TLS, real signatures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

#[path = "http/rig.rs"]
mod rig;
#[path = "http/sale.rs"]
mod sale;
#[path = "http/till_refunds.rs"]
mod till_refunds;

use evertill_shared::clock::Clock;
use evertill_shared::id::{ChannelNumber, SaleKey};
use evertill_shared::journal::{Body, Head, SignedEntry};
use evertill_shared::money::Currency;
use evertill_shared::order::line::{Line, TaxRate};
use evertill_shared::order::{OrderState, PaidBy, Sale};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::{DeclineReason, PaymentState};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::orders::{
    AdoptOrder, CreateDraft, DraftCreated, OrderView, PaymentView, ShowCode, StartPayment, TakeBack,
};
use evertill_shared::protocol::path;
use evertill_shared::protocol::refunds::{CarryOutRefund, RefundInbox};
use evertill_shared::protocol::staff::{AskRefund, TerminalChange, path as staff_path};
use evertill_shared::protocol::terminal::{HandIn, HandedIn, TerminalStatus};
use evertill_shared::refund::{Refund, RefundState};
use evertill_shared::secret::AuthCode;
use evertill_shared::terminal_state::TerminalState;
use evertill_shared::wallet::Wallet;
use rig::{Server, Store, Till};
use sale::{Sold, adopt, at, cny, requested, sell, shop, write};

async fn block(server: &Server, till: &Till) {
    let it = server.log_in("ivy").await;
    let change = TerminalChange::Block { reason: "stolen".into() };
    assert_eq!(server.change(&it, till.terminal, &change).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cash_sale_is_numbered_chosen_paid_and_seen_by_its_own_till_only() {
    let (_store, server, mut till, other) = shop().await;
    let sold = sell(&server, &mut till, 500).await;
    let view: OrderView = adopt(&server, &mut till, &sold, Some(500)).await.json();
    assert_eq!((view.state, view.total, view.quarantined), (OrderState::Paid, cny(500), false));
    assert!(matches!(view.paid_by, Some(PaidBy::Cash { .. })));
    let order = at(path::ORDER, sold.number);
    assert_eq!(server.get(&till.key, &order).await.json::<OrderView>(), view);
    assert_eq!(server.get(&other.key, &order).await.code(), ErrorCode::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tills_sale_cannot_be_adopted_and_a_changed_one_is_a_fork() {
    let (_store, server, mut till, mut other) = shop().await;
    let sold = sell(&server, &mut till, 500).await;
    assert_eq!(adopt(&server, &mut other, &sold, None).await.code(), ErrorCode::BadRequest);
    // The other till chooses that number for a sale of its own.
    let mut stolen = sell(&server, &mut other, 700).await;
    stolen.adopted = write(&server, &mut other, Body::Adopted { sale: stolen.sequence, number: sold.number });
    stolen.number = sold.number;
    assert_eq!(adopt(&server, &mut other, &stolen, None).await.code(), ErrorCode::Conflict);
    // The till's disk is put back, and it sells something else under the same name.
    till.head = Head { sequence: sold.sequence - 1, ..till.head };
    let line = Line::new("gold".into(), "Gold".into(), 1, cny(900), TaxRate(0)).unwrap();
    let store = 7_u32.try_into().unwrap();
    let sale = Sale::new(store, server.clock.now(), Currency::CNY, vec![line]).unwrap();
    let request = AdoptOrder {
        sale: write(&server, &mut till, Body::Sale(sale)),
        adopted: sold.adopted.clone(),
        cash: None,
        cash_part: None,
    };
    let came = server.ask(&till.key, "POST", &at(path::ADOPT, sold.number), Some(&request)).await;
    assert_eq!(came.code(), ErrorCode::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_till_starts_nothing_and_its_cash_sales_wait_for_a_person() {
    let (_store, server, mut till, _) = shop().await;
    let (cash, code) = (sell(&server, &mut till, 500).await, sell(&server, &mut till, 600).await);
    block(&server, &till).await;
    let draft = CreateDraft { sale: cash.sale.clone() };
    let came = server.ask(&till.key, "POST", path::DRAFTS, Some(&draft)).await;
    assert_eq!(came.code(), ErrorCode::TerminalBlocked);
    assert_eq!(adopt(&server, &mut till, &code, None).await.code(), ErrorCode::TerminalBlocked);
    let payment = StartPayment {
        requested: requested(&server, &mut till, &code, 600),
        sale: code.sale.clone(),
        adopted: code.adopted.clone(),
        cash_part: None,
        auth_code: AuthCode::new("134567890123456789".into()),
    };
    let came = server.ask(&till.key, "POST", &at(path::PAYMENTS, code.number), Some(&payment)).await;
    assert_eq!(came.code(), ErrorCode::TerminalBlocked);
    assert_eq!(server.get(&till.key, path::REFUNDS).await.code(), ErrorCode::TerminalBlocked);
    let view: OrderView = adopt(&server, &mut till, &cash, Some(500)).await.json();
    assert_eq!((view.state, view.quarantined), (OrderState::Paid, true));
    assert!(TerminalState::Blocked.upload_is_quarantined());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_through_a_wallet_that_is_not_set_up_is_surely_not_made() {
    let (_store, server, mut till, other) = shop().await;
    let sold = sell(&server, &mut till, 500).await;
    let payment = StartPayment {
        requested: requested(&server, &mut till, &sold, 500),
        sale: sold.sale.clone(),
        adopted: sold.adopted.clone(),
        cash_part: None,
        auth_code: AuthCode::new("134567890123456789".into()),
    };
    let payments = at(path::PAYMENTS, sold.number);
    let view: PaymentView = server.ask(&till.key, "POST", &payments, Some(&payment)).await.json();
    assert_eq!(view.state, PaymentState::Declined);
    assert_eq!(view.reason, Some(DeclineReason::ChannelUnreachable));
    let one = at(path::PAYMENT, sold.number).replace("{attempt}", "1");
    assert_eq!(server.get(&till.key, &one).await.json::<PaymentView>().state, PaymentState::Declined);
    assert_eq!(server.get(&other.key, &one).await.code(), ErrorCode::NotFound);
    // The same again, signed anew, is only looked at.
    let again: PaymentView = server.ask(&till.key, "POST", &payments, Some(&payment)).await.json();
    assert_eq!(again.state, PaymentState::Declined);
    // An amount that the till did not sign for is no payment.
    let wrong = StartPayment { requested: requested(&server, &mut till, &sold, 499), ..payment };
    assert_eq!(server.ask(&till.key, "POST", &payments, Some(&wrong)).await.code(), ErrorCode::BadRequest);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_never_arrived_can_be_taken_back_with_its_entries_only() {
    let (_store, server, mut till, _) = shop().await;
    let sold = sell(&server, &mut till, 500).await;
    let take_back = at(path::TAKE_BACK, sold.number).replace("{attempt}", "1");
    let bare = server.ask::<()>(&till.key, "POST", &take_back, None).await;
    assert_eq!(bare.code(), ErrorCode::NotFound);
    let requested = requested(&server, &mut till, &sold, 500);
    let (sale, adopted) = (sold.sale.clone(), sold.adopted.clone());
    let request = TakeBack { sale, adopted, requested, cash_part: None };
    let view: PaymentView = server.ask(&till.key, "POST", &take_back, Some(&request)).await.json();
    assert_eq!(view.state, PaymentState::Reversing);
    let bare: PaymentView = server.ask::<()>(&till.key, "POST", &take_back, None).await.json();
    assert_eq!(bare.state, PaymentState::Reversing);
}

/// The till asks a wallet for 300 of 500, and says that 200 is in its drawer.
fn rest_requested(server: &Server, till: &mut Till, sold: &Sold) -> SignedEntry {
    let key = SaleKey { terminal: till.terminal, epoch: 1, sequence: sold.sequence };
    let body = Body::RestRequested {
        sale: sold.sequence,
        number: sold.number,
        attempt: 1,
        wallet: Wallet::WeChatPay,
        channel_number: ChannelNumber::new(7_u32.try_into().unwrap(), key, 1),
        amount: cny(300),
        cash: cny(200),
    };
    write(server, till, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_of_a_sale_is_taken_only_with_the_entry_that_took_the_part() {
    let (_store, server, mut till, _) = shop().await;
    let sold = sell(&server, &mut till, 500).await;
    let part =
        write(&server, &mut till, Body::CashPart { sale: sold.sequence, amount: cny(200), cashier: None });
    let requested = rest_requested(&server, &mut till, &sold);
    let (sale, adopted) = (sold.sale.clone(), sold.adopted.clone());
    let auth_code = AuthCode::new("134567890123456789".into());
    let body = Body::CashRest { sale: sold.sequence, given: cny(300), change: cny(0), part: cny(200) };
    let cash = Some(write(&server, &mut till, body));
    let late =
        write(&server, &mut till, Body::CashPart { sale: sold.sequence, amount: cny(200), cashier: None });
    let start = StartPayment {
        sale: sale.clone(),
        adopted: adopted.clone(),
        requested: requested.clone(),
        cash_part: None,
        auth_code,
    };
    let show = ShowCode {
        sale: sale.clone(),
        adopted: adopted.clone(),
        requested: requested.clone(),
        cash_part: None,
    };
    let take_back = TakeBack { sale: sale.clone(), adopted: adopted.clone(), requested, cash_part: None };
    let upload = AdoptOrder { sale, adopted, cash, cash_part: None };
    let (paying, showing) = (at(path::PAYMENTS, sold.number), at(path::SHOWN, sold.number));
    let taking_back = at(path::TAKE_BACK, sold.number).replace("{attempt}", "1");
    let adopting = at(path::ADOPT, sold.number);
    for wrong in [None, Some(late)] {
        let start = StartPayment { cash_part: wrong.clone(), ..start.clone() };
        let show = ShowCode { cash_part: wrong.clone(), ..show.clone() };
        let take_back = TakeBack { cash_part: wrong.clone(), ..take_back.clone() };
        let upload = AdoptOrder { cash_part: wrong, ..upload.clone() };
        let refused = [
            server.ask(&till.key, "POST", &paying, Some(&start)).await.code(),
            server.ask(&till.key, "POST", &showing, Some(&show)).await.code(),
            server.ask(&till.key, "POST", &taking_back, Some(&take_back)).await.code(),
            server.ask(&till.key, "POST", &adopting, Some(&upload)).await.code(),
        ];
        assert_eq!(refused, [ErrorCode::BadRequest; 4]);
    }
    let order = server.app().groups.order(sold.number).await.unwrap();
    assert_eq!((order.summary.state, order.payments.len()), (OrderState::Draft, 0), "nothing was begun");
    let start = StartPayment { cash_part: Some(part.clone()), ..start };
    let view: PaymentView = server.ask(&till.key, "POST", &paying, Some(&start)).await.json();
    assert_eq!((view.state, view.amount), (PaymentState::Declined, cny(300)), "no wallet is set up here");
    let upload = AdoptOrder { cash_part: Some(part), ..upload };
    let view: OrderView = server.ask(&till.key, "POST", &adopting, Some(&upload)).await.json();
    assert_eq!(view.paid_by, Some(PaidBy::Cash { given: cny(500), change: cny(0) }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_refunds_and_only_the_till_that_sold_gives_the_money_back() {
    let (_store, server, mut till, mut other) = shop().await;
    let sold = sell(&server, &mut till, 500).await;
    adopt(&server, &mut till, &sold, Some(500)).await.json::<OrderView>();
    let max = server.log_in("max").await;
    let ask = |request: &str, minor| AskRefund {
        request: request.into(),
        amount: cny(minor),
        reason: "too cold".into(),
    };
    let refunds = at(staff_path::REFUNDS, sold.number);
    let refund: Refund = server.staff("POST", &refunds, Some(&max), &ask("request-1", 200)).await.json();
    let same: Refund = server.staff("POST", &refunds, Some(&max), &ask("request-1", 200)).await.json();
    assert_eq!((refund.state, &refund.id), (RefundState::Reserved, &same.id));
    let over = server.staff("POST", &refunds, Some(&max), &ask("request-2", 301)).await;
    assert_eq!(over.code(), ErrorCode::RefundRefused);
    let short = server.staff("POST", &refunds, Some(&max), &ask("r", 1)).await;
    assert_eq!(short.code(), ErrorCode::BadRequest);

    let inbox: RefundInbox = server.get(&till.key, path::REFUNDS).await.json();
    assert_eq!((inbox.refunds.len(), inbox.groups_unreachable), (1, 0));
    assert!(server.get(&other.key, path::REFUNDS).await.json::<RefundInbox>().refunds.is_empty());
    let one = at(path::REFUND, sold.number).replace("{refund}", &refund.id.0);
    assert_eq!(server.get(&other.key, &one).await.code(), ErrorCode::RefundRefused);
    for (who, taken) in [(&mut other, false), (&mut till, true)] {
        let body = Body::RefundCarriedOut {
            refund: refund.id.clone(),
            number: sold.number,
            amount: cny(200),
            cashier: None,
        };
        let carried_out = write(&server, who, body);
        let came = server.ask(&who.key, "POST", &one, Some(&CarryOutRefund { carried_out })).await;
        if taken {
            assert_eq!(came.json::<Refund>().state, RefundState::Done);
        } else {
            assert_eq!(came.code(), ErrorCode::RefundRefused);
        }
    }
    assert_eq!(server.get(&till.key, &one).await.json::<Refund>().state, RefundState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_till_put_back_to_an_older_image_sells_nothing_under_a_name_that_was_used() {
    let store = Store::new();
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let mut till = server.active_till(&it, 1).await;
    let opened = till.write(0);
    let image = till.head;
    let sold = sell(&server, &mut till, 500).await;
    let entries = vec![opened, sold.sale, sold.adopted];
    let taken = server.ask(&till.key, "POST", path::JOURNAL, Some(&HandIn { entries })).await;
    assert_eq!(taken.json::<HandedIn>().head, till.head);
    // The disk is put back. The same name would be charged under the same number at the wallet, where it is
    // another sale's; the group that the draft goes to may never have heard of that one.
    till.head = image;
    let line = Line::new("gold".into(), "Gold".into(), 1, cny(900), TaxRate(0)).unwrap();
    let sale = Sale::new(7_u32.try_into().unwrap(), server.clock.now(), Currency::CNY, vec![line]).unwrap();
    let sale = write(&server, &mut till, Body::Sale(sale));
    let number = OrderNumber::new(server.clock.now(), 5, 1_u8.try_into().unwrap()).unwrap();
    let sequence = till.head.sequence;
    let adopted = write(&server, &mut till, Body::Adopted { sale: sequence, number });
    let forked = Sold { number, sequence, sale, adopted };
    let payment = StartPayment {
        requested: requested(&server, &mut till, &forked, 900),
        sale: forked.sale.clone(),
        adopted: forked.adopted.clone(),
        cash_part: None,
        auth_code: AuthCode::new("134567890123456789".into()),
    };
    let came = server.ask(&till.key, "POST", &at(path::PAYMENTS, number), Some(&payment)).await;
    assert_eq!(came.code(), ErrorCode::ChainBroken);
    let status: TerminalStatus = server.get(&till.key, path::TERMINAL).await.json();
    assert_eq!(status.state, TerminalState::Blocked);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sold_under_an_old_key_is_taken_and_nothing_is_charged_under_it() {
    let store = Store::new();
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let mut till = server.active_till(&it, 1).await;
    let opened = till.write(0);
    let (cash, code) = (sell(&server, &mut till, 500).await, sell(&server, &mut till, 600).await);
    let requested = requested(&server, &mut till, &code, 600);
    let body = Body::CashTaken { sale: cash.sequence, given: cny(500), change: cny(0) };
    let taken = write(&server, &mut till, body);
    // The till gets a new key.
    let new = evertill_shared::signing::SigningKey::from_seed(&[77; 32], "T0001:2".into()).unwrap();
    let base = rusqlite::Connection::open(store.dir.path().join("data/base.db")).unwrap();
    base.execute("INSERT INTO terminal_keys VALUES (1, 2, ?1, 0)", [new.public().to_string()]).unwrap();
    base.execute("UPDATE terminals SET epoch = 2", []).unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;

    let upload = AdoptOrder { sale: cash.sale, adopted: cash.adopted, cash: Some(taken), cash_part: None };
    let adopt_it = at(path::ADOPT, cash.number);
    let old_key = server.ask(&till.key, "POST", &adopt_it, Some(&upload)).await;
    assert_eq!(old_key.code(), ErrorCode::TerminalUnknown);
    let view: OrderView = server.ask(&new, "POST", &adopt_it, Some(&upload)).await.json();
    assert_eq!((view.state, view.sale.epoch), (OrderState::Paid, 1));
    let entries = vec![opened, upload.sale];
    let handed: HandedIn = server.ask(&new, "POST", path::JOURNAL, Some(&HandIn { entries })).await.json();
    assert_eq!((handed.head.epoch, handed.head.sequence), (1, 2));

    let payment = StartPayment {
        requested,
        sale: code.sale.clone(),
        adopted: code.adopted.clone(),
        cash_part: None,
        auth_code: AuthCode::new("134567890123456789".into()),
    };
    let came = server.ask(&new, "POST", &at(path::PAYMENTS, code.number), Some(&payment)).await;
    assert_eq!(came.code(), ErrorCode::BadRequest);
    let draft = CreateDraft { sale: code.sale };
    assert_eq!(server.ask(&new, "POST", path::DRAFTS, Some(&draft)).await.code(), ErrorCode::BadRequest);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_whose_entry_the_till_did_not_sign_is_never_adopted_charged_or_counted() {
    let (_store, server, mut till, _) = shop().await;
    let line = Line::new("tea".into(), "Tea".into(), 1, cny(500), TaxRate(1300)).unwrap();
    let sale = Sale::new(7_u32.try_into().unwrap(), server.clock.now(), Currency::CNY, vec![line]).unwrap();
    let mut sale = write(&server, &mut till, Body::Sale(sale));
    let sequence = till.head.sequence;
    sale.signature = write(&server, &mut till, Body::SaleVoided { sale: 1 }).signature;
    let request = CreateDraft { sale: sale.clone() };
    let draft: DraftCreated = server.ask(&till.key, "POST", path::DRAFTS, Some(&request)).await.json();
    let number = draft.number;
    let adopted = write(&server, &mut till, Body::Adopted { sale: sequence, number });
    let sold = Sold { number, sequence, sale: sale.clone(), adopted: adopted.clone() };
    assert_eq!(adopt(&server, &mut till, &sold, None).await.code(), ErrorCode::BadRequest);
    assert_eq!(adopt(&server, &mut till, &sold, Some(500)).await.code(), ErrorCode::BadRequest);
    let requested = requested(&server, &mut till, &sold, 500);
    let auth_code = AuthCode::new("134567890123456789".into());
    let payment = StartPayment { requested, sale, adopted, cash_part: None, auth_code };
    let came = server.ask(&till.key, "POST", &at(path::PAYMENTS, number), Some(&payment)).await;
    assert_eq!(came.code(), ErrorCode::BadRequest);
    let order = server.app().groups.order(number).await.unwrap();
    assert_eq!((order.summary.state, order.payments.len()), (OrderState::Draft, 0));
    assert!(!order.summary.paid.is_positive());
}
