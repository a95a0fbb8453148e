//! Databases that a server must not use: it says why, in words that say what to do, and the other groups serve.

use super::shop::{PATIENCE, shop};
use evertill_shared::secret::SecretText;
use evertill_tests::process::wait_until;
use evertill_tests::rig::postgres::{Conninfo, PostgresNode, PostgresOptions};
use evertill_tests::store_rig::{InPostgres, RigOptions};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_a_primary_without_standbys_are_told_clearly_and_the_others_serve() {
    let node = PostgresNode::start_alone("alone", PostgresOptions::default()).unwrap();
    let alone = node.create_database("alone").unwrap();
    let good = node.create_database("kept").unwrap();
    let wrong = Conninfo { password: SecretText::new("swordfish-of-yesterday".into()), ..good };
    let postgres = InPostgres {
        groups: [(0, wrong), (1, alone.clone())].into(),
        require_synchronous: Some(1),
        ..InPostgres::default()
    };
    let shop = shop(RigOptions { postgres, ..RigOptions::default() }).await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    for minor in [100, 200, 300, 400] {
        let order = shop.paid(&mut till, minor).await;
        assert_eq!(order.number.tag().get(), 2, "the one group that may be used");
    }
    let told = |words: &str| wait_until(PATIENCE, || shop.log().contains(words));
    assert!(told("put the right one into password_file"), "{}", shop.log());
    assert!(told("synchronous_standby_names"), "{}", shop.log());
    let log = shop.log();
    assert!(
        !log.contains("swordfish-of-yesterday") && !log.contains(alone.password.expose()),
        "a password is in the log"
    );
    let made = alone.login().rows("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").unwrap();
    assert_eq!(made, ["0"], "tables were made where no standby has them");
}
