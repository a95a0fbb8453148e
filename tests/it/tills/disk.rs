//! The till's disk is full.

use super::desk::{Desk, GOODS, paid_in_journal, seconds};
use evertill_shared::journal::Body;
use evertill_tests::process::wait_until;
use evertill_tests::rig::place::Place;
use evertill_tests::rig::small_disk::SmallDisk;
use std::os::unix::fs::symlink;

/// Sells until the till says that its disk is full; gives how many sales it confirmed before.
fn sell_until_full(desk: &mut Desk) -> usize {
    for sold in 0..400 {
        desk.till.scan(GOODS[0]).unwrap();
        desk.till.wait("1 item").unwrap();
        desk.tap("Cash");
        let decided = wait_until(seconds(10), || desk.shows("Confirm cash") || desk.shows("disk is full"));
        assert!(decided, "{:?}", desk.till.labels());
        if desk.shows("disk is full") {
            return sold;
        }
        desk.take_cash().unwrap();
        desk.next_sale();
    }
    panic!("the disk is full and the till goes on selling");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_lost_on_a_full_disk_no_sale_begins_what_was_begun_is_finished_and_the_cart_is_kept() {
    let place = Place::new("till-disk", "root").unwrap();
    let small = place.dir().join("small");
    let disk = SmallDisk::under(&place, &small, 8).unwrap();
    let mut desk = Desk::open_with(|rig| {
        symlink(&small, Desk::till_dir(rig)).unwrap();
        None
    })
    .await;
    // The disk fills up while a sale is at the cash page: it is finished, from the space held in reserve.
    desk.goods(2);
    desk.tap("Cash");
    desk.wait_for_number();
    disk.fill().unwrap();
    desk.take_cash().unwrap();
    desk.next_sale();

    let sold = sell_until_full(&mut desk);
    println!("{sold} sales fitted before the disk was found full");
    desk.sees("A sale could not be stored safely, so none is taken.", 5);
    desk.sees("call IT to make room; then try again", 1);
    let entries = desk.entries();
    assert_eq!(paid_in_journal(&entries).len(), 1 + sold);
    desk.tap("Try again");
    tokio::time::sleep(seconds(1)).await;

    disk.make_room().unwrap();
    let back = wait_until(seconds(20), || {
        let _ = desk.shows("Try again") && desk.till.tap("Try again").is_ok();
        desk.shows("1 item")
    });
    assert!(back, "there is room again, and the till does not go on with its cart: {:?}", desk.till.labels());
    let begun = |desk: &Desk| desk.entries().iter().filter(|e| matches!(e.body, Body::Sale(_))).count();
    assert_eq!(begun(&desk), 1 + sold, "a sale was half done");
    desk.tap("Cash");
    desk.take_cash().unwrap();
    desk.next_sale();
    assert_eq!(begun(&desk), 2 + sold);

    // And after a start on a full disk: nothing is lost, and it goes on when there is room.
    disk.fill().unwrap();
    desk.power_cycle();
    let up = wait_until(seconds(20), || desk.shows("Scan the first item") || desk.shows("disk is full"));
    assert!(up, "{:?}", desk.till.labels());
    disk.make_room().unwrap();
    let back = wait_until(seconds(20), || {
        let _ = desk.shows("Try again") && desk.till.tap("Try again").is_ok();
        desk.shows("Scan the first item")
    });
    assert!(back, "{:?}", desk.till.labels());
    desk.sell_for_cash(1);
    desk.next_sale();
    assert_eq!(desk.books_agree().await.len(), 3 + sold);
}
