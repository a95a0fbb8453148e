use super::*;
use proptest::prelude::*;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A report as an Access-IS scanner sends it, after its manual.
fn report(data: &[u8], continued: bool) -> Vec<u8> {
    let mut report = vec![0; 64];
    report[0] = 2;
    report[1] = u8::try_from(data.len()).unwrap();
    report[2..5].copy_from_slice(b"]Q0");
    report[5..5 + data.len()].copy_from_slice(data);
    report[61] = b's';
    report[63] = u8::from(continued);
    report
}

fn drain(assembler: &mut HidPosAssembler) -> Vec<String> {
    std::iter::from_fn(|| assembler.poll_output())
        .map(|item| match item {
            Assembled::Scan(text) => text.expose().to_owned(),
            Assembled::Refused(refusal) => format!("!{refusal:?}"),
        })
        .collect()
}

fn run(reports: &[(u64, Vec<u8>)]) -> Vec<String> {
    let mut assembler = HidPosAssembler::new(Layout::with_aim(), Duration::ZERO);
    for (at, report) in reports {
        assembler.handle_report(report, ms(*at));
    }
    assembler.handle_time(ms(3_600_000));
    drain(&mut assembler)
}

#[test]
fn a_code_in_one_report_and_one_in_two_come_whole() {
    let first = b"M1GATHERGOOD/MICHAEL YABCDEF LHRDURAK 3542 052Y003D23  ";
    assert_eq!(run(&[(0, report(b"6901234567892", false))]), ["]Q06901234567892"]);
    let got = run(&[(0, report(first, true)), (4, report(b"1234", false))]);
    assert_eq!(got, [format!("]Q0{}1234", String::from_utf8_lossy(first))]);
}

#[test]
fn without_an_identifier_in_the_report_there_is_none_before_the_code() {
    let mut assembler = HidPosAssembler::new(Layout::without_aim(), Duration::ZERO);
    let mut report = vec![0; 64];
    report[..15].copy_from_slice(b"\x02\x0D6901234567892");
    assembler.handle_report(&report, ms(0));
    assert_eq!(drain(&mut assembler), ["6901234567892"]);
}

#[test]
fn a_terminator_inside_the_report_is_taken_off_and_line_breaks_inside_a_code_stay() {
    assert_eq!(run(&[(0, report(b"96385074\r\n", false))]), ["]Q096385074"]);
    assert_eq!(run(&[(0, report(b"BEGIN\r\n96385074\r\nEND", false))]), ["]Q0BEGIN\r\n96385074\r\nEND"]);
}

#[test]
fn the_rest_of_a_code_that_stopped_is_never_a_code() {
    let got = run(&[
        (0, report(b"13456", true)),
        (2_000, report(b"96385074", false)),
        (2_100, report(b"42", false)),
    ]);
    assert_eq!(got, ["!Incomplete", "!Incomplete", "]Q042"]);
}

#[test]
fn a_part_that_comes_twice_makes_no_code_wherever_it_stands() {
    let (first, last) = (report(&[b'7'; 56], true), report(b"96385074", false));
    let twice = run(&[(0, first.clone()), (1, first.clone()), (2, last.clone()), (9, report(b"42", false))]);
    assert_eq!(twice, ["!Fragment", "!Incomplete", "]Q042"]);
    let tail = run(&[(0, first), (1, last.clone()), (2, last.clone()), (9, last)]);
    assert_eq!(tail, [format!("]Q0{}96385074", "7".repeat(56)), "!Fragment".into(), "]Q096385074".into()]);
}

#[test]
fn the_last_part_of_a_refused_code_that_comes_twice_is_no_code() {
    let (first, last) = (report(&[b'7'; 56], true), report(b"96385074", false));
    // The end of the code before was lost, so this one is refused too.
    let got = run(&[
        (0, report(b"13456", true)),
        (2_000, first),
        (2_004, last.clone()),
        (2_008, last.clone()),
        (3_500, last),
    ]);
    assert_eq!(got, ["!Incomplete", "!Incomplete", "!Fragment", "]Q096385074"]);
}

#[test]
fn what_is_cut_too_long_or_unreadable_is_refused() {
    let whole = report(b"96385074", false);
    assert_eq!(
        run(&[(0, whole[..40].to_vec()), (9, whole.clone()), (20, whole.clone())]),
        ["!Incomplete", "!Incomplete", "]Q096385074"]
    );
    let mut long = whole.clone();
    long[1] = 57;
    assert_eq!(run(&[(0, long), (9, whole.clone())]), ["!TooLong", "]Q096385074"]);
    assert_eq!(run(&[(0, report(b"96\x00\x0385", false))]), ["!Unreadable"]);
    assert_eq!(run(&[(0, report(b"\xFF\xFE", false))]), ["!Unreadable"]);
    assert_eq!(run(&[(0, report(b"", false))]), ["!Incomplete"]);
    let mut of_its_state = whole;
    of_its_state[0] = 5;
    assert_eq!(run(&[(0, of_its_state)]), Vec::<String>::new());
}

#[test]
fn parts_of_two_codes_make_none() {
    let mut other = report(b"96385074", false);
    other[3] = b'E';
    assert_eq!(run(&[(0, report(b"13456", true)), (5, other)]), ["!Fragment"]);
}

#[test]
fn a_code_without_end_is_refused() {
    let parts: Vec<_> = (0..200_u64).map(|n| (n, report(format!("{n:056}").as_bytes(), true))).collect();
    assert_eq!(run(&parts)[0], "!TooLong");
}

#[test]
fn a_lost_device_joins_nothing_and_the_same_code_at_once_may_be_dropped() {
    let mut assembler = HidPosAssembler::new(Layout::with_aim(), ms(200));
    assembler.handle_report(&report(b"13456", true), ms(0));
    assembler.handle_device_lost();
    for at in [10, 100, 400] {
        assembler.handle_report(&report(b"42", false), ms(at));
    }
    assert_eq!(drain(&mut assembler), ["!Incomplete", "]Q042", "]Q042"]);
}

proptest! {
    #[test]
    fn any_code_comes_out_as_it_went_in(codes in prop::collection::vec("[ -~]{1,200}", 1..6)) {
        let mut assembler = HidPosAssembler::new(Layout::with_aim(), Duration::ZERO);
        let mut now = 0;
        let mut want = Vec::new();
        for code in &codes {
            let parts: Vec<&[u8]> = code.as_bytes().chunks(56).collect();
            // A code that repeats itself from report to report is refused: nobody can tell it from a fault.
            let doubtful = parts.windows(2).any(|pair| pair[0] == pair[1]);
            prop_assume!(!doubtful);
            for (nth, part) in parts.iter().enumerate() {
                assembler.handle_report(&report(part, nth + 1 < parts.len()), ms(now));
                now += 3;
            }
            now += 2_000;
            want.push(format!("]Q0{code}"));
        }
        prop_assert_eq!(drain(&mut assembler), want);
    }

    #[test]
    fn garbage_never_becomes_an_article(reports in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..40)) {
        let mut assembler = HidPosAssembler::new(Layout::with_aim(), Duration::ZERO);
        for (nth, report) in reports.iter().enumerate() {
            assembler.handle_report(report, ms(nth as u64));
        }
        for text in drain(&mut assembler) {
            let kind = crate::label::classify(ScanText::new(text)).kind;
            prop_assert_eq!(kind, crate::label::LabelKind::Other);
        }
    }
}
