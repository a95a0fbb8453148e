use super::super::{MIGRATIONS, SCHEMA};
use super::*;
use crate::database::{Database, Schema};
use crate::order_group::testing::{Rig, base};
use evertill_shared::reconciliation::Category;

/// Rows as they were written when all of a wallet's accounts were compared together.
const OLD: &str = r#"
    INSERT INTO bill_leases (channel, epoch, lease_owner, lease_until) VALUES ('alipay', 7, 'server-1', 0);
    INSERT INTO bill_runs (channel, day, state, tries, tried_at, next_at, problem, bill_rows, book_rows, agreed, findings,
        settled, carried, difference)
        VALUES ('alipay', '2026-11-20', 'done', 2, 10, 20, NULL, 5, 4, 1, 1, 1, 1, '{"CNY":-7}');
    INSERT INTO bill_findings (channel, day, place, category, movement, number, order_number, details)
        VALUES ('alipay', '2026-11-20', 0, 'amount_differs', 'payment', 'E1', '42',
                '{"fields":[],"lines":[6],"difference":{"CNY":-7}}');
    INSERT INTO bill_settled (channel, day, place, movement, number, order_number, moved, transaction_number, told)
        VALUES ('alipay', '2026-11-20', 0, 'payment', 'E2', '43', 1, 'T2', 0);
    INSERT INTO bill_carried (channel, day, place, carried) VALUES ('alipay', '2026-11-20', 0,
        '{"row":{"book":{"movement":"payment","number":"E3","amount":{"minor":700,"currency":"CNY"},"fee_minor":null,
          "standing":"moved","order":"44"}},"days":1}');
"#;

#[tokio::test]
async fn what_was_compared_for_a_whole_wallet_stands_under_the_account_of_the_settings_file() {
    let rig = Rig::new(1);
    let by_account = MIGRATIONS.iter().position(|step| step.name == "bills_by_account").unwrap();
    let before = Schema { migrations: &MIGRATIONS[..by_account], ..SCHEMA };
    let older = Database::sqlite(&rig.folder.path().join("base.db"), &before).unwrap();
    older.write(|sql| sql.script(OLD)).await.unwrap();
    older.close().await;

    let base = base(&rig).await;
    let (of, day) = (BillsOf::new(Wallet::Alipay, AccountId::OF_THE_FILE), day_of("2026-11-20").unwrap());
    let run = base.bill_run(of, day).await.unwrap().unwrap();
    assert_eq!(
        (run.state, run.tries, run.figures.bill_rows, run.account),
        (RunState::Done, 2, 5, of.account)
    );
    assert_eq!(base.bill_days(of).await.unwrap().0, Some(day));
    let found = base.bill_findings(of, day, (0, 9)).await.unwrap();
    assert_eq!((found.len(), found[0].category, found[0].lines[0]), (1, Category::AmountDiffers, 6));
    let untold = base.bill_untold(of.channel, None, 9).await.unwrap();
    assert_eq!((untold.len(), untold[0].number.as_str(), untold[0].account), (1, "E2", of.account));
    assert_eq!(base.bill_carried(of, day.next()).await.unwrap().len(), 1);
    // Whoever had the bills in hand before has them no more.
    let lease = base.take_bills(of, "server-2".into()).await.unwrap().unwrap();
    assert_eq!(lease.epoch, 8);
}
