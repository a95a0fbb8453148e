use super::super::{Differences, Progress, RebuildError, VIEW};
use super::shop::{Shop, tags};
use crate::order_group::testing::tag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const SALES: &str = "SELECT count(*) FROM sales";

pub async fn a_rebuilt_view_is_what_was_there(shop: Shop) {
    for mut seed in 1..=3 {
        let mut numbers = Vec::new();
        for _ in 0..80 {
            shop.anything(&mut seed, &mut numbers).await;
        }
        let mut progress = Vec::new();
        // What is still in the outboxes is no difference.
        if seed % 2 == 0 {
            shop.settle().await;
        }
        let first = shop.view.rebuild(&shop.rig.groups, |step| progress.push(step)).await.unwrap();
        assert!(
            tags().iter().all(|tag| progress.iter().any(|p| matches!(p, Progress::Copied(t, _) if t == tag)))
        );
        shop.settle().await;
        shop.check().await;
        let again = shop.view.rebuild(&shop.rig.groups, |_| {}).await.unwrap();
        assert_eq!(again.differences, Differences::default());
        assert!(again.sales == first.sales && again.sales > 20);
        let sales = u64::try_from(Shop::number(&shop.view_database, SALES).await).unwrap();
        assert_eq!(sales, again.sales, "nothing is left of the old ones");
        shop.check().await;
    }
}

pub async fn what_was_wrong_in_the_view_is_named_and_mended(shop: Shop) {
    let mut numbers = Vec::new();
    for minor in 1..=9 {
        numbers.push(shop.rig.cash_order(minor * 100).await);
    }
    shop.settle().await;
    let number = |at: usize| numbers[at].to_string();
    let (lost, wrong, line, made_up) = (number(0), number(1), number(2), "1".repeat(25));
    let job = {
        let (lost, wrong, line) = (lost.clone(), wrong.clone(), line.clone());
        move |sql: &dyn crate::database::Sql| {
            for statement in [
                format!("DELETE FROM sales WHERE number = '{lost}'"),
                format!("UPDATE sales SET held_minor = 200, version = 99 WHERE number = '{wrong}'"),
                format!("UPDATE lines SET code = 'coffee' WHERE number = '{line}'"),
                format!(
                    "INSERT INTO lines SELECT build, '{made_up}', place, code, name, quantity, amount_minor \
                         FROM lines WHERE number = '{wrong}'"
                ),
                "UPDATE totals SET orders = orders + 1".into(),
            ] {
                sql.script(&statement)?;
            }
            Ok::<_, crate::database::DbError>(())
        }
    };
    shop.view_database.write(job).await.unwrap();
    let rebuilt = shop.view.rebuild(&shop.rig.groups, |_| {}).await.unwrap();
    let mut named = vec![lost, wrong, line];
    named.sort();
    let found = rebuilt.differences;
    // Each cashier has a total of their own, and nobody in particular has one.
    assert_eq!((found.missing, found.changed, found.extra, found.totals), (1, 2, 0, 3));
    assert_eq!(found.named, named);
    shop.check().await;
    assert_eq!(Shop::number(&shop.view_database, "SELECT count(*) FROM lines").await, 9);
    // An order that is in no group.
    Shop::tamper(&shop.homes[usize::from(numbers[4].tag().get())], "DELETE FROM outbox").await;
    let gone = numbers[4];
    let home = &shop.homes[usize::from(gone.tag().get())];
    let state = move |sql: &dyn crate::database::Sql| {
        sql.script(&format!(
            "UPDATE orders SET state = 'void', paid_minor = 0, paid_by = NULL WHERE number = '{gone}';
             UPDATE orders SET state = 'draft' WHERE number = '{gone}'"
        ))
    };
    home.write(state).await.unwrap();
    let rebuilt = shop.view.rebuild(&shop.rig.groups, |_| {}).await.unwrap();
    assert_eq!((rebuilt.differences.extra, rebuilt.differences.named), (1, vec![gone.to_string()]));
    shop.check().await;
}

pub async fn an_order_that_cannot_be_read_is_named_and_the_others_are_copied(shop: Shop) {
    let mut numbers = Vec::new();
    for minor in 1..=20 {
        shop.rig.clock.advance(Duration::from_millis(3));
        numbers.push(shop.rig.cash_order(minor).await);
    }
    shop.settle().await;
    let spoilt = numbers[12];
    let was = shop.spoil(spoilt).await;
    let rebuilt = shop.view.rebuild(&shop.rig.groups, |_| {}).await.unwrap();
    let named: Vec<&str> = rebuilt.left_out.iter().map(String::as_str).collect();
    assert_eq!((rebuilt.sales, named), (19, vec![spoilt.as_str()]));
    let found = rebuilt.differences;
    assert_eq!(
        (found.missing, found.changed, found.extra),
        (0, 0, 0),
        "it is in a group, and named by itself"
    );
    shop.mend(spoilt, &was).await;
    // It is owed: the feeding brings it in.
    shop.settle().await;
    shop.check().await;
    let rebuilt = shop.view.rebuild(&shop.rig.groups, |_| {}).await.unwrap();
    assert!(rebuilt.sales == 20 && rebuilt.left_out.is_empty() && rebuilt.differences.is_none());
}

pub async fn a_view_is_rebuilt_while_sales_go_on(shop: Shop) {
    let (mut seed, mut numbers) = (11, Vec::new());
    for _ in 0..60 {
        shop.anything(&mut seed, &mut numbers).await;
    }
    shop.settle().await;
    let feeders = shop.view.spawn_feeders(shop.rig.groups.clone());
    let (done, shop) = (Arc::new(AtomicBool::new(false)), Arc::new(shop));
    let selling = {
        let (done, shop) = (Arc::clone(&done), Arc::clone(&shop));
        tokio::spawn(async move {
            while !done.load(Ordering::SeqCst) {
                shop.anything(&mut seed, &mut numbers).await;
            }
        })
    };
    for _ in 0..3 {
        let rebuilt = shop.view.rebuild(&shop.rig.groups, |_| {}).await.unwrap();
        assert_eq!(rebuilt.differences, Differences::default());
    }
    done.store(true, Ordering::SeqCst);
    selling.await.unwrap();
    drop(feeders);
    shop.settle().await;
    shop.check().await;
}

pub async fn a_group_that_is_away_leaves_the_view_as_it_was(shop: Shop) {
    for minor in 1..=6 {
        shop.rig.cash_order(minor * 100).await;
    }
    shop.settle().await;
    Shop::tamper(&shop.homes[1], "UPDATE tags SET state = 'arriving'").await;
    let failed = shop.view.rebuild(&shop.rig.groups, |_| {}).await.unwrap_err();
    assert!(matches!(&failed, RebuildError::Group { tag: away, .. } if *away == tag(1)), "{failed:?}");
    assert_eq!(Shop::number(&shop.view_database, "SELECT count(*) FROM builds WHERE next IS NULL").await, 1);
    Shop::tamper(&shop.homes[1], "UPDATE tags SET state = 'active'").await;
    shop.check().await;
    assert!(shop.view.rebuild(&shop.rig.groups, |_| {}).await.unwrap().differences.is_none());
    assert_eq!(Shop::number(&shop.view_database, SALES).await, 6, "what was begun is removed too");
}

pub async fn of_two_that_rebuild_the_later_one_goes_on(shop: Shop) {
    shop.rig.cash_order(100).await;
    shop.settle().await;
    let (groups, view) = shop.another("server-2").await;
    let mut second = None;
    let first = shop.view.rebuild(&shop.rig.groups, |step| {
        if matches!(step, Progress::Copied(tag, _) if tag == tags()[0]) && second.is_none() {
            let (view, groups) = (view.clone(), groups.clone());
            second = Some(tokio::spawn(async move { view.rebuild(&groups, |_| {}).await }));
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
    });
    assert_eq!(first.await, Err(RebuildError::Another));
    assert!(second.unwrap().await.unwrap().unwrap().differences.is_none());
    shop.check().await;
}

/// As the program before kept it: without the refunds' parts, and with a guess in the totals.
pub async fn a_view_from_before_copies_orders_paid_in_parts_once_more(shop: Shop) {
    let number = shop.wallet(300, 3).await;
    shop.rig.cash_order(70).await;
    let record = shop.rig.groups.reserve_refund(shop.ask(number, 300, 1)).await.unwrap();
    shop.go_on_with(&record, 1).await;
    shop.settle().await;
    shop.check().await;
    let step = &VIEW.migrations[2];
    let step = if shop.is_on_postgres() { step.postgres } else { step.sqlite };
    let before = "ALTER TABLE refunds DROP COLUMN in_cash;
         ALTER TABLE sales DROP COLUMN cash_refunded_minor;
         ALTER TABLE sales DROP COLUMN cash_held_minor;
         UPDATE totals SET refunded_minor = CASE tender WHEN '' THEN 0 ELSE 100 END
             WHERE refunded_minor > 0 OR tender <> ''";
    for script in [before, step] {
        let job = move |sql: &dyn crate::database::Sql| sql.script(script);
        let done: Result<(), crate::database::DbError> = shop.view_database.write(job).await;
        done.unwrap();
    }
    let page = shop.view.page(shop.day(), None).await.unwrap();
    assert_eq!(page.complete_until(&tags()), None, "nothing is promised before they are copied");
    shop.settle().await;
    shop.check().await;
    assert!(shop.view.rebuild(&shop.rig.groups, |_| {}).await.unwrap().differences.is_none());
}
