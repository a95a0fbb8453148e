//! Group files that are damaged, of another version, or not the ones that they should be: each is named for what it is
//! in the console, left as it is, and no other group minds.

use crate::shop::{Shop, fold, seed, shop};
use evertill_shared::order_number::OrderNumber;
use evertill_tests::rig::power_cut::Seeded;
use rusqlite::Connection;
use std::fs;
use std::path::Path;

const GROUP: u8 = 0;

/// Starts the server on what was done to its files, and looks at what it says and does.
async fn served(shop: &mut Shop, till: &mut evertill_tests::scripted_till::ScriptedTill) -> String {
    shop.rig.start_server().unwrap();
    let (status, health) = shop.page("/health/ready").await;
    assert_eq!(status, 200, "the others serve: {health}");
    for _ in 0..3 {
        till.sell_for_cash(150).await.expect("the others serve");
    }
    let (status, console) = shop.page("/console/groups").await;
    assert_eq!(status, 200);
    console
}

/// An order in the group, so that there is something to lose.
async fn order_in_group(till: &mut evertill_tests::scripted_till::ScriptedTill) -> OrderNumber {
    for _ in 0..60 {
        let order = till.sell_for_cash(100).await.unwrap();
        if order.number.tag().get() == GROUP {
            return order.number;
        }
    }
    panic!("the group never gets an order");
}

fn newer(file: &Path) {
    let connection = Connection::open(file).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_file_that_is_not_what_it_should_be_is_named_left_alone_and_minds_no_other() {
    let mut shop = shop("group-files").await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let number = order_in_group(&mut till).await;
    shop.rig.stop_server();
    let file = shop.rig.group_file(GROUP);
    fold(&file);
    let good = fs::read(&file).unwrap();
    fold(&shop.rig.group_file(1));
    fold(&shop.rig.data_dir().join("base.db"));
    let base = fs::read(shop.rig.data_dir().join("base.db")).unwrap();
    let other = fs::read(shop.rig.group_file(1)).unwrap();
    let mut no_head = good.clone();
    no_head[..16].fill(0x5a);
    // The first byte of a page says what it is.
    let mut no_tree = good.clone();
    no_tree.iter_mut().skip(4_096).step_by(4_096).for_each(|byte| *byte ^= 0x40);
    let mut half = good.clone();
    half.truncate(good.len() / 2 / 4_096 * 4_096);
    newer(&file);
    let newer = fs::read(&file).unwrap();
    let cases: [(&str, &[u8], &str); 7] = [
        ("its head is overwritten", &no_head, "damaged"),
        ("its pages are damaged", &no_tree, "damaged"),
        ("half of it is missing", &half, "damaged"),
        ("a newer program wrote it", &newer, "newer version"),
        ("it is another group's", &other, "not the one"),
        ("it is the base store's", &base, "not the one"),
        ("it is empty", b"", "is gone"),
    ];
    for (what, bytes, said) in cases {
        fs::write(&file, bytes).unwrap();
        let console = served(&mut shop, &mut till).await;
        assert!(console.contains(said), "{what}: the console does not say {said:?}: {console}");
        let asked = till.order(number).await.unwrap_err();
        assert!(asked.code().is_some_and(|code| code.is_later()), "{what}: {asked:?}");
        shop.rig.stop_server();
        assert!(fs::read(&file).unwrap() == bytes, "{what}: the file was changed");
        for beside in ["db-wal", "db-shm", "db-journal"] {
            let _ = fs::remove_file(file.with_extension(beside));
        }
    }
    fs::write(&file, &good).unwrap();
    shop.rig.start_server().unwrap();
    assert_eq!(till.order(number).await.unwrap().number, number, "the good copy is served again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_is_found_or_does_no_harm_and_never_stops_the_server() {
    let seed = seed();
    let mut random = Seeded::new(seed);
    let mut shop = shop("bit-flips").await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    order_in_group(&mut till).await;
    shop.rig.stop_server();
    let file = shop.rig.group_file(GROUP);
    fold(&file);
    let good = fs::read(&file).unwrap();
    let mut found = 0;
    for _ in 0..6 {
        let mut bytes = good.clone();
        // Where the structure is: the head of the file, and the head of each page.
        let page = usize::try_from(random.below(bytes.len() as u64 / 4_096)).unwrap();
        let place = page * 4_096 + usize::try_from(random.below(if page == 0 { 100 } else { 12 })).unwrap();
        let bit = 1 << random.below(8);
        bytes[place] ^= bit;
        fs::write(&file, &bytes).unwrap();
        let console = served(&mut shop, &mut till).await;
        let is_named = console.contains("damaged") || console.contains("newer version");
        println!("bit {bit:#04x} of byte {place}: {}", if is_named { "found" } else { "not in use" });
        found += usize::from(is_named);
        shop.rig.stop_server();
        for beside in ["db-wal", "db-shm"] {
            let _ = fs::remove_file(file.with_extension(beside));
        }
    }
    assert!(found >= 1, "seed {seed}: no flipped bit was found");
}
