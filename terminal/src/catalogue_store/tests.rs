//! What the till keeps of its goods, whatever comes, in whatever pieces, and however often it stops in between.

use super::*;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::line::TaxRate;
use evertill_shared::protocol::catalogue::Part;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn product(id: &str, name: &str, codes: &[&str]) -> Product {
    Product {
        id: id.into(),
        name: name.into(),
        barcodes: codes.iter().map(|code| (*code).to_owned()).collect(),
        price: Amount::new(100, Currency::CNY),
        tax_rate: TaxRate(1300),
        favourite: false,
        sold_by_weight: false,
        least_age: None,
        needs_serial: false,
    }
}

fn goods() -> Goods {
    let products = [
        product("a", "Green tea", &["0036000291452"]),
        product("b", "Tea bag", &["6901234567892"]),
        product("c", "乌龙茶", &["2112345015002"]),
    ];
    Goods::in_memory(3, &products).unwrap()
}

fn part(products: &[Product], gone: &[&str], part: Part, version: u64) -> Catalogue {
    let gone = gone.iter().map(|id| (*id).to_owned()).collect();
    Catalogue { version, products: Some(products.to_vec()), gone, part: Some(part) }
}

fn place(text: &str) -> Option<Place> {
    Some(text.parse().unwrap())
}

#[test]
fn a_barcode_is_found_exactly_and_with_zeros_in_front() {
    let goods = goods();
    let id = |code: &str| goods.by_barcode(code).map(|product| product.id);
    assert_eq!(id("6901234567892").as_deref(), Some("b"));
    assert_eq!(id("036000291452").as_deref(), Some("a"), "UPC-A of what is stored as EAN-13");
    assert_eq!(id("00036000291452").as_deref(), Some("a"), "GTIN-14");
    assert_eq!(
        id("2112345015002").as_deref(),
        Some("c"),
        "a private label is found before its pattern is looked at"
    );
    assert_eq!(id("6901234567893"), None, "a wrong check digit is no match");
}

#[test]
fn the_search_finds_names_codes_and_the_letters_of_chinese_names() {
    let goods = goods();
    let ids = |text: &str| goods.search(text).iter().map(|product| product.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids("tea"), ["b", "a"]);
    assert_eq!(ids("乌龙"), ["c"]);
    assert_eq!(ids("wlc"), ["c"]);
    assert_eq!(ids(" 690123 "), ["b"]);
    assert_eq!(ids("6901234567892"), ["b"]);
    assert!(ids("").is_empty() && ids("coffee").is_empty());
}

#[test]
fn names_that_are_read_late_are_searched_as_they_are_now() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("goods.db");
    let all = [product("a", "Apple", &[]), product("b", "Bread", &[]), product("c", "Cheese", &[])];
    Goods::open(&path).unwrap().take_in(&Goods::whole(1, &all)).unwrap();

    let mut goods = Goods::open(&path).unwrap();
    assert_eq!(goods.search("e"), [], "the names are still being read");
    assert_eq!(goods.by_id("a").map(|found| found.name).as_deref(), Some("Apple"), "and nothing else waits");
    let names = SearchText::read(&path).unwrap();
    let last = Part { whole: false, first: true, next: None, favourites: None, of: None };
    goods.take_in(&part(&[product("b", "Beer", &[])], &["c"], last, 2)).unwrap();
    let before = goods.changes();
    goods.index_is_here(names).unwrap();
    assert_ne!(goods.changes(), before);
    let found: Vec<String> = goods.search("e").into_iter().map(|product| product.name).collect();
    assert_eq!(found, ["Apple", "Beer"]);
    assert!(goods.search("bread").is_empty());
}

#[test]
fn a_load_that_is_cut_goes_on_where_it_was_and_takes_nothing_away_before_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("goods.db");
    let old = [product("old", "Old", &["1"]), product("kept", "Kept", &["2"])];
    Goods::open(&path).unwrap().take_in(&Goods::whole(4, &old)).unwrap();

    let first = Part { whole: true, first: true, next: place("w9.1"), favourites: None, of: None };
    Goods::open(&path).unwrap().take_in(&part(&[product("new", "New", &["3"])], &[], first, 9)).unwrap();
    let mut goods = Goods::open(&path).unwrap();
    assert_eq!((goods.version(), goods.next().to_string()), (Some(4), "w9.1".to_owned()));
    assert!(["old", "kept", "new"].iter().all(|id| goods.by_id(id).is_some()), "nothing is gone yet");
    let last =
        Part { whole: true, first: false, next: None, favourites: Some(vec!["kept".into()]), of: None };
    let kept = Product { favourite: true, ..product("kept", "Kept", &["2", "1"]) };
    goods.take_in(&part(&[kept], &[], last, 9)).unwrap();
    for goods in [&goods, &Goods::open(&path).unwrap()] {
        assert_eq!((goods.version(), goods.next()), (Some(9), Place::default()));
        assert!(goods.by_id("old").is_none() && goods.by_id("new").is_some());
        assert_eq!(goods.by_barcode("1").map(|found| found.id).as_deref(), Some("kept"), "its new bearer's");
        assert_eq!(goods.favourites().map(|good| good.id.as_str()).collect::<Vec<_>>(), ["kept"]);
    }
}

#[test]
fn the_name_of_a_version_is_kept_with_it_and_that_of_a_load_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("goods.db");
    let of = |name: &str| Some(name.to_owned());
    let first = Part { whole: true, first: true, next: place("w9.1"), favourites: None, of: of("nine") };
    Goods::open(&path).unwrap().take_in(&part(&[], &[], first, 9)).unwrap();
    let on_the_way = Goods::open(&path).unwrap().standing().clone();
    assert_eq!((on_the_way.name.as_str(), on_the_way.next_name.as_str()), ("", "nine"));
    let last = Part { whole: true, first: false, next: None, favourites: None, of: of("ten") };
    Goods::open(&path).unwrap().take_in(&part(&[], &[], last, 10)).unwrap();
    let whole = Standing { version: Some(10), name: "ten".into(), ..Standing::default() };
    assert_eq!(*Goods::open(&path).unwrap().standing(), whole);
    let mut goods = Goods::open(&path).unwrap();
    goods.take_in(&Catalogue::unchanged(10)).unwrap();
    assert_eq!(*goods.standing(), whole, "nothing has changed");
    goods.take_in(&Goods::whole(11, &[])).unwrap();
    assert_eq!(goods.standing().name, "", "a server that names nothing");
}

#[test]
fn a_server_that_has_no_goods_is_asked_once() {
    let mut goods = Goods::in_memory(0, &[]).unwrap();
    goods.take_in(&Catalogue::unchanged(0)).unwrap();
    assert_eq!(goods.version(), Some(0));
}

#[test]
fn goods_of_an_earlier_program_are_taken_over_once() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, path) = (dir.path().join("till.db"), dir.path().join("goods.db"));
    let old = Connection::open(&journal).unwrap();
    old.execute_batch(
        "CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);
         CREATE TABLE product (place INTEGER PRIMARY KEY, record TEXT NOT NULL);",
    )
    .unwrap();
    Goods::open(&path).unwrap().take_over(&journal).unwrap();
    assert_eq!(Goods::open(&path).unwrap().version(), None, "it had none");
    let tea = Product { favourite: true, ..product("tea", "Tea", &["1"]) };
    let record = serde_json::to_string(&tea).unwrap();
    old.execute("INSERT INTO product (place, record) VALUES (0, ?1)", [record]).unwrap();
    old.execute("INSERT INTO fact (name, value) VALUES ('catalogue_version', '7')", []).unwrap();
    let mut goods = Goods::open(&path).unwrap();
    goods.take_over(&journal).unwrap();
    assert_eq!((goods.version(), goods.by_barcode("1")), (Some(7), Some(tea)));
    goods.take_in(&Goods::whole(8, &[])).unwrap();
    goods.take_over(&journal).unwrap();
    assert_eq!(goods.version(), Some(8));
}

#[test]
fn a_file_of_a_newer_program_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("goods.db");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 4).unwrap();
    assert!(matches!(Goods::open(&path), Err(CatalogueError::Newer(4))));
}

impl Goods {
    /// Everything at once, as servers gave it before there were parts.
    fn whole(version: u64, products: &[Product]) -> Catalogue {
        Catalogue { version, products: Some(products.to_vec()), gone: Vec::new(), part: None }
    }

    fn all(&self) -> Vec<Product> {
        self.shelf.as_ref().unwrap().everything()
    }
}

/// The goods of a version: for each of a few ids whether it is there, under which name, with which code.
type State = BTreeMap<u8, (u8, u8)>;

fn products(state: &State) -> Vec<Product> {
    // A code belongs to one product at a time.
    let mut taken = std::collections::BTreeSet::new();
    let mut one = |(id, (name, code)): (&u8, &(u8, u8))| {
        let codes: Vec<String> = taken.insert(*code).then(|| code.to_string()).into_iter().collect();
        let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
        product(&format!("p{id}"), &format!("name {name}"), &codes)
    };
    state.iter().map(&mut one).collect()
}

fn changes(old: &[Product], new: &[Product]) -> (Vec<Product>, Vec<String>) {
    let changed = new.iter().filter(|product| !old.contains(product)).cloned().collect();
    let is_gone = |product: &&Product| !new.iter().any(|other| other.id == product.id);
    (changed, old.iter().filter(is_gone).map(|product| product.id.clone()).collect())
}

/// The parts that a server would give on the way from one version to the next, of one product each.
fn parts(old: &[Product], new: &[Product], whole: bool, version: u64) -> Vec<Catalogue> {
    let (changed, gone) = if whole { (new.to_vec(), Vec::new()) } else { changes(old, new) };
    let mut all: Vec<(Vec<Product>, Vec<String>)> =
        changed.into_iter().map(|one| (vec![one], vec![])).collect();
    all.extend(gone.into_iter().map(|id| (vec![], vec![id])));
    if all.is_empty() {
        all.push((vec![], vec![]));
    }
    let count = all.len();
    let one = |(at, (products, gone)): (usize, (Vec<Product>, Vec<String>))| {
        let following = u32::try_from(at + 1).unwrap();
        let next = (at + 1 < count).then_some(Place { whole, step: version, part: following });
        let part = Part { whole, first: at == 0, next, favourites: None, of: None };
        Catalogue { version, products: Some(products), gone, part: Some(part) }
    };
    all.into_iter().enumerate().map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Steps, each as changes or as everything, with the till switched off and on between any two parts, or going back to
    /// the beginning of everything: at the end it has just what the server has.
    #[test]
    fn a_full_load_equals_the_sum_of_the_changes(
        states in prop::collection::vec(prop::collection::btree_map(0_u8..8, (0_u8..3, 0_u8..8), 0..8), 1..6),
        ways in prop::collection::vec((any::<bool>(), 0_usize..12), 6),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("goods.db");
        let mut goods = Goods::open(&path).unwrap();
        let mut old = Vec::new();
        for (at, state) in states.iter().enumerate() {
            let new = products(state);
            let version = u64::try_from(at).unwrap() + 1;
            let (whole, cut) = ways[at];
            let all = parts(&old, &new, whole, version);
            for (n, one) in all.iter().enumerate() {
                goods.take_in(one).unwrap();
                if n == cut {
                    goods = Goods::open(&path).unwrap();
                    if whole && n % 2 == 0 {
                        // The server has another way for it by now: it begins again.
                        for again in &all[..n] {
                            goods.take_in(again).unwrap();
                        }
                        goods.take_in(one).unwrap();
                    }
                }
            }
            prop_assert_eq!(goods.version(), Some(version));
            prop_assert_eq!(&goods.all(), &new);
            for product in &new {
                for code in &product.barcodes {
                    prop_assert_eq!(goods.by_barcode(code).map(|found| found.id), Some(product.id.clone()));
                }
            }
            old = new;
        }
        let codes: usize = old.iter().map(|product| product.barcodes.len()).sum();
        let left = (0_u8..8).filter(|code| goods.by_barcode(&code.to_string()).is_some()).count();
        prop_assert_eq!(left, codes, "no code outlives its bearer");
    }
}

#[test]
fn goods_that_came_without_what_they_ask_for_are_sold_until_all_have_come_anew() {
    for earlier in [1, 2] {
        goods_of_before(earlier);
    }
}

fn goods_of_before(earlier: i64) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("goods.db");
    let part = Part { whole: true, first: true, next: None, favourites: None, of: Some("three".into()) };
    let wine = product("wine", "Wine", &["6901234567892"]);
    let news = Catalogue { version: 3, products: Some(vec![wine]), gone: Vec::new(), part: Some(part) };
    Goods::open(&path).unwrap().take_in(&news).unwrap();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", earlier).unwrap();
    let goods = Goods::open(&path).unwrap();
    assert!(goods.by_barcode("6901234567892").is_some());
    assert_eq!((goods.version(), goods.standing().name.as_str()), (Some(3), ""), "no server names it so");
    drop(goods);
    assert_eq!(Goods::open(&path).unwrap().standing().name, "", "and it stays so");
}

#[test]
fn training_reads_the_shops_goods_and_can_write_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("goods.db");
    assert!(Goods::open_to_read(&path).is_err(), "it makes no file");
    assert!(!path.exists());
    let mut goods = Goods::open(&path).unwrap();
    let everything = |products: &[Product], version| {
        let products = Some(products.to_vec());
        Catalogue { version, products, gone: Vec::new(), part: None }
    };
    goods.take_in(&everything(&[product("a", "Green tea", &["0036000291452"])], 1)).unwrap();
    let mut lent = Goods::open_to_read(&path).unwrap();
    assert_eq!(lent.standing().version, Some(1));
    assert_eq!(lent.by_barcode("0036000291452").unwrap().name, "Green tea");
    assert!(lent.take_in(&everything(&[product("b", "Tea bag", &["6901234567892"])], 2)).is_err());
    assert!(goods.by_id("b").is_none() && lent.by_id("b").is_none());
    // The shop changes its prices meanwhile: the till takes them in, and who practises sees them.
    goods.take_in(&everything(&[product("b", "Tea bag", &["6901234567892"])], 2)).unwrap();
    assert_eq!(lent.by_id("b").unwrap().name, "Tea bag");
}
