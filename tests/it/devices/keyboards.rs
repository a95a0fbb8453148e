use super::clock;
use super::scanners::word;
use evertill_hardware::scanner::{
    Places, ScannerEvent, Trim, Typing, WedgeScanner, WedgeScannerConfig, WedgeSettings, Where,
};
use evertill_tests::simulator::scanner::wedge::WedgeEmulator;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(5);

struct Bench {
    scanner: WedgeEmulator,
    events: Receiver<ScannerEvent>,
    _driver: WedgeScanner,
}

fn config(scanner: &WedgeEmulator, typing: Typing) -> WedgeScannerConfig {
    WedgeScannerConfig {
        device: Where::Path(scanner.path().to_owned()),
        places: Places::default(),
        settings: WedgeSettings { typing, ..WedgeSettings::default() },
        exclusive: false,
    }
}

fn start(scanner: WedgeEmulator, config: WedgeScannerConfig) -> Bench {
    let (send, events) = channel();
    let driver = WedgeScanner::spawn(config, clock(), Box::new(move |event| drop(send.send(event)))).unwrap();
    Bench { scanner, events, _driver: driver }
}

fn bench(typing: Typing) -> Bench {
    let scanner = WedgeEmulator::new().unwrap();
    let config = config(&scanner, typing);
    let bench = start(scanner, config);
    assert_eq!(bench.next(), "+");
    bench
}

impl Bench {
    fn next(&self) -> String {
        word(&self.events.recv_timeout(SOON).unwrap())
    }

    fn nothing_comes(&self) -> bool {
        self.events.recv_timeout(Duration::from_millis(300)).is_err()
    }
}

#[test]
fn what_a_scanner_types_is_a_scan_and_what_a_person_types_goes_to_the_window() {
    let mut bench = bench(Typing::default());
    bench.scanner.scan("]E06901234567892").unwrap();
    assert_eq!(bench.next(), "]E06901234567892");
    // Read all at once, as after a stall: the kernel's times tell that a person typed it.
    bench.scanner.press("1345678901", Duration::from_millis(120)).unwrap();
    assert_eq!((0..10).map(|_| bench.next()).collect::<String>(), "..........");
    assert!(bench.nothing_comes());
    bench.scanner.scan("134567890123456789").unwrap();
    assert_eq!(bench.next(), "134567890123456789");
}

#[test]
fn a_long_code_of_all_characters_comes_whole_over_many_reads() {
    let mut bench = bench(Typing::Never);
    let code = format!("]Q1HTTPS://example.test/?q={}&x=~{{}}|", "aZ09-_".repeat(60));
    bench.scanner.press(&format!("{code}\r"), Duration::from_millis(2)).unwrap();
    assert_eq!(bench.next(), code);
    bench.scanner.scan("6901234567892").unwrap();
    assert_eq!(bench.next(), "6901234567892");
}

#[test]
fn events_that_arrive_in_pieces_are_put_together() {
    let mut bench = bench(Typing::Never);
    let now = Duration::from_secs(1_800_000_000);
    let events =
        evertill_tests::simulator::scanner::wedge::presses("96385074\r", now, Duration::from_millis(5));
    let bytes: Vec<u8> = events.iter().flat_map(|event| event.to_bytes()).collect();
    for piece in bytes.chunks(35) {
        bench.scanner.send_raw(piece).unwrap();
    }
    assert_eq!(bench.next(), "96385074");
}

#[test]
fn when_the_kernel_lost_events_neither_half_of_a_code_is_one() {
    let mut bench = bench(Typing::Never);
    bench.scanner.press("69012", Duration::from_millis(5)).unwrap();
    bench.scanner.drop_events().unwrap();
    bench.scanner.scan("96385074").unwrap();
    assert_eq!(bench.next(), "!Unreadable");
    bench.scanner.scan("6901234567892").unwrap();
    assert_eq!(bench.next(), "6901234567892");
    assert!(bench.nothing_comes());
}

#[test]
fn a_keyboard_pulled_out_and_put_back_goes_on_and_joins_nothing() {
    let mut bench = bench(Typing::Never);
    bench.scanner.press("69012", Duration::from_millis(5)).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    bench.scanner.unplug();
    assert_eq!([bench.next(), bench.next()], ["!Incomplete", "-"]);
    bench.scanner.plug().unwrap();
    assert_eq!(bench.next(), "+");
    bench.scanner.scan("96385074").unwrap();
    assert_eq!(bench.next(), "96385074");
}

#[test]
fn garbage_at_the_device_sells_nothing() {
    let mut bench = bench(Typing::default());
    for seed in 0..200_u32 {
        let noise: Vec<u8> =
            (0..72_u32).map(|n| (n.wrapping_mul(2_654_435_761).wrapping_add(seed * 97) >> 7) as u8).collect();
        bench.scanner.send_raw(&noise).unwrap();
    }
    bench.scanner.unplug();
    let got: Vec<String> = std::iter::from_fn(|| bench.events.recv_timeout(Duration::from_secs(1)).ok())
        .map(|event| word(&event))
        .collect();
    assert!(got.iter().all(|word| word.starts_with(['!', '.', '-'])), "{got:?}");
}

#[test]
fn a_device_that_cannot_be_held_is_not_read() {
    let mut scanner = WedgeEmulator::new().unwrap();
    scanner.scan("134567890123456789").unwrap();
    let config = WedgeScannerConfig { exclusive: true, ..config(&scanner, Typing::Never) };
    let bench = start(scanner, config);
    let Ok(ScannerEvent::Disconnected { reason }) = bench.events.recv_timeout(SOON) else {
        panic!("it was read")
    };
    assert!(reason.contains("for the till alone"), "{reason}");
    assert!(bench.nothing_comes());
}

#[test]
fn marks_around_codes_are_taken_off() {
    let scanner = WedgeEmulator::new().unwrap();
    let mut config = config(&scanner, Typing::default());
    config.settings.trim = Trim { prefix: "~".into(), suffix: "#".into() };
    let mut bench = start(scanner, config);
    assert_eq!(bench.next(), "+");
    bench.scanner.scan("~]E096385074#").unwrap();
    assert_eq!(bench.next(), "]E096385074");
}
