use super::*;
use crate::label::{LabelKind, classify};
use crate::scanner::ScanText;
use crate::scanner::wedge::Key;
use crate::scanner::wedge::keys::keys_for;
use proptest::prelude::*;

/// The kernel's clock when a test begins.
const BOOT_MS: u64 = 1_700_000_000_000;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

struct Bench {
    assembler: WedgeAssembler,
    now: u64,
    /// The kernel's clock less ours.
    ahead: u64,
}

impl Bench {
    fn new(settings: WedgeSettings) -> Self {
        Self { assembler: WedgeAssembler::new(settings), now: 1_000, ahead: BOOT_MS }
    }

    fn shared() -> Self {
        Self::new(WedgeSettings::default())
    }

    fn only_scanner() -> Self {
        Self::new(WedgeSettings { typing: Typing::Never, ..WedgeSettings::default() })
    }

    fn event(&mut self, code: u16, value: i32) {
        let event = InputEvent { at: ms(self.ahead + self.now), kind: 1, code, value };
        self.assembler.handle_read(&event, ms(self.now));
        self.assembler.handle_event(&event, ms(self.now));
    }

    /// Presses the keys of a text, with so long a pause before each.
    fn keys(&mut self, text: &str, gap: u64) {
        for byte in text.bytes() {
            self.wait(gap);
            let (code, shift) = keys_for(byte).unwrap();
            if shift {
                self.event(42, 1);
            }
            self.event(code, 1);
            self.event(code, 0);
            if shift {
                self.event(42, 0);
            }
        }
    }

    fn wait(&mut self, pause: u64) {
        let until = self.now + pause;
        while let Some(due) = self.assembler.poll_timeout().filter(|due| *due < ms(until)) {
            self.now = self.now.max(u64::try_from(due.as_millis()).unwrap());
            self.assembler.handle_time(ms(self.now));
        }
        self.now = until;
    }

    /// What came: scans, `!` and refusals, and what was typed in brackets.
    fn got(&mut self) -> Vec<String> {
        self.wait(5_000);
        self.assembler.handle_time(ms(self.now));
        let mut got: Vec<String> = Vec::new();
        let mut typed = String::new();
        while let Some(event) = self.assembler.poll_output() {
            if let ScannerEvent::Typed(key) = event {
                match key {
                    Key::Character(character) => typed.push(character),
                    Key::Enter => typed.push('\n'),
                    _ => typed.push('^'),
                }
                continue;
            }
            if !typed.is_empty() {
                got.push(format!("[{}]", std::mem::take(&mut typed)));
            }
            got.push(match event {
                ScannerEvent::Scanned(text) => text.expose().to_owned(),
                ScannerEvent::ScanRefused { reason } => format!("!{reason:?}"),
                other => format!("{other:?}"),
            });
        }
        if !typed.is_empty() {
            got.push(format!("[{typed}]"));
        }
        got
    }
}

#[test]
fn a_scan_is_a_scan_and_typing_is_typing_on_one_device() {
    let mut bench = Bench::shared();
    bench.keys("]E06901234567892\r", 6);
    bench.keys("milk\r", 120);
    bench.keys("134567890123456789\r", 16);
    assert_eq!(bench.got(), ["]E06901234567892", "[milk\n]", "134567890123456789"]);
}

#[test]
fn every_speed_of_scanners_is_told_from_every_speed_of_people() {
    for gap in [0, 1, 7, 16, 19, 30, 35] {
        let mut bench = Bench::shared();
        bench.wait(1_000);
        bench.keys("6901234567892\r", gap);
        assert_eq!(bench.got(), ["6901234567892"], "{gap} ms");
    }
    for gap in [36, 45, 60, 80, 120, 300] {
        let mut bench = Bench::shared();
        bench.keys("6901234567892\r", gap);
        assert_eq!(bench.got(), ["[6901234567892\n]"], "{gap} ms");
    }
}

#[test]
fn capital_letters_and_signs_of_a_code_come_right() {
    let mut bench = Bench::only_scanner();
    bench.keys("HTTPS://Example.test/?a=1&b={2}|~\r", 2);
    assert_eq!(bench.got(), ["HTTPS://Example.test/?a=1&b={2}|~"]);
}

#[test]
fn a_finger_that_slides_over_the_keys_sells_nothing() {
    let mut bench = Bench::shared();
    bench.keys("4567", 12);
    assert_eq!(bench.got(), ["!Incomplete"]);
}

#[test]
fn where_people_type_fast_a_few_keys_are_still_typing() {
    let mut bench = Bench::shared();
    bench.keys("12\r", 20);
    bench.wait(300);
    bench.keys("abc", 25);
    assert_eq!(bench.got(), ["[12\nabc]"]);
}

#[test]
fn a_scanner_that_pauses_inside_a_code_gives_it_whole_and_never_to_the_window() {
    let mut bench = Bench::shared();
    bench.keys("1345678901", 8);
    bench.wait(300);
    bench.keys("23456789\r", 8);
    assert_eq!(bench.got(), ["134567890123456789"]);
    bench.keys("1345678901", 8);
    bench.wait(3_000);
    assert_eq!(bench.got(), ["!Incomplete"]);
}

#[test]
fn line_ends_inside_a_code_refuse_all_of_its_pieces() {
    let mut bench = Bench::shared();
    bench.keys("]Q1BEGIN\r6901234567892\rE\r", 5);
    let got = bench.got();
    assert!(!got.is_empty() && got.iter().all(|event| event == "!Fragment"), "{got:?}");
}

#[test]
fn a_prefix_decides_where_the_scanner_sends_one() {
    let trim = Trim { prefix: "~".into(), suffix: "#".into() };
    let mut bench = Bench::new(WedgeSettings { trim, ..WedgeSettings::default() });
    bench.keys("~42#\r", 60);
    bench.wait(300);
    bench.keys("1234567\r", 10);
    bench.keys("~4", 60);
    bench.wait(3_000);
    assert_eq!(bench.got(), ["42", "[1234567\n]", "!Incomplete"]);
}

#[test]
fn a_key_that_is_held_is_a_persons() {
    let mut bench = Bench::shared();
    bench.event(14, 1);
    for _ in 0..3 {
        bench.wait(33);
        bench.event(14, 2);
    }
    assert_eq!(bench.got(), ["[^^^^]"]);
    let mut scanner = Bench::only_scanner();
    scanner.keys("690", 5);
    scanner.event(5, 2);
    scanner.keys("12\r", 5);
    assert_eq!(scanner.got(), ["!Unreadable"], "a release was lost");
}

#[test]
fn when_the_kernel_lost_events_neither_half_is_a_code() {
    for mut bench in [Bench::shared(), Bench::only_scanner()] {
        bench.keys("69012", 5);
        let event = InputEvent { at: ms(BOOT_MS + bench.now), kind: 0, code: 3, value: 0 };
        bench.assembler.handle_event(&event, ms(bench.now));
        bench.keys("96385074\r", 5);
        bench.wait(500);
        bench.keys("6901234567892\r", 5);
        assert_eq!(bench.got(), ["!Unreadable", "6901234567892"]);
    }
}

#[test]
fn a_device_that_is_pulled_out_joins_nothing() {
    for mut bench in [Bench::shared(), Bench::only_scanner()] {
        bench.keys("69012", 5);
        bench.assembler.handle_device_lost();
        bench.keys("96385074\r", 5);
        assert_eq!(bench.got(), ["!Incomplete", "96385074"]);
    }
}

#[test]
fn however_late_events_are_read_the_device_decides() {
    let mut assembler = WedgeAssembler::new(WedgeSettings::default());
    // The first is read at once; a person's keys pile up for two seconds and are read in one go.
    for (nth, byte) in b"6901234\r".iter().enumerate() {
        let (code, _) = keys_for(*byte).unwrap();
        let at = ms(BOOT_MS + 120 * nth as u64);
        let now = if nth == 0 { ms(10) } else { ms(2_000) };
        assembler.handle_event(&InputEvent { at, kind: 1, code, value: 1 }, now);
    }
    let typed = std::iter::from_fn(|| assembler.poll_output());
    assert_eq!(typed.filter(|event| matches!(event, ScannerEvent::Typed(_))).count(), 8);
}

#[test]
fn typed_keys_and_scans_do_not_print() {
    assert!(!format!("{:?}", ScannerEvent::Typed(Key::Character('7'))).contains('7'));
    let mut bench = Bench::shared();
    bench.keys("134567", 5);
    assert!(!format!("{:?}", bench.assembler).contains("1345"));
}

#[test]
fn a_clock_set_back_while_nothing_comes_gives_no_code_to_the_window() {
    for back in [100, 500, 2_000, 3_600_000] {
        let mut bench = Bench::shared();
        bench.keys("6901234567892\r", 6);
        bench.wait(10_000);
        bench.ahead -= back;
        bench.assembler.handle_quiet(ms(bench.now - 50));
        bench.keys("134567890123456789\r", 33);
        bench.wait(500);
        bench.keys("12", 120);
        assert_eq!(bench.got(), ["6901234567892", "134567890123456789", "[12]"], "{back} ms");
    }
}

proptest! {
    #[test]
    fn codes_come_out_as_they_went_in(codes in prop::collection::vec(("[0-9A-Za-z:/?=%.~-]{4,60}", 1_u64..34), 1..6)) {
        for mut bench in [Bench::shared(), Bench::only_scanner()] {
            for (code, gap) in &codes {
                bench.wait(400);
                bench.keys(&format!("{code}\r"), *gap);
            }
            let want: Vec<&str> = codes.iter().map(|(code, _)| code.as_str()).collect();
            prop_assert_eq!(bench.got(), want);
        }
    }

    #[test]
    fn what_people_type_reaches_the_window_key_for_key(text in "[a-z0-9 ]{1,30}", gaps in prop::collection::vec(75_u64..400, 30)) {
        let mut bench = Bench::shared();
        for (byte, gap) in text.bytes().zip(gaps) {
            bench.keys(&char::from(byte).to_string(), gap);
        }
        prop_assert_eq!(bench.got(), [format!("[{text}]")]);
    }

    #[test]
    fn garbage_never_becomes_an_article(
        events in prop::collection::vec((0_u16..4, any::<u16>(), -1_i32..4, 0_u64..90), 0..120),
        only_scanner: bool,
    ) {
        let mut bench = if only_scanner { Bench::only_scanner() } else { Bench::shared() };
        for (kind, code, value, pause) in events {
            bench.wait(pause);
            // Mostly keys that there are.
            let code = if kind == 0 { code } else { code % 130 };
            let event = InputEvent { at: ms(BOOT_MS + bench.now), kind, code, value };
            bench.assembler.handle_event(&event, ms(bench.now));
        }
        for text in bench.got() {
            let kind = classify(ScanText::new(text.trim_matches(['[', ']']).to_owned())).kind;
            prop_assert!(kind == LabelKind::Other || text.starts_with('['), "{}", text);
        }
    }

    #[test]
    fn any_bytes_are_events_or_nothing(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let mut assembler = WedgeAssembler::new(WedgeSettings::default());
        for chunk in bytes.chunks_exact(24) {
            let event = InputEvent::from_bytes(chunk.try_into().unwrap());
            assembler.handle_event(&event, ms(5));
            assembler.handle_time(ms(5));
        }
        while assembler.poll_output().is_some() {}
    }
}
