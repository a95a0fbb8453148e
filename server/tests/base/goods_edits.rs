//! Goods as rows: looked through, changed one by one, in step with the catalogue.

use crate::goods::{Till, product, products};
use crate::shop::{Place as Kept, Shop, bootstrap};
use evertill_server::base_store::{
    AuditKind, BaseStore, EditRefused, GoodsSearch, KeptProduct, ProductEdit, ProductFault, SCHEMA, Where,
};
use evertill_server::database::{DbError, Schema, Value};
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::protocol::catalogue::{Catalogue, Place, Product};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(600);

async fn kept(base: &BaseStore, id: &str) -> KeptProduct {
    assert!(base.follow_catalogue(LONG).await.unwrap());
    base.product(id).await.unwrap().unwrap()
}

fn edit(seen: &KeptProduct, change: impl Fn(&mut Product)) -> ProductEdit {
    let mut product = seen.product.clone();
    change(&mut product);
    ProductEdit {
        id: product.id.clone(),
        becomes: Some((product, Where::Stay)),
        seen: Some(seen.mark()),
        why: "supplier".into(),
    }
}

async fn ids(base: &BaseStore, text: &str) -> Vec<String> {
    assert!(base.follow_catalogue(LONG).await.unwrap());
    let found = base.goods(GoodsSearch { text: text.into(), ..GoodsSearch::default() }).await.unwrap();
    found.goods.into_iter().map(|kept| kept.product.id).collect()
}

/// All that is found, page by page.
async fn all(base: &BaseStore, asked: GoodsSearch) -> Vec<KeptProduct> {
    assert!(base.follow_catalogue(LONG).await.unwrap());
    let (mut found, mut asked) = (Vec::<KeptProduct>::new(), asked);
    loop {
        let page = base.goods(asked.clone()).await.unwrap();
        assert!(page.goods.len() <= 50);
        found.extend(page.goods);
        if !page.more {
            return found;
        }
        asked.after = found.last().map(|kept| kept.product.id.clone());
    }
}

pub async fn an_edit_reaches_tills_as_what_changed_and_stands_in_the_trail<P: Kept>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let mut goods = products(1_200);
    here.put_catalogue(goods.clone(), "max".into()).await.unwrap();
    let mut till = Till::default();
    till.load(&[&here, &there]).await;
    let seen = kept(&here, "p00005").await;
    let change = edit(&seen, |product| {
        product.price.minor = 250;
        product.name = "Green tea".into();
    });
    assert!(here.edit_product(change.clone(), "li".into()).await.unwrap());
    assert!(
        !there.edit_product(change, "li".into()).await.unwrap(),
        "the same form sent twice changes it once"
    );
    (goods[5].price.minor, goods[5].name) = (250, "Green tea".into());
    till.parts = 0;
    till.load(&[&there]).await;
    till.assert_has(&goods);
    assert_eq!((till.version, till.parts), (2, 1), "what changed, and nothing else");
    let mut fresh = Till::default();
    fresh.load(&[&here]).await;
    fresh.assert_has(&goods);
    assert_eq!(ids(&there, "GREEN te").await, ["p00005"]);
    let trail = here.audit_rows(None, 9).await.unwrap();
    assert_eq!((trail[0].what, trail[0].who.as_str()), (AuditKind::ProductChanged, "li"));
    assert_eq!(trail[0].subject, "goods p00005");
    assert_eq!(trail[0].why, "name: Goods 5 → Green tea; price: 1.00 → 2.50 — supplier");
    assert_eq!(trail[1].what, AuditKind::CatalogueChanged);
    // A new one, withdrawn, and brought back.
    let new = ProductEdit {
        seen: None,
        ..edit(&seen, |new| {
            (new.id, new.barcodes) = ("new".into(), vec!["7712345".into()]);
            new.favourite = true;
        })
    };
    assert!(there.edit_product(new, "li".into()).await.unwrap());
    let stands = kept(&here, "new").await;
    assert_eq!((stands.place, ids(&here, "771234").await), (Some(4), vec!["new".to_owned()]));
    let gone = ProductEdit { becomes: None, ..edit(&stands, |_| ()) };
    assert!(here.edit_product(gone.clone(), "li".into()).await.unwrap());
    assert!(!here.edit_product(gone, "li".into()).await.unwrap());
    till.load(&[&here]).await;
    till.assert_has(&goods);
    let withdrawn = kept(&there, "new").await;
    assert!(withdrawn.withdrawn && ids(&there, "771234").await.is_empty());
    let gone = GoodsSearch { withdrawn: true, ..GoodsSearch::default() };
    assert_eq!(all(&there, gone.clone()).await, std::slice::from_ref(&withdrawn));
    assert!(there.edit_product(edit(&withdrawn, |_| ()), "li".into()).await.unwrap());
    till.load(&[&here]).await;
    goods.push(withdrawn.product);
    till.assert_has(&goods);
    assert!(all(&there, gone).await.is_empty());
    let kinds: Vec<AuditKind> = here.audit_rows(None, 3).await.unwrap().iter().map(|row| row.what).collect();
    assert_eq!(kinds, [AuditKind::ProductAdded, AuditKind::ProductWithdrawn, AuditKind::ProductAdded]);
}

pub async fn who_has_seen_another_state_of_a_product_changes_nothing<P: Kept>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    here.put_catalogue(products(20), "max".into()).await.unwrap();
    let seen = kept(&here, "p00005").await;
    let to = |price| edit(&seen, move |product| product.price.minor = price);
    let (a, b) =
        tokio::join!(here.edit_product(to(250), "li".into()), there.edit_product(to(260), "wang".into()));
    let (won, lost) = if a.is_ok() { (a, b) } else { (b, a) };
    assert!(won.unwrap() && matches!(lost, Err(EditRefused::Moved)), "{lost:?}");
    assert_eq!(here.versions().await.unwrap().catalogue, 2);
    let withdraw = ProductEdit { becomes: None, ..to(250) };
    assert!(matches!(there.edit_product(withdraw, "li".into()).await, Err(EditRefused::Moved)));
    let now = kept(&there, "p00005").await;
    let refused = async |edit: ProductEdit| here.edit_product(edit, "li".into()).await.unwrap_err();
    assert!(matches!(refused(ProductEdit { seen: None, ..to(1) }).await, EditRefused::Exists(_)));
    let silent = ProductEdit { why: " ".into(), ..edit(&now, |product| product.price.minor = 1) };
    assert!(matches!(refused(silent).await, EditRefused::WhyNeeded));
    let taken = edit(&now, |product| product.barcodes.push("6900006".into()));
    assert!(matches!(refused(taken).await, EditRefused::CodeTaken { by, .. } if by == "p00006"));
    let twice = edit(&now, |product| product.barcodes = vec!["1".into(), "1".into()]);
    assert!(matches!(refused(twice).await, EditRefused::CodeTaken { .. }));
    let negative = edit(&now, |product| product.price.minor = -1);
    assert!(matches!(refused(negative).await, EditRefused::Fault(ProductFault::Negative)));
    let nowhere = ProductEdit { id: "nowhere".into(), becomes: None, ..to(1) };
    assert!(matches!(refused(nowhere).await, EditRefused::Moved));
    assert_eq!(here.versions().await.unwrap().catalogue, 2, "none of these made a version");
    assert_eq!(kept(&there, "p00005").await, now);
    assert_eq!(here.verify_audit().await.unwrap(), Ok(3));
}

pub async fn an_import_replaces_what_was_changed_by_hand<P: Kept>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let goods = products(700);
    here.put_catalogue(goods.clone(), "max".into()).await.unwrap();
    let seen = kept(&here, "p00005").await;
    here.edit_product(edit(&seen, |product| product.price.minor = 250), "li".into()).await.unwrap();
    let other = kept(&here, "p00006").await;
    let gone = ProductEdit { becomes: None, ..edit(&other, |_| ()) };
    here.edit_product(gone, "li".into()).await.unwrap();
    let mut file = goods.clone();
    file.remove(9);
    // A barcode goes from one to another.
    file[0].barcodes = vec!["6900009".into()];
    let open = kept(&here, "p00005").await;
    there.put_catalogue(file.clone(), "max".into()).await.unwrap();
    assert_eq!(kept(&here, "p00005").await, seen, "the file counts");
    assert!(!kept(&here, "p00006").await.withdrawn, "it is in the file");
    assert!(here.product("p00009").await.unwrap().is_none());
    let late = here.edit_product(edit(&open, |product| product.price.minor = 300), "li".into()).await;
    assert!(matches!(late, Err(EditRefused::Moved)), "{late:?}");
    assert_eq!(ids(&here, "6900009").await, ["p00000"]);
    let found: Vec<Product> =
        all(&there, GoodsSearch::default()).await.into_iter().map(|kept| kept.product).collect();
    assert_eq!(found, file);
    assert!(all(&there, GoodsSearch { withdrawn: true, ..GoodsSearch::default() }).await.is_empty());
}

pub async fn a_favourite_is_moved_among_those_to_tap<P: Kept>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let goods = products(1_700);
    here.put_catalogue(goods, "max".into()).await.unwrap();
    let mut till = Till::default();
    till.load(&[&here]).await;
    assert_eq!(till.favourites, ["p00000", "p00400", "p00800", "p01200", "p01600"]);
    let last = kept(&here, "p01600").await;
    assert_eq!(last.place, Some(5));
    let ProductEdit { becomes: Some((product, _)), id, seen, why } = edit(&last, |_| ()) else { panic!() };
    let first = ProductEdit { becomes: Some((product, Where::At(1))), id, seen, why };
    assert!(there.edit_product(first, "li".into()).await.unwrap());
    till.load(&[&there]).await;
    assert_eq!(till.favourites, ["p01600", "p00000", "p00400", "p00800", "p01200"]);
    let none = kept(&here, "p00400").await;
    here.edit_product(edit(&none, |product| product.favourite = false), "li".into()).await.unwrap();
    till.load(&[&there]).await;
    assert_eq!(till.favourites, ["p01600", "p00000", "p00800", "p01200"]);
    let trail = here.audit_rows(None, 2).await.unwrap();
    assert_eq!(trail[1].why, "favourite: 5 → 1 — supplier");
    assert_eq!(trail[0].why, "favourite: 3 → no — supplier");
}

pub async fn many_edits_are_written_anew_as_one_and_tills_on_their_way_go_on<P: Kept>(shop: Shop<P>) {
    let base = shop.open().await;
    let mut goods = products(1_100);
    base.put_catalogue(goods.clone(), "max".into()).await.unwrap();
    let mut behind = Till::default();
    behind.load(&[&base]).await;
    for price in 1..=60 {
        let seen = kept(&base, "p00007").await;
        base.edit_product(edit(&seen, |product| product.price.minor = 100 + price), "li".into())
            .await
            .unwrap();
        base.settle_catalogue().await.unwrap();
    }
    goods[7].price.minor = 160;
    let mut fresh = Till::default();
    fresh.load(&[&base]).await;
    fresh.assert_has(&goods);
    assert!(fresh.parts < 20, "{} parts for a new till", fresh.parts);
    behind.parts = 0;
    behind.load(&[&base]).await;
    behind.assert_has(&goods);
    assert_eq!(behind.parts, 60, "what changed since");
    let first = base.catalogue_part(0, Some(""), Place::default()).await.unwrap().part.unwrap();
    assert!(first.whole);
}

pub async fn goods_are_found_by_parts_of_names_letters_numbers_and_codes<P: Kept>(shop: Shop<P>) {
    let base = shop.open().await;
    let named = |n, name: &str| Product { name: name.into(), ..product(n, 100) };
    let all = vec![
        named(1, "Green Tea 500 ml"),
        named(2, "绿茶 500毫升"),
        named(3, "重庆小面"),
        named(4, "100% Juice_A"),
        named(5, "Bread"),
    ];
    base.put_catalogue(all, "max".into()).await.unwrap();
    for (text, found) in [
        ("tea green", &["p00001"][..]),
        ("500", &["p00001", "p00002"]),
        ("绿茶", &["p00002"]),
        ("LC", &["p00002"]),
        ("cqxm", &["p00003"]),
        ("zqxm", &["p00003"]),
        ("100%", &["p00004"]),
        ("e_a", &["p00004"]),
        ("g_een", &[]),
        ("P00005", &["p00005"]),
        ("6900005", &["p00005"]),
        ("", &["p00001", "p00002", "p00003", "p00004", "p00005"]),
        ("' OR 1=1 --", &[]),
        ("!", &[]),
    ] {
        assert_eq!(ids(&base, text).await, found, "{text}");
    }
    // What only a file can bring hides no others, and stops nothing.
    let odd = Product { id: "o\0dd".into(), ..product(9, 100) };
    base.put_catalogue(vec![odd, product(1, 100)], "max".into()).await.unwrap();
    assert_eq!(ids(&base, "").await, ["p00001"]);
    assert_eq!(base.product("o\0dd").await.unwrap(), None);
    let after = GoodsSearch { after: Some("o\0dd".into()), ..GoodsSearch::default() };
    assert_eq!(base.goods(after).await.unwrap().goods.len(), 1);
    base.put_catalogue(vec![product(1, 100)], "max".into()).await.unwrap();
    assert_eq!(ids(&base, "").await, ["p00001"]);
}

pub async fn a_page_of_very_many_goods_reads_its_own_rows<P: Kept>(shop: Shop<P>) {
    let base = shop.open().await;
    // The most that a shop has: EVERTILL_GOODS=100000.
    let count = std::env::var("EVERTILL_GOODS").map_or(8_000, |count| count.parse().unwrap());
    base.put_catalogue(products(count), "max".into()).await.unwrap();
    let began = SystemClock.monotonic();
    assert!(base.follow_catalogue(LONG).await.unwrap());
    println!("{count} goods followed in {:?}", SystemClock.monotonic() - began);
    let database = shop.place.database().await;
    let plan = async |asked: &GoodsSearch| {
        let (statement, values) = asked.question();
        let text = format!("{} {statement}", shop.place.explain());
        let rows = database.read(move |sql| sql.rows(&text, &values)).await;
        rows.map(|rows| format!("{rows:?}")).map_err(|error: DbError| error).unwrap()
    };
    for (text, after) in [("", None), ("", Some("p07000")), ("goods 79", None), ("nothing like it", None)] {
        let asked = GoodsSearch { text: text.into(), after: after.map(str::to_owned), withdrawn: false };
        let plan = plan(&asked).await;
        let is_paged = text.is_empty() && plan.contains("Seq Scan on goods");
        assert!(!is_paged && !plan.contains("SCAN w") && !plan.contains("SCAN g"), "{plan}");
        let began = SystemClock.monotonic();
        let page = base.goods(asked).await.unwrap();
        println!("{text:?} after {after:?}: {} in {:?}", page.goods.len(), SystemClock.monotonic() - began);
    }
    let (first, last) = ("p00000".to_owned(), format!("p{:05}", count - 1));
    let beginning = base.goods(GoodsSearch::default()).await.unwrap();
    assert_eq!((beginning.goods.len(), beginning.more), (50, true));
    assert_eq!(beginning.goods[0].product.id, first);
    let end = GoodsSearch { after: Some(format!("p{:05}", count - 8)), ..GoodsSearch::default() };
    let end = base.goods(end).await.unwrap();
    assert_eq!((end.goods.len(), end.more, &end.goods[6].product.id), (7, false, &last));
    database.close().await;
}

pub async fn goods_of_a_store_from_before_are_taken_in_whatever_happens_on_the_way<P: Kept>(shop: Shop<P>) {
    static BEFORE: Schema = Schema { migrations: SCHEMA.migrations.split_at(7).0, ..SCHEMA };
    // One lump, larger than anybody takes at once.
    let goods = products(2 * Catalogue::PART + 100);
    let text = serde_json::to_string(&goods).unwrap();
    let info = serde_json::to_string(&bootstrap("Corner shop", Vec::new()).store).unwrap();
    let old = shop.place.database_of(&BEFORE).await;
    old.write(move |sql| -> Result<(), DbError> {
        sql.execute("INSERT INTO store (one, info, made_at) VALUES (1, ?1, 0)", &[Value::from(info)])?;
        let statement = "INSERT INTO catalogue (one, version, products) VALUES (1, 12, ?1)";
        sql.execute(statement, &[Value::from(text)]).map(drop)
    })
    .await
    .unwrap();
    old.close().await;
    let (here, there) = shop.two_servers().await;
    assert!(!here.follow_catalogue(Duration::ZERO).await.unwrap(), "not all at once");
    let early =
        ProductEdit { id: "p00000".into(), becomes: None, seen: Some("x".into()), why: String::new() };
    let (a, b) = tokio::join!(here.follow_catalogue(LONG), there.follow_catalogue(LONG));
    assert!(a.unwrap() && b.unwrap());
    assert!(matches!(here.edit_product(early, "li".into()).await, Err(EditRefused::Moved)));
    let found = async |base: &BaseStore| -> Vec<Product> {
        all(base, GoodsSearch::default()).await.into_iter().map(|kept| kept.product).collect()
    };
    assert_eq!(found(&there).await, goods);
    let seen = kept(&here, "p00400").await;
    here.edit_product(edit(&seen, |product| product.price.minor = 7), "li".into()).await.unwrap();
    let mut till = Till::default();
    till.load(&[&there]).await;
    let mut changed = goods.clone();
    changed[400].price.minor = 7;
    till.assert_has(&changed);
    // Put back to an older state: another history, and the rows follow that one.
    let raw = shop.place.database_of(&SCHEMA).await;
    raw.write(|sql| -> Result<(), DbError> {
        sql.execute("DELETE FROM catalogue_step WHERE version = 13", &[])?;
        sql.execute("UPDATE catalogue SET version = 12", &[]).map(drop)
    })
    .await
    .unwrap();
    raw.close().await;
    assert_eq!(found(&here).await, goods);
    here.put_catalogue(goods[..50].to_vec(), "max".into()).await.unwrap();
    assert_eq!(found(&there).await, goods[..50]);
}
