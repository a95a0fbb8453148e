use super::*;
use proptest::prelude::*;

const LATE: Duration = Duration::from_secs(3600);

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Drains the assembler into words: the text of a scan, or `!` and the refusal.
fn drain(assembler: &mut Assembler) -> Vec<String> {
    std::iter::from_fn(|| assembler.poll_output())
        .map(|item| match item {
            Assembled::Scan(text) => text.expose().to_owned(),
            Assembled::Refused(refusal) => format!("!{refusal:?}"),
        })
        .collect()
}

fn run(config: AssemblerConfig, reads: &[(u64, &[u8])]) -> Vec<String> {
    let mut assembler = Assembler::new(config);
    for (at, bytes) in reads {
        assembler.handle_bytes(bytes, ms(*at));
    }
    assembler.handle_time(LATE);
    drain(&mut assembler)
}

fn terminated(reads: &[(u64, &[u8])]) -> Vec<String> {
    run(AssemblerConfig::default(), reads)
}

fn idle(reads: &[(u64, &[u8])]) -> Vec<String> {
    run(AssemblerConfig { framing: Framing::Idle { idle: ms(60) }, ..AssemblerConfig::default() }, reads)
}

#[test]
fn every_terminator_ends_a_scan_and_crlf_is_one_even_when_split() {
    assert_eq!(terminated(&[(0, b"1\r2\n3\r\n4\t")]), ["1", "2", "3", "4"]);
    assert_eq!(terminated(&[(0, b"1\r"), (3, b"\n2\r"), (9, b"\n")]), ["1", "2"]);
}

#[test]
fn two_scans_in_one_read_are_two_scans() {
    assert_eq!(terminated(&[(0, b"6901234567892\r6901234567892\r")]), ["6901234567892", "6901234567892"]);
}

#[test]
fn a_pause_ends_a_scan_only_without_terminators() {
    assert_eq!(idle(&[(0, b"690"), (40, b"123"), (200, b"42")]), ["690123", "42"]);
    assert_eq!(terminated(&[(0, b"690"), (900, b"123\r")]), ["690123"]);
}

#[test]
fn idle_shorter_than_scanners_pause_is_not_accepted() {
    let hasty = AssemblerConfig { framing: Framing::Idle { idle: ms(1) }, ..AssemblerConfig::default() };
    assert_eq!(run(hasty, &[(0, b"690"), (45, b"123")]), ["690123"]);
}

#[test]
fn the_tail_of_an_interrupted_scan_is_never_an_article() {
    assert_eq!(
        terminated(&[(0, b"69012"), (2000, b"96385074\r"), (2100, b"42\r")]),
        ["!Incomplete", "!Incomplete", "42"]
    );
}

#[test]
fn however_long_the_pause_the_tail_is_never_an_article() {
    let mut assembler = Assembler::new(AssemblerConfig::default());
    assembler.handle_bytes(b"69012", ms(0));
    for at in (100..20_000).step_by(100) {
        assembler.handle_time(ms(at));
    }
    assembler.handle_bytes(b"96385074\r", ms(20_000));
    assert_eq!(drain(&mut assembler), ["!Incomplete", "!Incomplete"]);
}

#[test]
fn an_aim_prefix_starts_afresh_after_an_interrupted_scan() {
    assert_eq!(terminated(&[(0, b"69012"), (2000, b"]E096385074\r")]), ["!Incomplete", "]E096385074"]);
}

#[test]
fn a_scanner_without_terminators_is_noticed_at_every_scan() {
    let got = terminated(&[(0, b"1111"), (5000, b"2222"), (10_000, b"3333")]);
    assert_eq!(got, ["!Incomplete", "!Incomplete", "!Incomplete"]);
}

#[test]
fn a_line_break_inside_a_two_dimensional_code_refuses_all_of_its_pieces() {
    assert_eq!(
        terminated(&[(0, b"]Q1BEGIN\r96385074\rEND\r"), (500, b"]E096385074\r")]),
        ["!Fragment", "!Fragment", "]E096385074"]
    );
    assert_eq!(terminated(&[(0, b"]d2A\r\n"), (30, b"B"), (31, b"\r\n")]), ["!Fragment"]);
}

#[test]
fn a_two_dimensional_code_stands_when_nothing_or_an_aim_prefix_follows() {
    assert_eq!(terminated(&[(0, b"]Q1pay\r"), (80, b"42\r")]), ["]Q1pay", "42"]);
    assert_eq!(
        terminated(&[(0, b"]Q1pay\r\n]"), (3, b"E"), (4, b"096385074\r\n")]),
        ["]Q1pay", "]E096385074"]
    );
    assert_eq!(terminated(&[(0, b"]Q1pay\r]]3\r")]), ["!Fragment"]);
}

#[test]
fn a_held_code_is_given_out_by_time_alone() {
    let mut assembler = Assembler::new(AssemblerConfig::default());
    assembler.handle_bytes(b"]Q1pay\r", ms(10));
    assert!(assembler.poll_output().is_none());
    assert_eq!(assembler.poll_timeout(), Some(ms(60)));
    assembler.handle_time(ms(60));
    assert_eq!(drain(&mut assembler), ["]Q1pay"]);
    assert_eq!(assembler.poll_timeout(), None);
}

#[test]
fn an_article_code_whose_terminator_was_lost_ends_at_the_next_prefix() {
    assert_eq!(terminated(&[(0, b"]E06901234567892]E096385074\r")]), ["]E06901234567892", "]E096385074"]);
    assert_eq!(idle(&[(0, b"]E06901234567892]E096385074")]), ["]E06901234567892", "]E096385074"]);
}

#[test]
fn overlong_input_is_discarded_to_the_next_terminator_and_reported_once() {
    let mut long = vec![b'7'; BUFFER_BYTES * 3];
    long.extend_from_slice(b"\r42\r");
    assert_eq!(terminated(&[(0, &long)]), ["!TooLong", "42"]);
    let mut full = vec![b'7'; BUFFER_BYTES];
    full.push(b'\r');
    assert_eq!(terminated(&[(0, &full)])[0].len(), BUFFER_BYTES);
}

#[test]
fn noise_is_discarded_to_the_next_terminator_and_reported_once() {
    assert_eq!(terminated(&[(0, b"69\x00\x02\xFF12345\r42\r")]), ["!Unreadable", "42"]);
    assert_eq!(terminated(&[(0, b"69\xFF\xFE\r42\r")]), ["!Unreadable", "42"]);
}

#[test]
fn group_separators_and_chinese_pass() {
    assert_eq!(terminated(&[(0, b"]C10112\x1D21A\r")]), ["]C10112\x1D21A"]);
    assert_eq!(terminated(&[(0, "会员\r".as_bytes())]), ["会员"]);
}

#[test]
fn a_lost_line_joins_nothing() {
    let mut assembler = Assembler::new(AssemblerConfig::default());
    assembler.handle_bytes(b"69012", ms(0));
    assembler.handle_line_lost();
    assembler.handle_bytes(b"42\r", ms(300));
    assert_eq!(drain(&mut assembler), ["!Incomplete", "42"]);
}

#[test]
fn the_duplicate_window_is_off_unless_asked_for_and_bounded() {
    let reads: &[(u64, &[u8])] = &[(0, b"42\r"), (100, b"42\r"), (450, b"42\r"), (460, b"43\r")];
    assert_eq!(terminated(reads), ["42", "42", "42", "43"]);
    let config = AssemblerConfig { duplicate_window: ms(9000), ..AssemblerConfig::default() };
    assert_eq!(run(config, reads), ["42", "42", "43"]);
}

#[test]
fn what_is_remembered_for_duplicates_is_forgotten_with_the_window() {
    let config = AssemblerConfig { duplicate_window: ms(200), ..AssemblerConfig::default() };
    let mut assembler = Assembler::new(config);
    assembler.handle_bytes(b"134567890123456789\r", ms(0));
    assert_eq!(assembler.poll_timeout(), Some(ms(200)));
    assembler.handle_time(ms(200));
    assert!(assembler.duplicates.due().is_none());
}

fn marked(marks: Marks, reads: &[(u64, &[u8])]) -> Vec<String> {
    run(AssemblerConfig { marks, ..AssemblerConfig::default() }, reads)
}

#[test]
fn frames_with_marks_begin_and_end_where_these_stand() {
    let stx = |reads| marked(Marks::StxEtx, reads);
    assert_eq!(stx(&[(0, b"\x02690\x03\x0242\x03\r\n")]), ["690", "42"]);
    assert_eq!(stx(&[(0, b"\x02]Q1a\rb\n\tc\x03")]), ["]Q1a\rb\n\tc"], "line ends belong to the code");
    assert_eq!(stx(&[(0, b"\x02\x03\x0242\x03")]), ["42"]);
    assert_eq!(stx(&[(0, b"690\x03\x0242\x03")]), ["!Incomplete", "42"], "its beginning was lost");
    assert_eq!(stx(&[(0, b"\x02690\x0242\x03")]), ["!Incomplete", "42"], "its end was lost");
    assert_eq!(stx(&[(0, b"\x02690"), (2000, b"12\x03\x0242\x03")]), ["!Incomplete", "42"]);
    assert_eq!(stx(&[(0, b"\x0269\x000\x03\x0242\x03")]), ["!Unreadable", "42"]);
    assert_eq!(stx(&[(0, b"\x02\xFF\x03\x0242\x03")]), ["!Unreadable", "42"]);
    let mut long = vec![b'7'; BUFFER_BYTES + 9];
    long.insert(0, 0x02);
    long.extend_from_slice(b"\x03\x0242\x03");
    assert_eq!(stx(&[(0, &long)]), ["!TooLong", "42"]);
}

#[test]
fn a_lost_line_inside_a_marked_frame_joins_nothing() {
    let mut assembler =
        Assembler::new(AssemblerConfig { marks: Marks::StxEtx, ..AssemblerConfig::default() });
    assembler.handle_bytes(b"\x02690", ms(0));
    assembler.handle_line_lost();
    assembler.handle_bytes(b"12\x03\x0242\x03", ms(300));
    assert_eq!(drain(&mut assembler), ["!Incomplete", "!Incomplete", "42"]);
}

#[test]
fn a_pause_ends_no_frame_that_has_a_mark_at_its_end() {
    let config = AssemblerConfig {
        framing: Framing::Idle { idle: ms(60) },
        marks: Marks::StxEtx,
        ..AssemblerConfig::default()
    };
    assert_eq!(run(config, &[(0, b"\x02690"), (500, b"123\x03\x0242\x03")]), ["!Incomplete", "42"]);
}

#[test]
fn other_ends_count_only_where_they_are_set() {
    assert_eq!(marked(Marks::Etx, &[(0, b"690\x0342\r")]), ["690", "42"]);
    assert_eq!(marked(Marks::Eot, &[(0, b"690\x0442\x04\r\n")]), ["690", "42"]);
    for stream in [&b"690\x0342\r7\r"[..], b"690\x0442\r7\r", b"\x0269042\r7\r"] {
        assert_eq!(terminated(&[(0, stream)]), ["!Unreadable", "7"]);
    }
}

#[test]
fn messages_of_iso_15434_have_separators_of_their_own_and_others_have_not() {
    let message = "]d1[)>\x1E06\x1D1P123\x1D4LCN\x1E\x04";
    assert_eq!(terminated(&[(0, format!("{message}\r").as_bytes())]), [message]);
    let framed = format!("\x02{message}\x03");
    assert_eq!(marked(Marks::StxEtx, &[(0, framed.as_bytes())]), [message]);
    let inside = format!("]d1{}[)>\x1E06\x1E\x04\r42\r", "7".repeat(20));
    assert_eq!(terminated(&[(0, inside.as_bytes())])[0], "!Unreadable", "that is no header");
}

fn split(stream: &[u8], cuts: &[usize]) -> Vec<String> {
    let mut assembler = Assembler::new(AssemblerConfig::default());
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    at.extend([0, stream.len()]);
    at.sort_unstable();
    for pair in at.windows(2) {
        assembler.handle_bytes(&stream[pair[0]..pair[1]], ms(5));
    }
    assembler.handle_time(LATE);
    drain(&mut assembler)
}

proptest! {
    #[test]
    fn splits_do_not_change_what_was_scanned(
        codes in prop::collection::vec(("[0-9A-Za-z:/?=%.-]{1,60}", 0_usize..4), 1..8),
        cuts in prop::collection::vec(0_usize..2000, 0..12),
    ) {
        let mut stream = Vec::new();
        for (code, terminator) in &codes {
            stream.extend_from_slice(code.as_bytes());
            stream.extend_from_slice([&b"\r"[..], b"\n", b"\r\n", b"\t"][*terminator]);
        }
        let want: Vec<String> = codes.into_iter().map(|(code, _)| code).collect();
        prop_assert_eq!(split(&stream, &cuts), want);
    }

    #[test]
    fn splits_do_not_change_anything_even_for_garbage(
        stream in prop::collection::vec(
            prop_oneof![any::<u8>(), Just(b'\r'), Just(b']'), Just(b'Q'), Just(b'E'), Just(b'1')], 0..300),
        cuts in prop::collection::vec(0_usize..300, 0..20),
    ) {
        prop_assert_eq!(split(&stream, &cuts), split(&stream, &[]));
    }

    #[test]
    fn garbage_at_any_time_never_panics_and_never_blocks_the_next_scans(
        reads in prop::collection::vec((0_u64..3000, prop::collection::vec(any::<u8>(), 0..100)), 0..30),
    ) {
        let mut assembler = Assembler::new(AssemblerConfig::default());
        let mut now = 0;
        for (pause, bytes) in reads {
            now += pause;
            assembler.handle_bytes(&bytes, ms(now));
        }
        assembler.handle_bytes(b"\r", ms(now));
        assembler.handle_time(ms(now + 500));
        drain(&mut assembler);
        assembler.handle_bytes(b"6901234567892\r", ms(now + 600));
        prop_assert_eq!(drain(&mut assembler), vec!["6901234567892".to_owned()]);
    }

    #[test]
    fn marked_frames_are_lost_by_no_split_no_merge_and_no_noise_between_them(
        codes in prop::collection::vec("[ -~\\r\\n\\t]{1,60}", 1..8),
        noise in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 8),
        cuts in prop::collection::vec(0_usize..2000, 0..12),
    ) {
        let mut stream = Vec::new();
        for (code, noise) in codes.iter().zip(&noise) {
            stream.extend(noise.iter().filter(|byte| !(2..=3).contains(*byte)));
            stream.push(STX);
            stream.extend_from_slice(code.as_bytes());
            stream.push(ETX);
        }
        let mut assembler = Assembler::new(AssemblerConfig { marks: Marks::StxEtx, ..AssemblerConfig::default() });
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
        at.extend([0, stream.len()]);
        at.sort_unstable();
        for pair in at.windows(2) {
            assembler.handle_bytes(&stream[pair[0]..pair[1]], ms(5));
        }
        let scans: Vec<String> =
            drain(&mut assembler).into_iter().filter(|item| item != "!Incomplete").collect();
        prop_assert_eq!(scans, codes);
    }

    #[test]
    fn garbage_never_blocks_the_next_marked_frame(
        reads in prop::collection::vec((0_u64..3000, prop::collection::vec(any::<u8>(), 0..100)), 0..30),
    ) {
        let mut assembler = Assembler::new(AssemblerConfig { marks: Marks::StxEtx, ..AssemblerConfig::default() });
        let mut now = 0;
        for (pause, bytes) in reads {
            now += pause;
            assembler.handle_bytes(&bytes, ms(now));
        }
        drain(&mut assembler);
        assembler.handle_bytes(b"\x026901234567892\x03", ms(now + 1));
        let got = drain(&mut assembler);
        prop_assert_eq!(got.last().map(String::as_str), Some("6901234567892"));
    }
}
