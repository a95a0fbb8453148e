//! The till's disk is full.

use super::desk::{Desk, GOODS, paid_in_journal, seconds};
use evertill_shared::journal::Body;
use evertill_tests::process::wait_until;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small disk of its own; taken away with the value.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, with the reason on standard error, if this user may not mount one.
    fn at(path: &Path) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(path).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(path.into())),
            Ok(output) => {
                eprintln!("SKIPPED: no small disk: {}", String::from_utf8_lossy(&output.stderr));
                None
            }
            Err(error) => {
                eprintln!("SKIPPED: no small disk: {error}");
                None
            }
        }
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(self.ballast()).unwrap();
        for size in [65_536, 4_096, 1] {
            while file.write_all(&vec![0x5a; size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the till may still have files on it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

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
    let mut disk = None;
    let mut desk = {
        let dir = Desk::open_with(|rig| {
            disk = SmallDisk::at(&Desk::till_dir(rig));
            None
        });
        dir.await
    };
    let Some(disk) = disk else { return };
    // The disk fills up while a sale is at the cash page: it is finished, from the space held in reserve.
    desk.goods(2);
    desk.tap("Cash");
    desk.wait_for_number();
    disk.fill();
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

    disk.make_room();
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
    disk.fill();
    desk.power_cycle();
    let up = wait_until(seconds(20), || desk.shows("Scan the first item") || desk.shows("disk is full"));
    assert!(up, "{:?}", desk.till.labels());
    disk.make_room();
    let back = wait_until(seconds(20), || {
        let _ = desk.shows("Try again") && desk.till.tap("Try again").is_ok();
        desk.shows("Scan the first item")
    });
    assert!(back, "{:?}", desk.till.labels());
    desk.sell_for_cash(1);
    desk.next_sale();
    assert_eq!(desk.books_agree().await.len(), 3 + sold);
}
