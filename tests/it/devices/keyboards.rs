use super::{Heard, clock, word};
use evertill_hardware::label::{LabelKind, classify};
use evertill_hardware::scanner::wedge::InputEvent;
use evertill_hardware::scanner::{
    Places, ScannerEvent, Trim, Typing, WedgeScanner, WedgeScannerConfig, WedgeSettings, Where,
};
use evertill_tests::simulator::scanner::wedge::WedgeEmulator;
use std::time::Duration;

struct Bench {
    scanner: WedgeEmulator,
    heard: Heard,
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
    let (on_event, heard) = Heard::new();
    let driver = WedgeScanner::spawn(config, clock(), on_event).unwrap();
    Bench { scanner, heard, _driver: driver }
}

fn bench(typing: Typing) -> Bench {
    let scanner = WedgeEmulator::new().unwrap();
    let config = config(&scanner, typing);
    let bench = start(scanner, config);
    assert_eq!(bench.heard.word(), "+");
    bench
}

#[test]
fn what_a_scanner_types_is_a_scan_and_what_a_person_types_goes_to_the_window() {
    let mut bench = bench(Typing::default());
    bench.scanner.scan("]E06901234567892").unwrap();
    assert_eq!(bench.heard.word(), "]E06901234567892");
    for digit in "1345678901".chars() {
        bench.scanner.press(&digit.to_string(), Duration::from_millis(120)).unwrap();
    }
    assert_eq!((0..10).map(|_| bench.heard.word()).collect::<String>(), "..........");
    assert!(bench.heard.nothing_comes());
    bench.scanner.scan("134567890123456789").unwrap();
    assert_eq!(bench.heard.word(), "134567890123456789");
}

#[test]
fn a_long_code_of_all_characters_comes_whole_over_many_reads() {
    let mut bench = bench(Typing::Never);
    let code = format!("]Q1HTTPS://example.test/?q={}&x=~{{}}|", "aZ09-_".repeat(60));
    bench.scanner.press(&format!("{code}\r"), Duration::from_millis(2)).unwrap();
    assert_eq!(bench.heard.word(), code);
    bench.scanner.scan("6901234567892").unwrap();
    assert_eq!(bench.heard.word(), "6901234567892");
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
    assert_eq!(bench.heard.word(), "96385074");
}

#[test]
fn when_the_kernel_lost_events_neither_half_of_a_code_is_one() {
    let mut bench = bench(Typing::Never);
    bench.scanner.press("69012", Duration::from_millis(5)).unwrap();
    bench.scanner.drop_events().unwrap();
    bench.scanner.scan("96385074").unwrap();
    assert_eq!(bench.heard.word(), "!Unreadable");
    bench.scanner.scan("6901234567892").unwrap();
    assert_eq!(bench.heard.word(), "6901234567892");
    assert!(bench.heard.nothing_comes());
}

#[test]
fn a_keyboard_pulled_out_and_put_back_goes_on_and_joins_nothing() {
    let mut bench = bench(Typing::Never);
    bench.scanner.press("69012", Duration::from_millis(5)).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    bench.scanner.unplug();
    assert_eq!([bench.heard.word(), bench.heard.word()], ["!Incomplete", "-"]);
    bench.scanner.plug().unwrap();
    assert_eq!(bench.heard.word(), "+");
    bench.scanner.scan("96385074").unwrap();
    assert_eq!(bench.heard.word(), "96385074");
}

#[test]
fn garbage_at_the_device_sells_nothing() {
    for typing in [Typing::default(), Typing::Never] {
        let mut bench = bench(typing);
        let mut below = chance();
        let mut at = Duration::from_secs(1_700_000_000);
        for _ in 0..200 {
            let noise: Vec<u8> = (0..12).flat_map(|_| event(&mut below, &mut at).to_bytes()).collect();
            bench.scanner.send_raw(&noise).unwrap();
        }
        bench.scanner.unplug();
        let heard = bench.heard.rest();
        let words: Vec<String> = heard.iter().map(word).collect();
        let often = words.iter().filter(|word| word.starts_with(['!', '.'])).count();
        assert!(often > 10, "nothing was looked at: {words:?}");
        for event in heard {
            let ScannerEvent::Scanned(text) = event else { continue };
            assert!(matches!(classify(text).kind, LabelKind::Other), "{words:?}");
        }
    }
}

/// Numbers below a bound, the same each time.
fn chance() -> impl FnMut(u64) -> u64 {
    let mut state = 7_u64;
    move |bound| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    }
}

/// A key, up, down or held, at any time, or something else that keyboards tell.
fn event(below: &mut impl FnMut(u64) -> u64, at: &mut Duration) -> InputEvent {
    *at = match below(20) {
        0 => at.saturating_sub(Duration::from_secs(below(5))),
        1 => *at + Duration::from_secs(below(5)),
        _ => *at + Duration::from_millis(below(40)),
    };
    let kind = if below(10) < 7 { 1 } else { u16::try_from(below(5)).unwrap() };
    let value = i32::try_from(below(4)).unwrap() - 1;
    // Keys up to Enter: Control or Alt, held once, would make all others unreadable.
    let codes = if kind == 1 { 29 } else { 130 };
    let code = if below(5) == 0 { 28 } else { u16::try_from(below(codes)).unwrap() };
    InputEvent { at: *at, kind, code, value }
}

#[test]
fn a_device_that_cannot_be_held_is_not_read() {
    let mut scanner = WedgeEmulator::new().unwrap();
    scanner.scan("134567890123456789").unwrap();
    let config = WedgeScannerConfig { exclusive: true, ..config(&scanner, Typing::Never) };
    let bench = start(scanner, config);
    let ScannerEvent::Disconnected { reason } = bench.heard.next() else { panic!("it was read") };
    assert!(reason.contains("for the till alone"), "{reason}");
    assert!(bench.heard.nothing_comes());
}

#[test]
fn marks_around_codes_are_taken_off() {
    let scanner = WedgeEmulator::new().unwrap();
    let mut config = config(&scanner, Typing::default());
    config.settings.trim = Trim { prefix: "~".into(), suffix: "#".into() };
    let mut bench = start(scanner, config);
    assert_eq!(bench.heard.word(), "+");
    bench.scanner.scan("~]E096385074#").unwrap();
    assert_eq!(bench.heard.word(), "]E096385074");
}
