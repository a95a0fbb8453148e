use super::super::{MIGRATIONS, SCHEMA};
use crate::database::{Database, Schema};
use crate::order_group::testing::{Rig, base};

/// An account as it was written before accounts had fees.
const OLD: &str = r#"
    INSERT INTO wallet_accounts (id, name, wallet, merchant, store, currency, scanned, shown, lowest, highest, settings,
        is_the_files, enabled, enabled_at, changed_at, version)
        VALUES (1, 'Front', 'alipay', '2021', NULL, 'CNY', 1, 1, NULL, 50000, '{"app_id":"2021"}', 0, 1, 5, 6, 3);
"#;

#[tokio::test]
async fn of_an_account_from_before_fees_nobody_has_said_what_the_wallet_keeps() {
    let rig = Rig::new(1);
    let fees = MIGRATIONS.iter().position(|step| step.name == "fees").unwrap();
    let before = Schema { migrations: &MIGRATIONS[..fees], ..SCHEMA };
    let older = Database::sqlite(&rig.folder.path().join("base.db"), &before).unwrap();
    older.write(|sql| sql.script(OLD)).await.unwrap();
    older.close().await;
    let table = base(&rig).await.wallet_table().await.unwrap();
    let [row] = &table.accounts[..] else { panic!("{table:?}") };
    assert_eq!((row.facts.fee, row.facts.merchant.as_str(), row.version), (None, "2021", 3));
}
