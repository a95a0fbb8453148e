use super::clock;
use evertill_hardware::label::{LabelKind, classify};
use evertill_hardware::scanner::{
    AssemblerConfig, Framing, Refusal, ScannerEvent, SerialScanner, SerialScannerConfig,
};
use evertill_hardware::serial_line::SerialLine;
use evertill_tests::simulator::scanner::{ScannerEmulator, Terminator};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(5);

/// An event in words: a scan's text, `!` and a refusal, `+` connected, `-` disconnected, `.` a key for the window.
pub fn word(event: &ScannerEvent) -> String {
    match event {
        ScannerEvent::Connected => "+".into(),
        ScannerEvent::Disconnected { .. } => "-".into(),
        ScannerEvent::Scanned(text) => text.expose().to_owned(),
        ScannerEvent::Typed(_) => ".".into(),
        ScannerEvent::ScanRefused { reason } => format!("!{reason:?}"),
    }
}

/// A scanner on its line, with the driver connected to it.
struct Bench {
    scanner: ScannerEmulator,
    events: Receiver<ScannerEvent>,
    driver: SerialScanner,
}

fn bench(terminator: Terminator, assembler: AssemblerConfig) -> Bench {
    let scanner = ScannerEmulator::new(terminator).unwrap();
    let line = SerialLine::new(scanner.path(), 115_200);
    let config = SerialScannerConfig { assembler, ..SerialScannerConfig::new(line) };
    let (send, events) = channel();
    let on_event = Box::new(move |event| drop(send.send(event)));
    let driver = SerialScanner::spawn(config, clock(), on_event).unwrap();
    assert!(matches!(events.recv_timeout(SOON), Ok(ScannerEvent::Connected)));
    Bench { scanner, events, driver }
}

impl Bench {
    fn next(&self) -> String {
        word(&self.events.recv_timeout(SOON).unwrap())
    }

    fn nothing_comes(&self) -> bool {
        let wait = Duration::from_millis(150);
        matches!(self.events.recv_timeout(wait), Err(RecvTimeoutError::Timeout))
    }
}

#[test]
fn every_terminator_gives_one_scan_whole_or_in_pieces() {
    for terminator in [Terminator::Cr, Terminator::Lf, Terminator::CrLf, Terminator::Tab] {
        let mut bench = bench(terminator, AssemblerConfig::default());
        bench.scanner.scan("6901234567892").unwrap();
        assert_eq!(bench.next(), "6901234567892");
        bench.scanner.scan_in_pieces("96385074", 3, Duration::from_millis(4)).unwrap();
        assert_eq!(bench.next(), "96385074", "{terminator:?}");
        bench.scanner.scan_in_pieces("42", 1, Duration::from_millis(15)).unwrap();
        assert_eq!(bench.next(), "42");
        assert!(bench.nothing_comes());
    }
}

#[test]
fn two_scans_that_arrive_together_are_two() {
    let mut bench = bench(Terminator::CrLf, AssemblerConfig::default());
    bench.scanner.scan_all(&["6901234567892", "6901234567892", "96385074"]).unwrap();
    assert_eq!([bench.next(), bench.next(), bench.next()], ["6901234567892", "6901234567892", "96385074"]);
}

#[test]
fn a_scanner_without_terminator_works_by_its_pauses() {
    let framing = Framing::Idle { idle: Duration::from_millis(80) };
    let mut bench = bench(Terminator::None, AssemblerConfig { framing, ..AssemblerConfig::default() });
    bench.scanner.scan_in_pieces("6901234567892", 5, Duration::from_millis(10)).unwrap();
    assert_eq!(bench.next(), "6901234567892");
    bench.scanner.scan("96385074").unwrap();
    assert_eq!(bench.next(), "96385074");
}

#[test]
fn garbage_on_the_line_is_refused_and_the_next_scan_is_right() {
    let mut bench = bench(Terminator::Cr, AssemblerConfig::default());
    bench.scanner.send_raw(b"\x00\xFF\xFE69\x80\x01\r").unwrap();
    assert_eq!(bench.next(), format!("!{:?}", Refusal::Unreadable));
    bench.scanner.send_raw(&[b'7'; 6000]).unwrap();
    assert_eq!(bench.next(), format!("!{:?}", Refusal::TooLong));
    bench.scanner.send_raw(b"\r").unwrap();
    bench.scanner.scan("6901234567892").unwrap();
    assert_eq!(bench.next(), "6901234567892");
    assert!(bench.nothing_comes());
}

#[test]
fn a_two_dimensional_code_with_line_breaks_never_sells_an_article() {
    let mut bench = bench(Terminator::Cr, AssemblerConfig::default());
    bench.scanner.scan("]Q1BEGIN:VCARD\r6901234567892\rEND").unwrap();
    assert_eq!(bench.next(), format!("!{:?}", Refusal::Fragment));
    while let Ok(event) = bench.events.recv_timeout(Duration::from_millis(300)) {
        assert!(matches!(event, ScannerEvent::ScanRefused { reason: Refusal::Fragment }), "{event:?}");
    }
    bench.scanner.scan("]Q1https://example.test/").unwrap();
    assert_eq!(bench.next(), "]Q1https://example.test/");
}

#[test]
fn a_scanner_pulled_out_and_put_back_goes_on_and_joins_nothing() {
    let mut bench = bench(Terminator::Cr, AssemblerConfig::default());
    bench.scanner.send_raw(b"69012").unwrap();
    std::thread::sleep(Duration::from_millis(200));
    bench.scanner.unplug();
    assert_eq!(bench.next(), format!("!{:?}", Refusal::Incomplete));
    assert_eq!(bench.next(), "-");
    bench.scanner.plug().unwrap();
    assert_eq!(bench.next(), "+");
    bench.scanner.scan("96385074").unwrap();
    assert_eq!(bench.next(), "96385074");
}

#[test]
fn a_scanner_that_is_not_there_is_reported_once_and_found_later() {
    let mut scanner = ScannerEmulator::new(Terminator::Cr).unwrap();
    scanner.unplug();
    let (send, events) = channel();
    let config = SerialScannerConfig::new(SerialLine::new(scanner.path(), 9600));
    let _driver =
        SerialScanner::spawn(config, clock(), Box::new(move |event| drop(send.send(event)))).unwrap();
    assert!(matches!(events.recv_timeout(SOON), Ok(ScannerEvent::Disconnected { .. })));
    assert!(events.recv_timeout(Duration::from_millis(600)).is_err());
    scanner.plug().unwrap();
    assert!(matches!(events.recv_timeout(SOON), Ok(ScannerEvent::Connected)));
}

#[test]
fn stopping_the_driver_frees_the_line() {
    let bench = bench(Terminator::Cr, AssemblerConfig::default());
    let Bench { mut scanner, driver, events } = bench;
    drop(driver);
    assert!(matches!(events.recv_timeout(SOON), Err(RecvTimeoutError::Disconnected)));
    let (send, events) = channel();
    let config = SerialScannerConfig::new(SerialLine::new(scanner.path(), 9600));
    let _again =
        SerialScanner::spawn(config, clock(), Box::new(move |event| drop(send.send(event)))).unwrap();
    assert!(matches!(events.recv_timeout(SOON), Ok(ScannerEvent::Connected)));
    scanner.scan("42").unwrap();
    assert!(matches!(events.recv_timeout(SOON), Ok(ScannerEvent::Scanned(_))));
}

#[test]
fn ten_scans_a_second_all_arrive_in_order_and_are_articles() {
    let mut bench = bench(Terminator::CrLf, AssemblerConfig::default());
    for _ in 0..30 {
        bench.scanner.scan("]E06901234567892").unwrap();
        std::thread::sleep(Duration::from_millis(100));
    }
    for _ in 0..30 {
        let Ok(ScannerEvent::Scanned(text)) = bench.events.recv_timeout(SOON) else { panic!("lost") };
        assert!(matches!(classify(text).kind, LabelKind::Article(_)));
    }
}
