//! The catalogue in parts: what tills get on their way from any version to the present one.

use crate::shop::{Place as Kept, Shop, bootstrap};
use evertill_server::base_store::{BaseStore, SCHEMA};
use evertill_server::database::{DbError, Schema, Value};
use evertill_shared::money::Amount;
use evertill_shared::order::line::TaxRate;
use evertill_shared::protocol::catalogue::{Catalogue, Place, Product};
use std::collections::BTreeMap;

pub fn product(n: usize, price: i64) -> Product {
    Product {
        id: format!("p{n:05}"),
        name: format!("Goods {n}"),
        barcodes: vec![format!("69{n:05}")],
        price: Amount { minor: price, currency: "CNY".parse().unwrap() },
        tax_rate: TaxRate(1_300),
        favourite: n.is_multiple_of(400),
        sold_by_weight: n == 3,
        least_age: None,
        needs_serial: false,
    }
}

pub fn products(count: usize) -> Vec<Product> {
    (0..count).map(|n| product(n, 100)).collect()
}

/// A till that does nothing but take in what it is given.
#[derive(Clone, Default)]
pub struct Till {
    pub version: u64,
    name: String,
    goods: BTreeMap<String, Product>,
    pub favourites: Vec<String>,
    pub parts: usize,
}

impl Till {
    /// Asks one server after the other until it has everything.
    pub async fn load(&mut self, servers: &[&BaseStore]) {
        let (mut at, mut of) = (Place::default(), self.name.clone());
        let mut named = None::<Vec<String>>;
        for server in servers.iter().cycle() {
            let Catalogue { version, products, gone, part } =
                server.catalogue_part(self.version, Some(&of), at).await.unwrap();
            let Some(part) = part else {
                assert_eq!((self.version, products), (version, None));
                assert_eq!(server.versions().await.unwrap().catalogue_name, self.name);
                return;
            };
            self.parts += 1;
            of = part.of.unwrap();
            if part.whole && part.first {
                named = Some(Vec::new());
            }
            for id in gone {
                self.goods.remove(&id);
            }
            for product in products.unwrap() {
                named.iter_mut().for_each(|named| named.push(product.id.clone()));
                self.goods.insert(product.id.clone(), product);
            }
            match part.next {
                Some(next) => at = next,
                None => {
                    if let Some(named) = named {
                        self.goods.retain(|id, _| named.contains(id));
                    }
                    (self.version, self.favourites) = (version, part.favourites.unwrap());
                    self.name = of;
                    return;
                }
            }
        }
    }

    pub fn assert_has(&self, all: &[Product]) {
        let sorted: BTreeMap<String, Product> = all.iter().map(|p| (p.id.clone(), p.clone())).collect();
        assert_eq!(self.goods, sorted);
        let favourites: Vec<&str> = all.iter().filter(|p| p.favourite).map(|p| p.id.as_str()).collect();
        assert_eq!(self.favourites, favourites);
    }
}

pub async fn a_till_gets_only_what_changed_from_any_version_and_from_any_server<P: Kept>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let mut all = products(1_200);
    here.put_catalogue(all.clone(), "max".into()).await.unwrap();
    let mut till = Till::default();
    till.load(&[&here, &there]).await;
    till.assert_has(&all);
    assert_eq!((till.version, till.parts), (1, 3), "500 in a part");
    let behind = till.clone();
    all.remove(7);
    all.swap(0, 400);
    for (n, price) in [(5, 250), (900, 260)] {
        all[n].price.minor = price;
        there.put_catalogue(all.clone(), "max".into()).await.unwrap();
    }
    for mut till in [till, behind, Till::default()] {
        let whole = till.version == 0;
        till.parts = 0;
        till.load(&[&there, &here]).await;
        till.assert_has(&all);
        assert_eq!(till.version, 3);
        assert!(whole || till.parts <= 3, "{} parts for three changes", till.parts);
        till.load(&[&here]).await;
    }
    let (version, old_way) = (3, here.catalogue(None).await.unwrap());
    assert_eq!((old_way.version, old_way.products.map(|all| all.len())), (version, Some(1_199)));
}

pub async fn a_till_that_is_too_far_behind_or_ahead_gets_everything<P: Kept>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    here.put_catalogue(products(600), "max".into()).await.unwrap();
    let mut till = Till::default();
    till.load(&[&here]).await;
    // So much is changed that what the first versions changed is kept no longer.
    let mut all = Vec::new();
    for price in 1..5 {
        all = (300..1_600).map(|n| product(n, price)).collect();
        there.put_catalogue(all.clone(), "max".into()).await.unwrap();
    }
    let first = here.catalogue_part(1, None, Place::default()).await.unwrap().part.unwrap();
    assert!(first.whole && first.first);
    till.load(&[&here, &there]).await;
    till.assert_has(&all);
    // A server that was put back to an older state.
    let mut ahead = Till { version: 17, ..till };
    ahead.goods.insert("x".into(), product(9_999, 1));
    ahead.load(&[&there]).await;
    ahead.assert_has(&all);
}

pub async fn goods_from_before_there_were_parts_are_given_on<P: Kept>(shop: Shop<P>) {
    static BEFORE: Schema = Schema { migrations: SCHEMA.migrations.split_at(7).0, ..SCHEMA };
    let all = products(700);
    let goods = serde_json::to_string(&all).unwrap();
    let info = serde_json::to_string(&bootstrap("Corner shop", Vec::new()).store).unwrap();
    let old = shop.place.database_of(&BEFORE).await;
    old.write(move |sql| -> Result<(), DbError> {
        sql.execute("INSERT INTO store (one, info, made_at) VALUES (1, ?1, 0)", &[Value::from(info)])?;
        let statement = "INSERT INTO catalogue (one, version, products) VALUES (1, 12, ?1)";
        sql.execute(statement, &[Value::from(goods)]).map(drop)
    })
    .await
    .unwrap();
    old.close().await;
    let base = shop.open().await;
    let mut till = Till { version: 11, ..Till::default() };
    till.load(&[&base]).await;
    till.assert_has(&all);
    assert_eq!((till.version, till.parts), (12, 1));
    let fewer = all[..650].to_vec();
    base.put_catalogue(fewer.clone(), "max".into()).await.unwrap();
    till.load(&[&base]).await;
    till.assert_has(&fewer);
    assert_eq!((till.version, till.parts), (13, 3), "what stood there before has no name: everything");
    let old_program = base.catalogue_part(12, None, Place::default()).await.unwrap();
    assert!(!old_program.part.unwrap().whole, "one that keeps no names gets what changed");
}

pub async fn a_till_gets_everything_from_a_server_that_was_put_back_to_an_older_state<P: Kept>(
    shop: Shop<P>,
) {
    let base = shop.open().await;
    let mut all = products(1_200);
    base.put_catalogue(all.clone(), "max".into()).await.unwrap();
    let mut till = Till::default();
    till.load(&[&base]).await;
    all[5].price.minor = 777;
    base.put_catalogue(all.clone(), "max".into()).await.unwrap();
    till.load(&[&base]).await;
    assert_eq!((till.version, till.parts), (2, 4), "three, and then one");
    let behind = base.catalogue_part(1, Some(&till.name), Place::default()).await.unwrap();
    assert!(behind.part.unwrap().whole, "the name is another version's");
    // The backup is from before version 2. Another version 2 comes, and then a third one.
    let old = shop.place.database_of(&SCHEMA).await;
    old.write(|sql| -> Result<(), DbError> {
        sql.execute("DELETE FROM catalogue_step WHERE version = 2", &[])?;
        sql.execute("UPDATE catalogue SET version = 1", &[]).map(drop)
    })
    .await
    .unwrap();
    old.close().await;
    all[5].price.minor = 100;
    all[6].price.minor = 888;
    base.put_catalogue(all.clone(), "max".into()).await.unwrap();
    let (mut at_two, mut at_three) = (till.clone(), till);
    at_two.load(&[&base]).await;
    at_two.assert_has(&all);
    assert_eq!(at_two.version, 2);
    all[7].price.minor = 999;
    base.put_catalogue(all.clone(), "max".into()).await.unwrap();
    for till in [&mut at_three, &mut at_two] {
        till.load(&[&base]).await;
        till.assert_has(&all);
    }
    assert_eq!((at_three.parts, at_two.parts), (4 + 5, 4 + 4 + 1), "everything; what changed");
}
