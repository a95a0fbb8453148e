//! IT blocks the till while something is going on at it.

use super::desk::{Desk, GOODS, seconds};
use evertill_tests::process::wait_until;
use evertill_tests::simulator::wechat::Behaviour;

#[tokio::test(flavor = "multi_thread")]
async fn a_block_stops_the_till_and_loses_neither_the_cart_nor_a_payment_under_way() {
    let mut desk = Desk::open().await;
    let terminal = desk.terminal;
    // Goods in the cart.
    desk.goods(3);
    desk.rig.block(terminal).await.unwrap();
    desk.sees("This till is blocked", 20);
    desk.sees("Use another till.", 1);
    desk.till.scan(GOODS[0]).unwrap();
    assert!(!desk.shows("Void sale"), "it can be sold at behind the page");
    desk.rig.unblock(terminal).await.unwrap();
    desk.till.wait("3 items").unwrap();
    desk.sees("cash and payment codes work", 20);
    desk.tap("Payment code");
    desk.customer(Behaviour::Pays).await;
    desk.paid(20);
    desk.next_sale();

    // A customer is typing the password: the server sees it through, whatever happens to the till.
    desk.choose_code(1);
    desk.customer(Behaviour::PasswordThenPays { after_ms: 4_000 }).await;
    desk.sees("typing the password", 15);
    desk.rig.block(terminal).await.unwrap();
    desk.sees("This till is blocked", 20);
    let finished = wait_until(seconds(40), || desk.booked().len() == 2);
    assert!(finished, "the server left the payment: {:?}", desk.booked());
    assert_eq!(desk.wallet_net().await, 850 + 200);
    assert!(desk.shows("This till is blocked"));
    desk.rig.unblock(terminal).await.unwrap();
    desk.paid(30);
    desk.next_sale();

    // Switched off and on while blocked: still blocked, and whole again afterwards.
    desk.rig.block(terminal).await.unwrap();
    desk.sees("This till is blocked", 20);
    desk.power_cycle();
    desk.sees("This till is blocked", 30);
    desk.rig.unblock(terminal).await.unwrap();
    desk.till.wait("Scan the first item").unwrap();
    desk.sell_for_cash(1);
    desk.next_sale();
    let journal = desk.books_agree().await;
    assert_eq!(journal.len(), 3);
    assert!(desk.originals().values().all(|count| *count == 1), "{:?}", desk.originals());
}
