//! A group under Patroni loses its primary while the shop sells.

use evertill_tests::drill::patroni::{PatroniDrill, run};

#[tokio::test(flavor = "multi_thread")]
async fn sales_go_on_while_patroni_promotes_and_the_group_returns_by_itself() {
    let options = PatroniDrill { tills: 2, seconds: 3, long: false, json: false };
    let report = run(&options).await.unwrap();
    println!("{}", serde_json::to_string(&report).unwrap());
    assert!(report.held(), "{report:#?}");
}
