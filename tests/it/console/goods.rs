//! Goods in the console: found, changed one by one, withdrawn and brought back, with their pictures.

use super::browser::Browser;
use super::forgeries::{Forger, token};
use super::pictures::Photographer;
use super::shop::Shop;
use evertill_shared::protocol::catalogue::Product;
use evertill_shared::protocol::staff::{NewStaff, Role};
use evertill_shared::secret::SecretText;
use evertill_tests::workspace;
use reqwest::StatusCode;
use serde_json::json;

/// One white dot.
const DOT: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

fn product(id: &str, name: &str, minor: i64) -> Product {
    serde_json::from_value(json!({
        "id": id, "name": name, "barcodes": [format!("69{id}")], "price": { "minor": minor, "currency": "CNY" },
        "tax_rate": 1300, "favourite": id.ends_with("50"),
    }))
    .unwrap()
}

fn shelf() -> Vec<Product> {
    let mut goods: Vec<Product> =
        (100..220).map(|n| product(&format!("{n:05}"), &format!("Goods {n}"), 450)).collect();
    goods.push(product("tea", "绿茶 500毫升", 450));
    goods
}

fn import(shop: &Shop, goods: &[Product]) {
    shop.runtime.block_on(async { shop.rig.staff("li").await.unwrap().put_catalogue(goods).await.unwrap() });
}

/// The version that tills are told of.
fn version(shop: &Shop) -> u64 {
    shop.runtime.block_on(shop.till.status()).unwrap().catalogue_version
}

/// The value of a hidden field.
fn hidden<'a>(page: &'a str, name: &str) -> &'a str {
    let begin = format!("name=\"{name}\" value=\"");
    let start = page.find(&begin).unwrap() + begin.len();
    page[start..].split('"').next().unwrap()
}

fn look(page: &Browser, name: &str, path: &str) {
    for language in ["en", "zh"] {
        page.go(&format!("/console/language?to={language}&back=/console/goods"));
        Photographer { page, language }.visit(name, path);
        // A phone that somebody has in the hand between the shelves.
        page.resize(390, 844);
        let folder = workspace::target().join("console");
        page.picture(&folder.join(format!("{name}-390x844-{language}.png")));
        let wide = page.script("return document.documentElement.scrollWidth - innerWidth");
        assert_eq!(wide, json!(0), "{name} on a phone in {language}");
    }
    page.resize(1024, 768);
    page.go("/console/language?to=en&back=/console/goods");
}

#[test]
fn a_manager_finds_goods_changes_their_price_withdraws_them_and_brings_them_back() {
    let shop = Shop::open();
    let page = shop.browser();
    page.log_in("li");
    page.go("/console/goods?find=nothing-like-it");
    page.expect("No goods are found.");
    import(&shop, &shelf());
    let began = version(&shop);
    page.go("/console/goods");
    page.expect_count("#goods tbody tr", 50);
    page.expect_in("#import-note", "replaces everything that was changed here");
    page.press("#next");
    page.expect_in("#goods", "Goods 199");
    page.press("#next");
    page.expect_count("#goods tbody tr", 21);
    assert_eq!(page.count("#next"), 0);
    page.press("#first");
    page.expect_in("#goods", "Goods 100");
    page.write("[name=find]", "LC");
    page.press("#search");
    page.expect_count("#goods tbody tr", 1);
    page.press("#goods tbody a");
    page.expect_in("h1", "绿茶");
    // Another price, and no word why.
    page.write("[name=price]", "5,00");
    page.press("#save");
    page.expect("The price is not an amount.");
    page.write("[name=price]", "5.00");
    page.press("#save");
    page.expect("Say why the price changes.");
    assert_eq!(version(&shop), began);
    page.write("#product-form [name=why]", "The supplier charges more");
    page.press("#save");
    page.expect("绿茶 500毫升 is saved.");
    assert_eq!(version(&shop), began + 1);
    // Somebody else is faster.
    let Shop { runtime, rig, .. } = &shop;
    runtime.block_on(async {
        let mut wang = Forger::new(rig);
        wang.log_in("li").await;
        let (_, _, form) = wang.get("/console/goods/one?id=tea").await;
        let form = [
            ("csrf", token(&form)),
            ("id", "tea"),
            ("seen", hidden(&form, "seen")),
            ("name", "Green tea"),
            ("price", "6.00"),
            ("tax", "9"),
            ("barcodes", "4711"),
            ("why", "a new label"),
        ];
        let (status, to, _) = wang.post("/console/goods/one", &form).await;
        assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, "/console/goods/one?id=tea&done=saved"));
        let (status, _, _) = wang.post("/console/goods/one", &form).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "the same form again is the same change");
    });
    assert_eq!(version(&shop), began + 2);
    page.write("[name=price]", "5.50");
    page.write("#product-form [name=why]", "A guess");
    page.press("#save");
    page.expect("Somebody else changed it meanwhile.");
    page.expect_in("h1", "Green tea");
    assert_eq!(page.script("return document.querySelector('[name=price]').value"), json!("6.00"));
    // To be tapped, at the first place.
    page.press("[name=favourite]");
    page.write("[name=place]", "1");
    page.press("#save");
    page.expect("Green tea is saved.");
    assert_eq!(page.script("return document.querySelector('[name=place]').value"), json!("1"));
    page.write("#withdraw-form [name=why]", "Out of season");
    page.press("#withdraw");
    page.expect("Green tea is withdrawn.");
    page.go("/console/goods?find=tea");
    page.expect("No goods are found.");
    page.go("/console/goods?find=tea&which=withdrawn");
    page.press("#goods tbody a");
    page.expect("no till sells it");
    page.press("#save");
    page.expect("Green tea is saved.");
    assert_eq!(version(&shop), began + 5);
    page.go("/console/audit");
    page.expect("price: 4.50 → 5.00 — The supplier charges more");
    page.expect("Out of season");
    // What the file says counts again.
    import(&shop, &shelf());
    page.go("/console/goods/one?id=tea");
    page.expect_in("h1", "绿茶");
    assert_eq!(page.script("return document.querySelector('[name=price]').value"), json!("4.50"));
    assert_eq!(page.complaints(), Vec::<String>::new());
    look(&page, "goods", "/console/goods");
    look(&page, "goods-one", "/console/goods/one?id=00150");
    look(&page, "goods-new", "/console/goods/new");
}

#[test]
fn goods_are_added_with_a_picture_that_the_page_shows() {
    let shop = Shop::open();
    let page = shop.browser();
    page.log_in("it");
    page.go("/console/goods/new");
    page.write("[name=id]", "wine");
    page.write("[name=name]", "Riesling <0.75 l> & \"dry\"");
    page.write("[name=price]", "69");
    page.write("[name=tax]", "13");
    page.write("[name=barcodes]", "6901234567895");
    page.write("[name=age]", "18");
    page.press("#save");
    page.expect("Riesling <0.75 l> & \"dry\" is saved.");
    page.go("/console/goods/new");
    page.write("[name=id]", "wine");
    page.write("[name=name]", "Other");
    page.write("[name=price]", "1");
    page.write("[name=tax]", "0");
    page.press("#save");
    page.expect("There are goods with the number wine already.");
    page.write("[name=id]", "other");
    page.write("[name=barcodes]", "6901234567895");
    page.press("#save");
    page.expect("The barcode 6901234567895 is that of wine.");
    page.go("/console/goods/one?id=wine");
    page.expect("tills show a letter");
    let choose = |name: &str, content: &str| {
        page.script(&format!(
            "const bytes = Uint8Array.from(atob('{content}'), c => c.charCodeAt(0));
             const all = new DataTransfer();
             all.items.add(new File([bytes], '{name}'));
             document.querySelector('#picture-form [name=picture]').files = all.files;"
        ));
        page.press("#set-picture");
    };
    choose("wine.svg", "PHN2Zy8+");
    page.expect("This cannot be the picture");
    choose("wine.png", DOT);
    page.expect("is saved.");
    let width =
        || page.script("const it = document.querySelector('img.picture'); return it ? it.naturalWidth : 0");
    assert!(evertill_tests::process::wait_until(std::time::Duration::from_secs(5), || width() == json!(1)));
    page.go("/console/goods");
    page.expect_in("#goods", "Picture");
    page.expect_in("#goods", "From 18 years");
    page.go("/console/goods/one?id=wine");
    page.press("#remove-picture");
    page.expect("tills show a letter");
    page.go("/console/audit");
    page.expect("Added goods");
    page.expect("Changed the picture of goods");
    assert_eq!(page.complaints(), Vec::<String>::new());
}

#[test]
fn goods_are_changed_only_by_whoever_may_and_only_from_our_own_page() {
    let shop = Shop::open();
    import(&shop, &shelf());
    let began = version(&shop);
    let Shop { runtime, rig, .. } = &shop;
    runtime.block_on(async {
        let it = rig.staff("it").await.unwrap();
        let password = SecretText::new("chen-evertill".into());
        let (login, name) = ("chen".to_owned(), "Chen Hao".to_owned());
        it.add_staff(&NewStaff { login, name, role: Role::Cashier, password }).await.unwrap();
        let mut li = Forger::new(rig);
        li.log_in("li").await;
        let (_, _, page) = li.get("/console/goods/one?id=tea").await;
        let (own, seen) = (token(&page).to_owned(), hidden(&page, "seen").to_owned());
        let mut chen = Forger::new(rig);
        chen.log_in("chen").await;
        let (_, _, page) = chen.get("/console/orders").await;
        assert!(!page.contains("/console/goods"), "no way there is shown");
        let theirs = token(&page).to_owned();
        let fields = |csrf: &str| {
            let all = [("csrf", csrf), ("id", "tea"), ("seen", &seen), ("name", "X"), ("price", "0.01")];
            let more = [("tax", "0"), ("why", "theft")];
            all.iter().chain(&more).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>()
        };
        for path in ["/console/goods", "/console/goods/new", "/console/goods/one?id=tea"] {
            assert_eq!(chen.get(path).await.0, StatusCode::FORBIDDEN, "{path}");
        }
        for path in [
            "/console/goods/new",
            "/console/goods/one",
            "/console/goods/withdraw",
            "/console/goods/picture/remove",
        ] {
            for (who, csrf) in [(&mut chen, theirs.as_str()), (&mut li, theirs.as_str())] {
                let fields = fields(csrf);
                let form: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
                assert_eq!(who.post(path, &form).await.0, StatusCode::FORBIDDEN, "{path}");
            }
        }
        // What no browser of ours sends.
        for (name, value) in [("price", "-5.00"), ("price", "1e9"), ("age", "999"), ("tax", "101")] {
            let mut fields = fields(&own);
            fields.push((name.to_owned(), value.to_owned()));
            let form: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            let (status, _, _) = li.post("/console/goods/one", &form).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{name} {value}");
        }
        let (status, _, _) = li.post("/console/goods/picture", &[("csrf", &own), ("id", "tea")]).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "a form without a file");
        for path in ["one?id=nothing", "one?id=%00", "picture?name=%00", "picture?name=ab"] {
            assert_eq!(li.get(&format!("/console/goods/{path}")).await.0, StatusCode::NOT_FOUND, "{path}");
        }
    });
    assert_eq!(version(&shop), began);
}
