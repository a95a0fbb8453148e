use super::super::{SaleFilter, Span, TenderTotal};
use super::shop::Shop;
use crate::order_group::RefundRecord;
use crate::order_group::lists::Standing;
use crate::order_group::testing::Till;
use evertill_shared::clock::Clock;
use evertill_shared::order_number::OrderNumber;
use std::time::Duration;

async fn found(shop: &Shop, filter: SaleFilter) -> Vec<OrderNumber> {
    let page = shop.view.page(filter.day, Some(filter)).await.unwrap();
    page.list.sales.into_iter().map(|sale| sale.number).collect()
}

pub async fn sales_are_found_by_number_till_amount_time_code_and_state(shop: Shop) {
    let (mut numbers, start) = (Vec::new(), shop.rig.clock.now());
    for minor in 1..=12 {
        numbers.push(shop.rig.cash_order(minor * 10).await);
        shop.rig.clock.advance(Duration::from_secs(60));
    }
    let paid = shop.wallet(500, 1).await;
    shop.rig.clock.advance(Duration::from_millis(5));
    let open = shop.wallet(500, 0).await;
    shop.rig.groups.reserve_refund(shop.ask(numbers[2], 5, 1)).await.unwrap();
    shop.settle().await;
    let all = SaleFilter::of_day(shop.day());
    let newest_first: Vec<_> = numbers.iter().rev().copied().collect();
    assert_eq!(found(&shop, all.clone()).await[2..], newest_first);

    let by_number = SaleFilter { number_part: Some(numbers[3].grouped()), ..all.clone() };
    assert_eq!(found(&shop, by_number).await, [numbers[3]]);
    let amounts = SaleFilter { total_minor: Span { from: Some(40), to: Some(60) }, ..all.clone() };
    assert_eq!(found(&shop, amounts).await, [numbers[5], numbers[4], numbers[3]]);
    let at = |minutes: u64| Some(start.plus(Duration::from_secs(60 * minutes)));
    let times = SaleFilter { created: Span { from: at(2), to: at(3) }, ..all.clone() };
    assert_eq!(found(&shop, times).await, [numbers[3], numbers[2]]);
    let since = SaleFilter { created: Span { from: at(11), to: None }, ..all.clone() };
    assert_eq!(found(&shop, since).await, [open, paid, numbers[11]]);
    let none = SaleFilter { terminal: Some(Till::new(2).terminal), ..all.clone() };
    assert!(found(&shop, none).await.is_empty());
    let refunded = SaleFilter { standing: Some(Standing::Refunded), ..all.clone() };
    assert_eq!(found(&shop, refunded).await, [numbers[2]]);
    let not_paid = SaleFilter { standing: Some(Standing::NotPaid), ..all.clone() };
    assert_eq!(found(&shop, not_paid).await, [open]);
    let goods = SaleFilter { codes: vec!["coffee".into(), "tea".into()], ..all.clone() };
    assert_eq!(found(&shop, goods).await.len(), 14);
    let other_goods = SaleFilter { codes: vec!["coffee".into()], ..all.clone() };
    assert!(found(&shop, other_goods).await.is_empty());
    let wallets = SaleFilter { codes: vec![format!("42{paid}")], ..all.clone() };
    assert_eq!(found(&shop, wallets).await, [paid]);
    let hostile = SaleFilter { codes: vec!["x') OR 1=1 --".into()], ..all.clone() };
    assert!(found(&shop, hostile).await.is_empty());

    let of = |login: &str| SaleFilter { cashier: Some(login.into()), ..all.clone() };
    let meis: Vec<_> = newest_first
        .iter()
        .copied()
        .filter(|number| numbers.iter().position(|n| n == number).unwrap() % 3 == 0)
        .collect();
    assert_eq!(found(&shop, of("mei")).await, meis);
    assert_eq!(found(&shop, of("")).await.len(), 4);
    assert_eq!(found(&shop, of("bo")).await.len(), 6);
    assert!(found(&shop, of("Mei' OR 1=1 --")).await.is_empty());

    let first = SaleFilter { most: 5, ..all.clone() };
    let page = shop.view.page(all.day, Some(first.clone())).await.unwrap().list;
    assert!(page.more && page.sales.len() == 5);
    let rest = SaleFilter { before: Some(page.sales[4].number), most: 20, ..first };
    assert_eq!(found(&shop, rest).await, newest_first[3..]);
    let yesterday = SaleFilter { day: all.day.previous(), ..all };
    assert!(found(&shop, yesterday).await.is_empty());
}

pub async fn a_wallets_number_finds_its_order_on_any_day(shop: Shop) {
    let number = shop.wallet(500, 1).await;
    shop.rig.clock.advance(Duration::from_secs(3 * 24 * 3600));
    shop.settle().await;
    let attempt = shop.rig.groups.payment(number, 1).await.unwrap().payment;
    for typed in [attempt.channel_number.to_string(), attempt.transaction.unwrap()] {
        assert_eq!(shop.view.by_wallet_number(typed).await.unwrap(), [number]);
    }
    assert!(shop.view.by_wallet_number("42".into()).await.unwrap().is_empty());
}

pub async fn a_day_is_added_up_by_cashier_and_a_stranger_is_marked(shop: Shop) {
    let mut last = None;
    for minor in [3, 30, 1, 10, 100, 2] {
        last = Some(shop.rig.cash_order(minor).await);
    }
    let open = shop.wallet(200, 0).await;
    let paid = shop.wallet(400, 1).await;
    shop.rig.groups.reserve_refund(shop.ask(paid, 50, 1)).await.unwrap();
    shop.settle().await;
    let page = shop.view.page(shop.day(), Some(SaleFilter::of_day(shop.day()))).await.unwrap();
    let sums: Vec<_> =
        page.cashiers.iter().map(|c| (&*c.login, &*c.name, c.orders, c.paid_minor, c.cash_minor)).collect();
    assert_eq!(sums, [("", "", 2, 33, 33), ("bo", "Bo", 1, 2, 2), ("mei", "Mei", 4, 511, 111)]);
    let served = |number| page.list.sales.iter().find(|s| s.number == number).unwrap().served_by.clone();
    assert!(
        !served(last.unwrap()).unwrap().on_staff,
        "Bo is not on the staff: the sale is there, and marked"
    );
    assert!(served(paid).unwrap().on_staff && !served(open).unwrap().on_staff);
    assert_eq!(page.totals.tenders.iter().map(|t| t.orders).sum::<u64>(), 7, "all of them count");
}

pub async fn what_went_back_counts_where_it_went_whatever_came_first(shop: Shop) {
    // 200 through the wallet, 100 in cash; all of it is asked back.
    let number = shop.wallet(300, 3).await;
    let record = shop.rig.groups.reserve_refund(shop.ask(number, 300, 1)).await.unwrap();
    let sums = async || {
        shop.settle().await;
        shop.check().await;
        let tenders = shop.view.page(shop.day(), None).await.unwrap().totals.tenders;
        let of = |sum: &TenderTotal| (sum.wallet.is_some(), sum.refunded_minor, sum.held_minor);
        tenders.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(sums().await, [(false, 0, 100), (true, 0, 200)]);
    // The cash at once, while the wallet's part waits.
    shop.go_on_with(&record, 1).await;
    assert_eq!(sums().await, [(false, 100, 100), (true, 0, 200)]);
    // The wallet refuses its part for good.
    shop.go_on_with(&RefundRecord { beside: None, ..record }, 3).await;
    assert_eq!(sums().await, [(false, 100, 100), (true, 0, 0)]);
    assert!(shop.view.rebuild(&shop.rig.groups, |_| {}).await.unwrap().differences.is_none());
    assert_eq!(sums().await, [(false, 100, 100), (true, 0, 0)]);
}
