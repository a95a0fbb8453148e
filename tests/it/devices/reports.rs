use super::{Heard, clock};
use evertill_hardware::scanner::hid_pos::Layout;
use evertill_hardware::scanner::{HidPosScanner, HidPosScannerConfig, Places, ScannerEvent, Trim, Where};
use evertill_tests::simulator::scanner::hid_pos::{HidPosEmulator, Maker};
use std::time::Duration;

struct Bench {
    scanner: HidPosEmulator,
    heard: Heard,
    _driver: HidPosScanner,
}

fn start(maker: Maker, layout: Option<Layout>) -> Bench {
    let scanner = HidPosEmulator::new(maker).unwrap();
    let config = HidPosScannerConfig {
        device: Where::Path(scanner.path().to_owned()),
        places: Places::default(),
        layout,
        duplicate_window: Duration::ZERO,
        trim: Trim::default(),
    };
    let (on_event, heard) = Heard::new();
    let driver = HidPosScanner::spawn(config, clock(), on_event).unwrap();
    Bench { scanner, heard, _driver: driver }
}

fn bench(maker: Maker) -> Bench {
    let layout = match maker {
        Maker::WithAim => Layout::with_aim(),
        Maker::WithoutAim => Layout::without_aim(),
    };
    let bench = start(maker, Some(layout));
    assert_eq!(bench.heard.word(), "+");
    bench
}

#[test]
fn codes_of_any_length_come_whole_from_every_maker() {
    let long = "0123456789abcdefghijklmnopqrstuvwxyz ABC ".repeat(9);
    let mut with = bench(Maker::WithAim);
    with.scanner.scan("]E0", "6901234567892").unwrap();
    with.scanner.scan("]Q1", &long).unwrap();
    with.scanner.scan("]Q1", "134567890123456789").unwrap();
    assert_eq!(with.heard.word(), "]E06901234567892");
    assert_eq!(with.heard.word(), format!("]Q1{long}"));
    assert_eq!(with.heard.word(), "]Q1134567890123456789");
    let mut without = bench(Maker::WithoutAim);
    without.scanner.scan("", "6901234567892").unwrap();
    without.scanner.scan("", &long).unwrap();
    assert_eq!([without.heard.word(), without.heard.word()], ["6901234567892".to_owned(), long]);
}

#[test]
fn a_cut_a_repeated_and_a_garbled_report_sell_nothing_and_the_next_code_is_right() {
    let mut bench = bench(Maker::WithAim);
    let parts = bench.scanner.reports("]Q1", &"x96385074".repeat(10));
    bench.scanner.send_raw(&parts[1][..40]).unwrap();
    bench.scanner.send_raw(&parts[1]).unwrap();
    assert_eq!([bench.heard.word(), bench.heard.word()], ["!Incomplete", "!Incomplete"]);
    for part in [&parts[0], &parts[0], &parts[1]] {
        bench.scanner.send_raw(part).unwrap();
    }
    assert_eq!([bench.heard.word(), bench.heard.word()], ["!Fragment", "!Incomplete"]);
    let mut garbled = parts[1];
    garbled[1] = 200;
    bench.scanner.send_raw(&garbled).unwrap();
    assert_eq!(bench.heard.word(), "!TooLong");
    bench.scanner.send_raw(&[5, 1, 2, 3]).unwrap();
    bench.scanner.scan("]E4", "96385074").unwrap();
    assert_eq!(bench.heard.word(), "]E496385074");
    assert!(bench.heard.nothing_comes());
}

#[test]
fn a_code_whose_rest_does_not_come_is_refused_and_so_is_the_rest() {
    let mut bench = bench(Maker::WithAim);
    let parts = bench.scanner.reports("]Q1", &"134567890".repeat(10));
    bench.scanner.send_raw(&parts[0]).unwrap();
    assert_eq!(bench.heard.word(), "!Incomplete");
    bench.scanner.send_raw(&parts[1]).unwrap();
    assert_eq!(bench.heard.word(), "!Incomplete");
    bench.scanner.scan("]E4", "96385074").unwrap();
    assert_eq!(bench.heard.word(), "]E496385074");
}

#[test]
fn a_scanner_pulled_out_in_the_middle_of_a_code_goes_on_and_joins_nothing() {
    let mut bench = bench(Maker::WithAim);
    let parts = bench.scanner.reports("]Q1", &"134567890".repeat(10));
    bench.scanner.send_raw(&parts[0]).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    bench.scanner.unplug();
    assert_eq!([bench.heard.word(), bench.heard.word()], ["!Incomplete", "-"]);
    bench.scanner.plug().unwrap();
    assert_eq!(bench.heard.word(), "+");
    bench.scanner.scan("]E4", "96385074").unwrap();
    assert_eq!(bench.heard.word(), "]E496385074");
}

#[test]
fn a_device_that_describes_no_reports_of_a_scanner_is_not_read() {
    let mut bench = start(Maker::WithAim, None);
    let ScannerEvent::Disconnected { reason } = bench.heard.next() else { panic!("it was read") };
    assert!(reason.contains("does not describe itself"), "{reason}");
    bench.scanner.scan("]E4", "96385074").unwrap();
    assert!(bench.heard.nothing_comes());
}
