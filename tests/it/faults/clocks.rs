//! Clocks that step while requests are on their way: the till's, the server's, by hours and by a day.

use crate::shop::{Shop, is_paid, settled, shop_with};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::payment::PaymentState;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::staff::AskRefund;
use evertill_tests::rig::turned_clock::ClockHand;
use evertill_tests::scripted_till::ScriptedTill;
use evertill_tests::simulator::wechat::Behaviour;
use evertill_tests::store_rig::RigOptions;
use std::sync::Arc;
use std::time::Duration;

const HOUR: i64 = 60 * 60 * 1_000;
const DAY: i64 = 24 * HOUR;

struct Clocks {
    shop: Shop,
    server: ClockHand,
    till: ClockHand,
}

async fn clocks(name: &str) -> Clocks {
    let mut hands = None;
    let shop = shop_with(name, |place| {
        let server = ClockHand::new(&place.dir().join("server.clock")).unwrap();
        let till = ClockHand::new(&place.dir().join("till.clock")).unwrap();
        let clock_file = Some(server.file().to_path_buf());
        hands = Some((server, till));
        RigOptions { clock_file, ..RigOptions::default() }
    })
    .await;
    let (server, till) = hands.unwrap();
    Clocks { shop, server, till }
}

impl Clocks {
    /// A till whose clock is under our hand.
    async fn till(&self) -> ScriptedTill {
        let rig = &self.shop.rig;
        let code = rig.enrolment_code("Till").await.unwrap();
        let till =
            ScriptedTill::enrol_by(rig.client_config(), &code, Arc::new(self.till.clock())).await.unwrap();
        rig.activate(till.enrolled.terminal, &till.device.fingerprint()).await.unwrap();
        till
    }

    async fn ask_refund(
        &self,
        number: evertill_shared::order_number::OrderNumber,
        request: &str,
    ) -> Result<evertill_shared::refund::Refund, Option<ErrorCode>> {
        // Sessions end by the server's clock: logged in anew each time.
        let manager = self.shop.rig.staff("li").await.unwrap();
        let amount = Amount::new(100, Currency::CNY);
        let ask = AskRefund { request: request.into(), amount, reason: "brought back".into() };
        manager.ask_refund(&number, &ask).await.map_err(|error| error.code())
    }
}

async fn sell_by_code(clocks: &Clocks, till: &mut ScriptedTill) {
    let order = till.sell_and_choose(600).await.unwrap();
    let code = clocks.shop.rig.wallet_control().code(Behaviour::Pays).await.unwrap();
    let view = till.pay(&order, 1, &code).await.unwrap();
    assert!(is_paid(&view) || is_paid(&settled(till, order.number, 1).await), "{view:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_both_ways_a_till_sells_on_whenever_its_clock_or_the_servers_steps() {
    let clocks = clocks("clock-signatures").await;
    let mut till = clocks.till().await;
    sell_by_code(&clocks, &mut till).await;
    for (till_ms, server_ms) in [
        (3 * HOUR, 0),
        (-5 * HOUR, 0),
        (DAY, 0),
        (0, 0),
        (0, 2 * HOUR),
        (-2 * HOUR, 4 * HOUR),
        (0, DAY),
        (DAY, 0),
    ] {
        // Between the number and the payment, as clocks do not wait for the end of a sale.
        let order = till.sell_and_choose(500).await.unwrap();
        clocks.till.turn(till_ms).unwrap();
        clocks.server.turn(server_ms).unwrap();
        let code = clocks.shop.rig.wallet_control().code(Behaviour::Pays).await.unwrap();
        let view = till.pay(&order, 1, &code).await;
        assert!(view.is_ok(), "till {till_ms} ms, server {server_ms} ms: {view:?}");
        assert!(is_paid(&settled(&till, order.number, 1).await), "till {till_ms} ms, server {server_ms} ms");
        sell_by_code(&clocks, &mut till).await;
        assert_eq!(till.hand_in(0).await.unwrap().head, till.head());
    }
    clocks.shop.books_agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn known_or_unknown_a_payment_ends_in_time_whichever_way_the_servers_clock_steps_under_it() {
    let clocks = clocks("clock-payments").await;
    let mut till = clocks.till().await;
    let wallet = clocks.shop.rig.wallet_control();
    for step in [-DAY, DAY, -3 * HOUR, 3 * HOUR] {
        clocks.server.turn(0).unwrap();
        let types = till.sell_and_choose(700).await.unwrap();
        let never = till.sell_and_choose(900).await.unwrap();
        let code = wallet.code(Behaviour::PasswordThenPays { after_ms: 1_200 }).await.unwrap();
        assert_eq!(till.pay(&types, 1, &code).await.unwrap().state, PaymentState::Waiting);
        let code = wallet.code(Behaviour::PasswordNever).await.unwrap();
        assert_eq!(till.pay(&never, 1, &code).await.unwrap().state, PaymentState::Waiting);
        tokio::time::sleep(Duration::from_millis(300)).await;
        clocks.server.turn(step).unwrap();
        // `settled` waits for 40 seconds at most; without a step it is 10.
        let view = settled(&till, never.number, 1).await;
        assert_eq!(view.state, PaymentState::Reversed, "step {step}: {view:?}");
        let view = settled(&till, types.number, 1).await;
        // A deadline that a clock jumped over may take the payment back; back is back, paid is paid.
        if step < 0 {
            assert!(is_paid(&view), "step {step}: {view:?}");
        }
    }
    clocks.shop.books_agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn same_till_same_day_the_business_day_is_decided_once_and_by_the_servers_clock() {
    let clocks = clocks("clock-days").await;
    let mut till = clocks.till().await;
    let order = till.sell_and_choose(600).await.unwrap();
    let day = till.order(order.number).await.unwrap().business_day;
    // Midnight passes between the number and the money; the till's own clock says what it likes.
    clocks.server.turn(DAY).unwrap();
    clocks.till.turn(-20 * HOUR).unwrap();
    let code = clocks.shop.rig.wallet_control().code(Behaviour::Pays).await.unwrap();
    till.pay(&order, 1, &code).await.unwrap();
    assert!(is_paid(&settled(&till, order.number, 1).await));
    assert_eq!(till.order(order.number).await.unwrap().business_day, day, "decided twice");

    // By the server's clock that was yesterday.
    let refused = clocks.ask_refund(order.number, "refund-tomorrow").await.unwrap_err();
    assert_eq!(refused, Some(ErrorCode::RefundRefused));
    // It was wrong, and is set right: today after all. Asked for on the day, it may be carried out later.
    clocks.server.turn(0).unwrap();
    let refund = clocks.ask_refund(order.number, "refund-today").await.unwrap();
    clocks.server.turn(HOUR).unwrap();
    till.carry_out(order.number, &refund.id, refund.amount).await.unwrap();
    // Backwards too: to a day on which the order was not sold yet.
    clocks.server.turn(-2 * DAY).unwrap();
    let refused = clocks.ask_refund(order.number, "refund-day-before").await.unwrap_err();
    assert_eq!(refused, Some(ErrorCode::RefundRefused));
    clocks.server.turn(0).unwrap();
    clocks.shop.books_agree().await;
    assert_eq!(till.order(order.number).await.unwrap().business_day, day);
}
