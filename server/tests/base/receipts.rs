//! How the shop's receipts look.

use crate::shop::{Place, Shop};
use evertill_server::base_store::{AuditKind, BaseError};
use evertill_shared::protocol::receipts::ShopTemplate;
use evertill_shared::receipt::template::DEFAULT;

pub async fn a_template_that_a_till_could_not_print_is_kept_nowhere_and_each_change_is_in_the_trail<
    P: Place,
>(
    shop: Shop<P>,
) {
    let (here, there) = shop.two_servers().await;
    let none = ShopTemplate { text: None };
    assert_eq!(here.receipt_template().await.unwrap(), none);
    assert_eq!(here.versions().await.unwrap().receipt_template, "");
    let own = ShopTemplate { text: Some(DEFAULT.replace("qr", "qr 5")) };
    for _ in 0..2 {
        here.set_receipt_template(own.clone(), "ivy".into()).await.unwrap();
    }
    let wrong = ShopTemplate { text: Some(DEFAULT.replace("\ntenders\n", "\n")) };
    let refused = there.set_receipt_template(wrong, "ivy".into()).await;
    assert!(matches!(&refused, Err(BaseError::Invalid(why)) if why.contains("lacks tenders")), "{refused:?}");
    assert_eq!(there.receipt_template().await.unwrap(), own);
    assert_eq!(there.versions().await.unwrap().receipt_template, own.name());
    there.set_receipt_template(none.clone(), "ivy".into()).await.unwrap();
    assert_eq!(
        (here.receipt_template().await.unwrap(), here.versions().await.unwrap().receipt_template),
        (none, String::new())
    );
    let trail = here.audit_rows(None, 50).await.unwrap();
    assert_eq!(trail.iter().filter(|row| row.what == AuditKind::ReceiptTemplateChanged).count(), 2);
}
