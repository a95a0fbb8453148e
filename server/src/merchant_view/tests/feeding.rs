use super::super::{Page, SaleFilter};
use super::shop::{Shop, chance, tags};
use crate::order_group::outbox::SaleCopy;
use crate::order_group::testing::{NOON, tag};
use evertill_shared::clock::Clock;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use std::time::Duration;

/// Parts that were read at many moments go in in any order, some several times, some never; then feeding goes on.
pub async fn whatever_comes_late_twice_or_never_the_view_is_what_the_groups_say(shop: Shop) {
    let (mut seed, mut numbers) = (7, Vec::new());
    let mut parts: Vec<(GroupTag, Vec<SaleCopy>)> = Vec::new();
    for _ in 0..160 {
        shop.anything(&mut seed, &mut numbers).await;
        if chance(&mut seed, 4) == 0 {
            let tag = tags()[usize::try_from(chance(&mut seed, 3)).unwrap()];
            let most = 1 + u32::try_from(chance(&mut seed, 40)).unwrap();
            parts.push((tag, shop.part(tag, most).await.sales));
        }
    }
    for _ in 0..parts.len() * 2 {
        let most = u64::try_from(parts.len()).unwrap();
        let (tag, sales) = parts[usize::try_from(chance(&mut seed, most)).unwrap()].clone();
        shop.take_in(tag, sales).await;
    }
    shop.settle().await;
    shop.check().await;
    for (tag, sales) in parts.into_iter().rev() {
        shop.take_in(tag, sales).await;
    }
    shop.check().await;
    assert!(shop.view.rebuild(&shop.rig.groups, |_| {}).await.unwrap().differences.is_none());
}

pub async fn a_feeder_that_dies_between_copy_and_forgetting_changes_nothing(shop: Shop) {
    shop.rig.cash_order(100).await;
    let number = shop.wallet(700, 1).await;
    for _ in 0..3 {
        for tag in tags() {
            // The lines are not forgotten: the next one copies them again.
            let part = shop.part(tag, 200).await;
            shop.take_in(tag, part.sales).await;
        }
        shop.check().await;
    }
    let lines = "SELECT count(*) FROM outbox";
    let before: i64 = Shop::number(&shop.homes[usize::from(number.tag().get())], lines).await;
    assert!(before >= 2, "adopted, then paid: {before}");
    shop.settle().await;
    shop.check().await;
}

pub async fn sales_from_before_the_outbox_are_copied_newest_first(shop: Shop) {
    let mut numbers = Vec::new();
    for minor in 1..=20 {
        shop.rig.clock.advance(Duration::from_millis(3));
        numbers.push(shop.rig.cash_order(minor).await);
    }
    for home in &shop.homes {
        Shop::tamper(home, "DELETE FROM outbox").await;
    }
    let newest = shop.rig.groups.sales(numbers[19].tag(), None, 1).await.unwrap();
    assert_eq!(newest.sales[0].order.number, numbers[19]);
    let older = shop.rig.groups.sales(numbers[19].tag(), Some(numbers[19]), 20).await.unwrap();
    assert!(older.sales.iter().all(|copy| copy.order.number < numbers[19]));
    let page = shop.view.page(shop.day(), None).await.unwrap();
    assert_eq!(page.complete_until(&tags()), None, "nothing is promised before they are in");
    shop.settle().await;
    shop.check().await;
}

pub async fn a_group_that_cannot_be_read_holds_the_time_back_and_no_other(shop: Shop) {
    shop.rig.cash_order(100).await;
    shop.settle().await;
    let first = shop.view.page(shop.day(), None).await.unwrap();
    assert_eq!(first.complete_until(&tags()), Some(shop.rig.clock.now()));
    // Its tag is elsewhere, as far as the database says.
    Shop::tamper(&shop.homes[0], "UPDATE tags SET state = 'arriving'").await;
    shop.rig.clock.advance(Duration::from_secs(30));
    let feeders = shop.view.spawn_feeders(shop.rig.groups.clone());
    let mut page = first.clone();
    for _ in 0..1_000 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        shop.view.catch_up(Duration::from_millis(50)).await;
        page = shop.view.page(shop.day(), None).await.unwrap();
        if page.complete_until(&[tag(1), tag(2)]) == Some(shop.rig.clock.now()) {
            break;
        }
    }
    drop(feeders);
    assert_eq!(page.complete_until(&[tag(1), tag(2)]), Some(NOON.plus(Duration::from_secs(30))));
    assert_eq!(page.complete_until(&tags()), first.complete_until(&tags()));
    assert!(shop.rig.groups.health().iter().all(|group| group.is_healthy()), "a report is no reason to jump");
}

/// Feeds the view until it is so, or for long enough; gives it as it stands then, with the day's sales.
async fn fed_until(shop: &Shop, is_so: impl Fn(&Page) -> bool) -> Page {
    let feeders = shop.view.spawn_feeders(shop.rig.groups.clone());
    let mut page = shop.view.page(shop.day(), Some(SaleFilter::of_day(shop.day()))).await.unwrap();
    for _ in 0..1_000 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        shop.view.catch_up(Duration::from_millis(50)).await;
        page = shop.view.page(shop.day(), Some(SaleFilter::of_day(shop.day()))).await.unwrap();
        if is_so(&page) {
            break;
        }
    }
    drop(feeders);
    page
}

fn all_but(spoilt: OrderNumber) -> Vec<GroupTag> {
    tags().into_iter().filter(|tag| *tag != spoilt.tag()).collect()
}

pub async fn an_order_that_cannot_be_read_keeps_no_other_from_the_view_and_nothing_is_promised(shop: Shop) {
    shop.settle().await;
    let whole = shop.rig.clock.now();
    shop.rig.clock.advance(Duration::from_secs(10));
    let (spoilt, spoilt_at) = (shop.rig.cash_order(100).await, shop.rig.clock.now());
    let was = shop.spoil(spoilt).await;
    let mut others = Vec::new();
    while others.len() < 12 || others.iter().all(|other: &OrderNumber| other.tag() != spoilt.tag()) {
        shop.rig.clock.advance(Duration::from_secs(1));
        others.push(shop.rig.cash_order(200).await);
    }
    // Also where the lines that cannot be copied fill a whole part.
    let part = shop.part(spoilt.tag(), 1).await;
    assert!(
        part.lines.len() == 1 && part.left_out.iter().all(|order| order.number == spoilt.as_str()),
        "{part:?}"
    );
    let now = shop.rig.clock.now();
    let is_fed = |page: &Page| {
        page.list.sales.len() == others.len()
            && page.complete_until(&all_but(spoilt)) == Some(now)
            && page.complete_until(&[spoilt.tag()]).is_some_and(|until| until > whole)
    };
    for _ in 0..2 {
        let page = fed_until(&shop, is_fed).await;
        let mut there: Vec<OrderNumber> = page.list.sales.iter().map(|order| order.number).collect();
        there.sort();
        assert_eq!(there, others);
        assert_eq!(page.complete_until(&all_but(spoilt)), Some(now));
        let until = page.complete_until(&[spoilt.tag()]).unwrap();
        assert!(until > whole && until <= spoilt_at, "{until:?} is said to be complete");
    }
    shop.mend(spoilt, &was).await;
    shop.settle().await;
    let page = fed_until(&shop, |page| page.complete_until(&tags()) == Some(now)).await;
    assert_eq!((page.complete_until(&tags()), page.list.sales.len()), (Some(now), others.len() + 1));
    shop.check().await;
}

pub async fn an_old_order_that_cannot_be_read_is_still_owed(shop: Shop) {
    let mut numbers = Vec::new();
    for minor in 1..=20 {
        shop.rig.clock.advance(Duration::from_millis(3));
        numbers.push(shop.rig.cash_order(minor).await);
    }
    let was = shop.spoil(numbers[7]).await;
    for home in &shop.homes {
        Shop::tamper(home, "DELETE FROM outbox").await;
    }
    // It does not end the list before its end.
    let tag = numbers[7].tag();
    let below = shop.rig.groups.sales(tag, Some(numbers[8]), 1).await.unwrap();
    assert_eq!((below.sales.len(), below.left_out.len(), below.rest), (0, 1, Some(numbers[7])));
    let now = shop.rig.clock.now();
    let is_held_back = |page: &Page| page.complete_until(&[tag]).is_some_and(|until| until < now);
    let page = fed_until(&shop, |page| page.list.sales.len() == 19 && is_held_back(page)).await;
    assert_eq!(page.list.sales.len(), 19);
    assert!(is_held_back(&page), "it is missing, and nobody was told: {:?}", page.complete_until(&[tag]));
    shop.mend(numbers[7], &was).await;
    shop.settle().await;
    shop.check().await;
}

pub async fn a_fresh_sale_is_there_when_somebody_looks(shop: Shop) {
    shop.settle().await;
    let feeders = shop.view.spawn_feeders(shop.rig.groups.clone());
    let (other_groups, other) = shop.another("server-2").await;
    let others = other.spawn_feeders(other_groups);
    tokio::time::sleep(Duration::from_millis(100)).await;
    for minor in 1..=10 {
        shop.rig.clock.advance(Duration::from_millis(5));
        let number = shop.rig.cash_order(minor).await;
        shop.rig.clock.advance(Duration::from_millis(1));
        // Whichever server is asked, and whichever of them feeds.
        let view = if minor % 2 == 0 { &shop.view } else { &other };
        view.catch_up(Duration::from_secs(10)).await;
        let list = view.page(shop.day(), Some(SaleFilter::of_day(shop.day()))).await.unwrap().list;
        assert_eq!(list.sales[0].number, number);
    }
    drop((feeders, others));
    shop.check().await;
}

pub async fn one_server_feeds_and_another_takes_over(shop: Shop) {
    shop.settle().await;
    let owner = "SELECT count(*) FROM feeders WHERE owner LIKE 'server-1:%'";
    assert_eq!(Shop::number(&shop.view_database, owner).await, 3);
    let (groups, view) = shop.another("server-2").await;
    let feeders = view.spawn_feeders(groups);
    shop.rig.cash_order(100).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(Shop::number(&shop.view_database, "SELECT count(*) FROM sales").await, 0, "it waits its turn");
    shop.rig.clock.advance(Duration::from_secs(6));
    for _ in 0..200 {
        if Shop::number(&shop.view_database, "SELECT count(*) FROM sales").await == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    drop(feeders);
    assert_eq!(Shop::number(&shop.view_database, "SELECT count(*) FROM sales").await, 1);
}
