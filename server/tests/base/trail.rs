//! The audit trail, and the catalogue, whose changes it tells.

use crate::shop::{Place, Shop, block, till};
use evertill_server::base_store::{AuditKind, BaseError, NewAudit};
use evertill_server::database::DbError;
use evertill_shared::money::Amount;
use evertill_shared::order::line::TaxRate;
use evertill_shared::protocol::catalogue::Product;

pub async fn an_audit_trail_that_was_changed_is_found<P: Place>(shop: Shop<P>) {
    const CHANGE: &str = "UPDATE audit SET text = replace(text, 'stolen', 'no') WHERE id = 5";
    let base = shop.open().await;
    let terminal = till(&base, 1).await;
    base.change_terminal(terminal, block(), "ivy".into()).await.unwrap();
    let rows = base.verify_audit().await.unwrap().unwrap();
    assert_eq!(rows, 5, "bootstrap, code, enrolment, activation, block");
    let latest = &base.audit_rows(None, 1).await.unwrap()[0];
    assert_eq!((latest.what, latest.why.as_str()), (AuditKind::TerminalBlocked, "stolen"));
    assert_eq!(base.audit_rows(Some(3), 9).await.unwrap().len(), 2);

    let intruder = shop.place.database().await;
    let tamper = |statements: String| {
        let intruder = intruder.clone();
        async move { intruder.write(move |sql| -> Result<(), DbError> { sql.script(&statements) }).await }
    };
    let forbidden = tamper(CHANGE.into()).await;
    assert!(forbidden.unwrap_err().to_string().contains("never changed"));
    let forbidden = tamper("DELETE FROM audit WHERE id = 5".into()).await;
    assert!(forbidden.unwrap_err().to_string().contains("never shortened"));
    let drop = |name: &str| shop.place.drop_trigger(name);
    tamper(format!("{}; {CHANGE}", drop("audit_is_not_changed"))).await.unwrap();
    assert_eq!(base.verify_audit().await.unwrap().unwrap_err().row, 5);
    tamper(format!("{}; DELETE FROM audit WHERE id = 2", drop("audit_is_not_deleted"))).await.unwrap();
    assert_eq!(base.verify_audit().await.unwrap().unwrap_err().row, 3);
}

/// More rows than are read at a time.
pub async fn what_two_servers_write_down_at_once_is_one_chain<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let writing: Vec<_> = (0..600)
        .map(|n| {
            let base = if n % 2 == 0 { here.clone() } else { there.clone() };
            let new = NewAudit::new("max", AuditKind::RefundRequested, n, "broken");
            tokio::spawn(async move { base.audit_append(new).await })
        })
        .collect();
    for written in writing {
        written.await.unwrap().unwrap();
    }
    assert_eq!(here.verify_audit().await.unwrap(), Ok(601));
}

fn product(id: &str) -> Product {
    Product {
        id: id.into(),
        name: "Tea".into(),
        barcodes: Vec::new(),
        price: Amount { minor: 700, currency: "CNY".parse().unwrap() },
        tax_rate: TaxRate(1_300),
        favourite: false,
        sold_by_weight: false,
        least_age: None,
        needs_serial: false,
    }
}

pub async fn a_catalogue_is_replaced_as_a_whole_and_counted<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let empty = here.catalogue(None).await.unwrap();
    assert_eq!((empty.version, empty.products.map(|all| all.len())), (0, Some(0)));
    let (a, b) = tokio::join!(
        here.put_catalogue(vec![product("1")], "max".into()),
        there.put_catalogue(vec![product("2"), product("3")], "max".into())
    );
    let (a, b) = (a.unwrap().version, b.unwrap().version);
    assert_eq!(a + b, 3, "one is version 1, the other 2");
    let last = here.catalogue(Some(1)).await.unwrap();
    assert_eq!((last.version, last.products.unwrap().len()), (2, if a == 2 { 1 } else { 2 }));
    assert_eq!(there.catalogue(Some(2)).await.unwrap().products, None);
    assert_eq!(there.versions().await.unwrap().catalogue, 2);
    let twice = here.put_catalogue(vec![product("1"), product("1")], "max".into()).await;
    assert!(matches!(twice, Err(BaseError::Invalid(_))), "{twice:?}");
    assert_eq!(there.versions().await.unwrap().catalogue, 2);
}
