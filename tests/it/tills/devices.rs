//! Paper, plugs and noise.

use super::desk::{Desk, GOODS, SCAN_PROMPT, seconds};
use evertill_tests::process::wait_until;
use evertill_tests::simulator::printer::Paper;
use evertill_tests::simulator::wechat::Behaviour;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_comes_out_once_whatever_happens_to_the_printer() {
    let mut desk = Desk::open().await;
    // No paper before the job: surely nothing came out, so the receipt itself may follow.
    desk.till.printer.set_paper(Paper::Out);
    desk.sell_by_code(1).await;
    desk.sees("The receipt did not come out", 20);
    desk.sees("Put in a new roll and close the cover.", 5);
    assert!(!desk.shows("Print a copy"));
    desk.till.printer.set_paper(Paper::Plenty);
    desk.tap("Print receipt");
    assert!(desk.till.printer.wait_for_receipts(1, seconds(15)), "{:?}", desk.till.printer.problems());
    desk.sees("The receipt is printed", 15);
    assert_eq!((desk.originals().len(), desk.copies()), (1, 0));
    desk.next_sale();

    // The plug is pulled in mid-job: nobody knows, so a marked copy is offered and nothing comes by itself.
    desk.till.printer.lose_power_after(5);
    let order = desk.sell_by_code(2).await;
    desk.sees("Did the receipt come out? The printer did not say.", 40);
    desk.sees("Printer not connected", 20);
    assert!(!desk.shows("Print receipt"), "a second original is offered");
    desk.till.printer.set_power(true);
    desk.sees("Printer ready", 20);
    tokio::time::sleep(seconds(6)).await;
    assert_eq!(desk.till.printer.receipts().len(), 1, "something was printed by itself");
    // Also not after the till was switched off and on, and not under "Orders" unless it is marked.
    desk.power_cycle();
    desk.sees("Did the receipt come out? The printer did not say.", 20);
    desk.sees("Printer ready", 20);
    tokio::time::sleep(seconds(2)).await;
    assert_eq!(desk.till.printer.receipts().len(), 1, "something was printed by itself after the start");
    desk.next_sale();
    desk.tap("Orders");
    desk.tap(&format!("Print a copy for {order}"));
    assert!(desk.till.printer.wait_for_receipts(2, seconds(15)), "{:?}", desk.till.printer.problems());
    assert_eq!(desk.copies(), 1);
    desk.tap("Back");

    // Nobody sells less because of a printer: without one the sale is paid all the same.
    desk.till.printer.set_power(false);
    desk.sees("Printer not connected", 20);
    desk.sell_for_cash(1);
    desk.sees("The receipt did not come out", 20);
    desk.till.printer.set_power(true);
    desk.tap("Print receipt");
    assert!(desk.till.printer.wait_for_receipts(3, seconds(20)), "{:?}", desk.till.printer.problems());
    desk.next_sale();
    assert!(desk.originals().values().all(|count| *count == 1), "{:?}", desk.originals());
    desk.books_agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scanner_that_was_unplugged_or_sends_noise_goes_on_working() {
    let mut desk = Desk::open().await;
    desk.till.scan(GOODS[0]).unwrap();
    desk.till.wait("1 item").unwrap();
    desk.till.scanner.unplug();
    desk.sees("Scanner not connected", 15);
    desk.sees("Search by name or code meanwhile", 5);
    // Meanwhile by search.
    desk.tap("Search by name or code");
    desk.till.type_text("6901234560022\n").unwrap();
    desk.till.wait("2 items").unwrap();
    desk.till.scanner.plug().unwrap();
    desk.sees("Scanner ready", 15);
    desk.till.scan(GOODS[2]).unwrap();
    desk.till.wait("3 items").unwrap();
    // Noise: binary, a line that never ends, halves of codes.
    let mut noise: Vec<u8> = (0..=255).collect();
    noise.extend(std::iter::repeat_n(b'7', 10_000));
    for bytes in [&noise[..], b"\r\n", &[0xff, 0xfe, 0x00, b'\r', b'\n'], b"69012345\r\n", b"\r\n\r\n\r\n"] {
        desk.till.scanner.send_raw(bytes).unwrap();
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    desk.till.scanner.scan_in_pieces(GOODS[3], 3, Duration::from_millis(15)).unwrap();
    desk.till.wait("4 items").unwrap();
    // Pulled out in the middle of the customer's code: half a code is none.
    desk.tap("Payment code");
    desk.till.wait(SCAN_PROMPT).unwrap();
    let code = desk.rig.wallet_control().code(Behaviour::Pays).await.unwrap();
    desk.till.scanner.send_raw(&code.as_bytes()[..9]).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    desk.till.scanner.unplug();
    desk.sees("Scanner not connected", 15);
    desk.till.scanner.plug().unwrap();
    desk.sees("Scanner ready", 15);
    assert!(wait_until(seconds(1), || desk.shows(SCAN_PROMPT)));
    desk.till.scan(&code).unwrap();
    desk.paid(20);
    assert_eq!(desk.wallet_net().await, 1_540);
    desk.books_agree().await;
}
