use super::{Heard, clock, word};
use evertill_hardware::label::{LabelKind, classify};
use evertill_hardware::scanner::{
    AssemblerConfig, Framing, Refusal, ScannerEvent, SerialScanner, SerialScannerConfig,
};
use evertill_hardware::serial_line::SerialLine;
use evertill_tests::simulator::scanner::{ScannerEmulator, Terminator};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(5);

/// A scanner on its line, with the driver connected to it.
struct Bench {
    scanner: ScannerEmulator,
    heard: Heard,
    driver: SerialScanner,
}

fn bench(terminator: Terminator, assembler: AssemblerConfig) -> Bench {
    let scanner = ScannerEmulator::new(terminator).unwrap();
    let line = SerialLine::new(scanner.path(), 115_200);
    let config = SerialScannerConfig { assembler, ..SerialScannerConfig::new(line) };
    let (on_event, heard) = Heard::new();
    let driver = SerialScanner::spawn(config, clock(), on_event).unwrap();
    assert_eq!(heard.word(), "+");
    Bench { scanner, heard, driver }
}

#[test]
fn every_terminator_gives_one_scan_whole_or_in_pieces() {
    for terminator in [Terminator::Cr, Terminator::Lf, Terminator::CrLf, Terminator::Tab] {
        let mut bench = bench(terminator, AssemblerConfig::default());
        bench.scanner.scan("6901234567892").unwrap();
        assert_eq!(bench.heard.word(), "6901234567892");
        bench.scanner.scan_in_pieces("96385074", 3, Duration::from_millis(4)).unwrap();
        assert_eq!(bench.heard.word(), "96385074", "{terminator:?}");
        bench.scanner.scan_in_pieces("42", 1, Duration::from_millis(15)).unwrap();
        assert_eq!(bench.heard.word(), "42");
        assert!(bench.heard.nothing_comes());
    }
}

#[test]
fn two_scans_that_arrive_together_are_two() {
    let mut bench = bench(Terminator::CrLf, AssemblerConfig::default());
    bench.scanner.scan_all(&["6901234567892", "6901234567892", "96385074"]).unwrap();
    assert_eq!(
        [bench.heard.word(), bench.heard.word(), bench.heard.word()],
        ["6901234567892", "6901234567892", "96385074"]
    );
}

#[test]
fn a_scanner_without_terminator_works_by_its_pauses() {
    let framing = Framing::Idle { idle: Duration::from_millis(80) };
    let mut bench = bench(Terminator::None, AssemblerConfig { framing, ..AssemblerConfig::default() });
    bench.scanner.scan_in_pieces("6901234567892", 5, Duration::from_millis(10)).unwrap();
    assert_eq!(bench.heard.word(), "6901234567892");
    bench.scanner.scan("96385074").unwrap();
    assert_eq!(bench.heard.word(), "96385074");
}

#[test]
fn garbage_on_the_line_is_refused_and_the_next_scan_is_right() {
    let mut bench = bench(Terminator::Cr, AssemblerConfig::default());
    bench.scanner.send_raw(b"\x00\xFF\xFE69\x80\x01\r").unwrap();
    assert_eq!(bench.heard.word(), format!("!{:?}", Refusal::Unreadable));
    bench.scanner.send_raw(&[b'7'; 6000]).unwrap();
    assert_eq!(bench.heard.word(), format!("!{:?}", Refusal::TooLong));
    bench.scanner.send_raw(b"\r").unwrap();
    bench.scanner.scan("6901234567892").unwrap();
    assert_eq!(bench.heard.word(), "6901234567892");
    assert!(bench.heard.nothing_comes());
}

#[test]
fn a_two_dimensional_code_with_line_breaks_never_sells_an_article() {
    let mut bench = bench(Terminator::Cr, AssemblerConfig::default());
    bench.scanner.scan("]Q1BEGIN:VCARD\r6901234567892\rEND").unwrap();
    assert_eq!(bench.heard.word(), format!("!{:?}", Refusal::Fragment));
    let rest: Vec<_> = bench.heard.rest().iter().map(word).collect();
    assert!(rest.iter().all(|word| word == "!Fragment"), "{rest:?}");
    bench.scanner.scan("]Q1https://example.test/").unwrap();
    assert_eq!(bench.heard.word(), "]Q1https://example.test/");
}

#[test]
fn a_scanner_pulled_out_and_put_back_goes_on_and_joins_nothing() {
    let mut bench = bench(Terminator::Cr, AssemblerConfig::default());
    bench.scanner.send_raw(b"69012").unwrap();
    std::thread::sleep(Duration::from_millis(200));
    bench.scanner.unplug();
    assert_eq!(bench.heard.word(), format!("!{:?}", Refusal::Incomplete));
    assert_eq!(bench.heard.word(), "-");
    bench.scanner.plug().unwrap();
    assert_eq!(bench.heard.word(), "+");
    bench.scanner.scan("96385074").unwrap();
    assert_eq!(bench.heard.word(), "96385074");
}

#[test]
fn a_scanner_that_is_not_there_is_reported_once_and_found_later() {
    let mut scanner = ScannerEmulator::new(Terminator::Cr).unwrap();
    scanner.unplug();
    let (on_event, heard) = Heard::new();
    let config = SerialScannerConfig::new(SerialLine::new(scanner.path(), 9600));
    let _driver = SerialScanner::spawn(config, clock(), on_event).unwrap();
    assert_eq!(heard.word(), "-");
    assert!(heard.0.recv_timeout(Duration::from_millis(600)).is_err());
    scanner.plug().unwrap();
    assert_eq!(heard.word(), "+");
}

#[test]
fn stopping_the_driver_frees_the_line() {
    let bench = bench(Terminator::Cr, AssemblerConfig::default());
    let Bench { mut scanner, driver, heard } = bench;
    drop(driver);
    assert!(matches!(heard.0.recv_timeout(SOON), Err(RecvTimeoutError::Disconnected)));
    let (on_event, heard) = Heard::new();
    let config = SerialScannerConfig::new(SerialLine::new(scanner.path(), 9600));
    let _again = SerialScanner::spawn(config, clock(), on_event).unwrap();
    assert_eq!(heard.word(), "+");
    scanner.scan("42").unwrap();
    assert_eq!(heard.word(), "42");
}

#[test]
fn ten_scans_a_second_all_arrive_in_order_and_are_articles() {
    let mut bench = bench(Terminator::CrLf, AssemblerConfig::default());
    for _ in 0..30 {
        bench.scanner.scan("]E06901234567892").unwrap();
        std::thread::sleep(Duration::from_millis(100));
    }
    for _ in 0..30 {
        let ScannerEvent::Scanned(text) = bench.heard.next() else { panic!("lost") };
        assert!(matches!(classify(text).kind, LabelKind::Article(_)));
    }
}
