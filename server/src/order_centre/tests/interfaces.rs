//! A wallet whose interface has two versions, and a setting between them that is switched while money is under way.

use super::refunding::carry_out;
use super::wallet::{Customer, Line};
use super::*;
use evertill_shared::id::Interface;
use evertill_shared::refund::RefundState;

const TWO: Interface = Interface(2);
const THREE: Interface = Interface(3);

fn called_by(shop: &Shop) -> Vec<Interface> {
    std::mem::take(&mut shop.wechat.books().called_by)
}

#[tokio::test]
async fn an_attempt_is_taken_back_by_the_version_that_it_was_made_by_also_after_the_setting_was_switched() {
    let shop = Shop::new();
    {
        let mut books = shop.wechat.books();
        (books.interface, books.customer, books.pay) =
            (THREE, Customer::MustTypeAPassword, Line::LosesAnswer);
    }
    let sold = shop.order(900).await;
    shop.pay(&sold, 1, "code-1").await.unwrap();
    assert_eq!(called_by(&shop), [THREE]);
    shop.wechat.books().interface = TWO;
    shop.pass(seconds(70)).await;
    assert_eq!(shop.state(&sold, 1).await, PaymentState::Reversed);
    let called = called_by(&shop);
    assert!(!called.is_empty() && called.iter().all(|version| *version == THREE), "{called:?}");
    // The next attempt is made as it is set up now.
    {
        let mut books = shop.wechat.books();
        (books.customer, books.pay) = (Customer::Pays, Line::Good);
    }
    assert_eq!(shop.pay(&sold, 2, "code-2").await.unwrap().state, PaymentState::Paid);
    assert_eq!(called_by(&shop), [TWO]);
    let stored = shop.rig.groups.payment(sold.number, 1).await.unwrap().payment.interface;
    assert_eq!(stored, THREE);
}

#[tokio::test]
async fn a_refund_goes_by_the_version_that_the_payment_was_made_by_and_so_does_each_question_about_it() {
    let shop = Shop::new();
    shop.wechat.books().interface = THREE;
    let sold = shop.order(900).await;
    assert_eq!(shop.pay(&sold, 1, "code-1").await.unwrap().state, PaymentState::Paid);
    called_by(&shop);
    {
        let mut books = shop.wechat.books();
        (books.interface, books.refund) = (TWO, Line::LosesAnswer);
    }
    let asked = shop.asked(&sold, 300, "request-1").await;
    carry_out(&shop, &asked).await.unwrap();
    shop.pass(seconds(10)).await;
    let record = shop.rig.groups.refund(sold.number, asked.refund.id).await.unwrap();
    assert_eq!(record.refund.state, RefundState::Done);
    let called = called_by(&shop);
    assert!(called.len() >= 2 && called.iter().all(|version| *version == THREE), "{called:?}");
}

#[tokio::test]
async fn what_was_paid_twice_goes_back_by_the_version_that_took_it() {
    let shop = Shop::new();
    {
        let mut books = shop.wechat.books();
        (books.interface, books.pay) = (THREE, Line::LosesRequest);
    }
    let sold = shop.order(900).await;
    shop.pay(&sold, 1, "code-1").await.unwrap();
    shop.wechat.books().interface = TWO;
    // The wallet knows nothing of it, so it is over; and it did arrive after all: the second look finds it paid.
    shop.pass(seconds(200)).await;
    let state = shop.state(&sold, 1).await;
    assert!(matches!(state, PaymentState::Reversed | PaymentState::Declined), "{state:?}");
    called_by(&shop);
    let number = ChannelNumber::new(store().id, sold.sale.key, 1);
    shop.wechat.books().payments.insert(number.as_str().to_owned(), (super::wallet::Standing::Paid, 900));
    shop.pass(seconds(400)).await;
    assert_eq!(shop.wechat.books().net(), 0, "it has gone back");
    let called = called_by(&shop);
    assert!(!called.is_empty() && called.iter().all(|version| *version == THREE), "{called:?}");
}
