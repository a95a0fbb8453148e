use super::super::session::Link;
use super::*;
use crate::escpos::document::Align;
use crate::escpos::picture::Picture;
use std::sync::{Arc, Mutex};

/// What the scripted printer does with what it gets.
#[derive(Default)]
struct Script {
    /// Everything that was sent, over all connections.
    sent: Vec<u8>,
    answers: Vec<u8>,
    /// The answers to DLE EOT 1 to 4; silent if empty.
    status: Vec<u8>,
    /// Whether GS r is answered.
    answers_gs_r: bool,
    /// GS r is answered so many times only; then silence.
    gs_r_left: usize,
    /// Before the next answer to GS r come so many to questions of earlier jobs.
    gs_r_stale: usize,
    /// GS ( H echoes this instead of what was asked.
    echo: Option<[u8; 4]>,
    /// The line is lost after so many bytes.
    dies_after: usize,
    /// The line takes no bytes beyond so many.
    stalls_after: usize,
    /// The line fails once the printer is gone.
    notices_loss: bool,
    /// The line has not delivered what it took.
    keeps_back: bool,
    /// How often it was waited for.
    drained: usize,
    opened: usize,
}

#[derive(Clone)]
struct Scripted(Arc<Mutex<Script>>);

impl Scripted {
    fn new(script: Script) -> Self {
        Self(Arc::new(Mutex::new(script)))
    }

    fn sent(&self) -> Vec<u8> {
        self.0.lock().unwrap().sent.clone()
    }
}

fn healthy() -> Script {
    Script {
        status: vec![0x12; 4],
        answers_gs_r: true,
        gs_r_left: usize::MAX,
        dies_after: usize::MAX,
        stalls_after: usize::MAX,
        ..Script::default()
    }
}

impl Transport for Scripted {
    type Link = Self;

    fn open(&mut self) -> io::Result<Self> {
        self.0.lock().unwrap().opened += 1;
        Ok(self.clone())
    }

    fn bytes_per_second(&self) -> u32 {
        960
    }

    fn stays_open(&self) -> bool {
        true
    }

    fn connects(&self) -> bool {
        false
    }

    fn notices_loss(&self) -> bool {
        self.0.lock().unwrap().notices_loss
    }

    fn reopen_pause(&self) -> Duration {
        Duration::ZERO
    }
}

impl Link for Scripted {
    fn send(&mut self, bytes: &[u8], _: Duration) -> io::Result<usize> {
        let mut script = self.0.lock().unwrap();
        if script.sent.len() >= script.dies_after {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if script.sent.len() >= script.stalls_after {
            return Ok(0);
        }
        // A byte at a time, the worst that a line may do.
        script.sent.push(bytes[0]);
        let sent = script.sent.clone();
        if let [.., 0x10, 0x04, n @ 1..=4] = sent.as_slice()
            && let Some(answer) = script.status.get(usize::from(*n) - 1).copied()
        {
            script.answers.push(answer);
        }
        if sent.ends_with(&ASK_PAPER) && script.answers_gs_r && script.gs_r_left > 0 {
            script.gs_r_left -= 1;
            let stale = std::mem::take(&mut script.gs_r_stale);
            script.answers.extend(std::iter::repeat_n(0x00, stale + 1));
        }
        if sent.len() > 11 && sent[sent.len() - 11..].starts_with(&[0x1D, 0x28, 0x48, 6, 0, 0x30, 0x30]) {
            let asked = sent[sent.len() - 4..].try_into().unwrap();
            let echo = script.echo.filter(|_| asked != BEFORE_A_JOB).unwrap_or(asked);
            script.answers.extend([0x37, 0x22].iter().chain(&echo).chain(&[0]));
        }
        Ok(1)
    }

    fn receive(&mut self, buffer: &mut [u8], _: Duration) -> io::Result<usize> {
        let mut script = self.0.lock().unwrap();
        let count = script.answers.len().min(buffer.len()).min(1);
        for (place, byte) in buffer.iter_mut().zip(script.answers.drain(..count)) {
            *place = byte;
        }
        Ok(count)
    }

    fn drain(&mut self, _: Duration) -> io::Result<bool> {
        let mut script = self.0.lock().unwrap();
        script.drained += 1;
        Ok(!script.keeps_back)
    }
}

/// Each look at the clock takes a millisecond, so that waiting ends without waiting.
fn fast_clock() -> Monotonic {
    let now = Mutex::new(Duration::ZERO);
    Monotonic::new(move || {
        let mut now = now.lock().unwrap();
        *now += Duration::from_millis(1);
        *now
    })
}

fn printer(script: Script, profile: Profile) -> (EscPosPrinter<Scripted>, Scripted) {
    let line = Scripted::new(script);
    (EscPosPrinter::with_transport(line.clone(), profile, fast_clock()), line)
}

fn receipt() -> Document {
    Document::new().line("Tea").cut()
}

fn times_printed(line: &Scripted) -> usize {
    line.sent().windows(3).filter(|bytes| bytes == b"Tea").count()
}

#[test]
fn a_job_is_confirmed_by_the_answer_to_its_own_question() {
    let (mut printer, line) = printer(healthy(), Profile::paper_80mm());
    assert_eq!(printer.print(&receipt(), JobId(1)), PrintOutcome::Confirmed);
    assert_eq!(times_printed(&line), 1);
}

#[test]
fn only_the_echo_of_the_jobs_own_number_confirms_it() {
    let profile = Profile::paper_80mm().with_completion(Completion::ProcessId);
    let (mut good, _) = printer(healthy(), profile.clone());
    assert_eq!(good.print(&receipt(), JobId(7)), PrintOutcome::Confirmed);
    let (mut stale, line) = printer(Script { echo: Some(marker(JobId(6))), ..healthy() }, profile);
    assert_eq!(stale.print(&receipt(), JobId(7)), PrintOutcome::Unknown(UnknownReason::NoAnswer));
    assert_eq!(times_printed(&line), 1);
}

#[test]
fn nothing_of_a_job_is_sent_to_a_printer_that_cannot_print() {
    for (n, answer, status) in [
        (1, 0x12 | 1 << 5, PrinterStatus::PaperOut),
        (1, 0x12 | 1 << 2, PrinterStatus::CoverOpen),
        (0, 0x12 | 1 << 3, PrinterStatus::Offline),
    ] {
        let mut script = healthy();
        script.status[n] = answer;
        let (mut printer, line) = printer(script, Profile::paper_80mm());
        let outcome = printer.print(&receipt(), JobId(1));
        assert_eq!(outcome, PrintOutcome::NotStarted(NotStarted::NotReady(status)));
        assert_eq!(times_printed(&line), 0);
    }
}

#[test]
fn a_silent_printer_gets_no_job() {
    let (mut printer, line) = printer(Script { status: vec![], ..healthy() }, Profile::paper_80mm());
    assert_eq!(printer.status(), PrinterStatus::Unreachable);
    let outcome = printer.print(&receipt(), JobId(1));
    assert_eq!(outcome, PrintOutcome::NotStarted(NotStarted::NotReady(PrinterStatus::Unreachable)));
    assert_eq!(times_printed(&line), 0);
}

#[test]
fn a_job_without_an_answer_is_unknown_and_not_sent_again() {
    // The barrier is answered, the job's own question is not.
    let (mut printer, line) = printer(Script { gs_r_left: 1, ..healthy() }, Profile::paper_80mm());
    let outcome = printer.print(&receipt(), JobId(1));
    assert_eq!(outcome, PrintOutcome::Unknown(UnknownReason::NoAnswer));
    assert_eq!(times_printed(&line), 1);
}

#[test]
fn a_late_answer_to_an_earlier_job_confirms_nothing() {
    let (mut printer, line) = printer(Script { gs_r_left: 1, ..healthy() }, Profile::paper_80mm());
    let no_answer = PrintOutcome::Unknown(UnknownReason::NoAnswer);
    assert_eq!(printer.print(&receipt(), JobId(1)), no_answer);
    {
        let mut script = line.0.lock().unwrap();
        script.gs_r_left = 1;
        script.gs_r_stale = 1;
    }
    assert_eq!(printer.print(&receipt(), JobId(2)), no_answer);
}

#[test]
fn a_line_lost_in_the_middle_leaves_the_job_unknown() {
    let profile = Profile::paper_80mm().with_completion(Completion::ProcessId);
    // Four questions of three bytes each go out before the job, and what ends a command that was cut
    // off, and proves it.
    let before = 12 + LONGEST_COMMAND + ask_to_echo(BEFORE_A_JOB).len();
    let (mut lost, _) = printer(Script { dies_after: before + 1, ..healthy() }, profile.clone());
    assert_eq!(lost.print(&receipt(), JobId(1)), PrintOutcome::Unknown(UnknownReason::Disconnected));
    let (mut unsent, _) = printer(Script { dies_after: before, ..healthy() }, profile.clone());
    assert!(matches!(unsent.print(&receipt(), JobId(1)), PrintOutcome::NotStarted(_)));
    let (mut stalled, _) = printer(Script { stalls_after: before + 2, ..healthy() }, profile.clone());
    assert_eq!(stalled.print(&receipt(), JobId(1)), PrintOutcome::Unknown(UnknownReason::NoAnswer));
    let (mut busy, _) = printer(Script { stalls_after: before, ..healthy() }, profile);
    assert_eq!(busy.print(&receipt(), JobId(1)), PrintOutcome::NotStarted(NotStarted::Busy));
}

#[test]
fn a_printer_that_cannot_confirm_leaves_every_job_unknown() {
    let profile =
        Profile { real_time_status: false, ..Profile::paper_80mm() }.with_completion(Completion::None);
    let (mut printer, line) = printer(Script { status: vec![], answers_gs_r: false, ..healthy() }, profile);
    assert_eq!(printer.status(), PrinterStatus::Unknown);
    let outcome = printer.print(&receipt(), JobId(1));
    assert_eq!(outcome, PrintOutcome::Unknown(UnknownReason::NoReadback));
    assert_eq!(times_printed(&line), 1);
}

#[test]
fn a_document_that_cannot_be_printed_is_not_begun() {
    let (mut printer, line) = printer(healthy(), Profile::paper_58mm());
    let outcome = printer.print(&Document::new().qr("x".repeat(1000)), JobId(1));
    assert!(matches!(outcome, PrintOutcome::NotStarted(NotStarted::Document(_))));
    assert!(line.sent().is_empty());
}

#[test]
fn the_drawer_opens_without_paper_where_the_printer_can() {
    let mut script = healthy();
    script.status[1] = 0x12 | 1 << 5;
    let profile = Profile { real_time_pulse: true, ..Profile::paper_80mm() };
    let (mut printer, line) = printer(script, profile);
    let outcome = printer.kick_drawer(DrawerKick::default());
    assert_eq!(outcome, PrintOutcome::Unknown(UnknownReason::NoReadback));
    assert!(line.sent().ends_with(&DrawerKick::default().real_time_command()));
}

#[test]
fn waiting_counts_the_line_and_the_paper() {
    let (printer, _) = printer(healthy(), Profile::paper_80mm());
    assert_eq!(printer.time_for(0, 0), Duration::from_secs(5));
    // 9600 bytes at 960 a second, 400 mm at 50 a second.
    assert_eq!(printer.time_for(9600, 3200), Duration::from_secs(5 + 10 + 8));
}

#[test]
fn numbers_near_each_other_have_markers_of_their_own_in_printable_characters() {
    let mut seen = std::collections::HashSet::new();
    for n in (0..20_000).chain([u64::MAX, u64::MAX - 1]) {
        let marker = marker(JobId(n));
        assert!(marker.iter().all(|byte| (0x20..=0x7E).contains(byte)) && marker[0] != b'~');
        assert!(seen.insert(marker), "{n}");
    }
}

fn silent() -> Profile {
    Profile { real_time_status: false, ..Profile::paper_80mm() }.with_completion(Completion::None)
}

fn times_padded(line: &Scripted) -> usize {
    let sent = line.sent();
    let runs = sent.split(|byte| *byte != 0);
    runs.filter(|zeros| zeros.len() >= LONGEST_COMMAND).count()
}

#[test]
fn a_printer_that_never_answers_is_closed_only_after_all_is_with_it() {
    let (mut printer, line) = printer(Script { notices_loss: true, ..healthy() }, silent());
    let outcome = printer.print(&receipt(), JobId(1));
    assert_eq!(outcome, PrintOutcome::Unknown(UnknownReason::NoReadback));
    assert!(line.0.lock().unwrap().drained > 0, "closed at once, with the last write under way");
}

#[test]
fn zeros_go_before_a_job_only_if_the_one_before_was_cut_off_or_nobody_knows() {
    let (mut printer, line) = printer(Script { notices_loss: true, ..healthy() }, silent());
    for job in 1..=3 {
        let _ = printer.print(&receipt(), JobId(job));
    }
    assert_eq!((times_padded(&line), times_printed(&line)), (1, 3), "only after the start");
    line.0.lock().unwrap().keeps_back = true;
    let _ = printer.print(&receipt(), JobId(4));
    line.0.lock().unwrap().keeps_back = false;
    let _ = printer.print(&receipt(), JobId(5));
    assert_eq!(times_padded(&line), 2, "the printer did not get all of the fourth");
    let _ = printer.print(&receipt(), JobId(6));
    assert_eq!(times_padded(&line), 2);
}

#[test]
fn zeros_go_before_every_job_of_a_printer_whose_loss_nobody_hears_of() {
    let (mut printer, line) = printer(healthy(), silent());
    for job in 1..=2 {
        let _ = printer.print(&receipt(), JobId(job));
    }
    assert_eq!(times_padded(&line), 2);
}

#[test]
fn on_a_slow_line_a_printer_is_asked_within_a_picture_before_it_could_have_restarted() {
    let picture = Picture::new(48, vec![0xAA; 48 * 60]).unwrap();
    let document = Document::new().picture(picture, Align::Center).line("thanks");
    let longest_unasked = |notices_loss| {
        let (mut printer, line) = printer(Script { notices_loss, ..healthy() }, Profile::paper_80mm());
        assert_eq!(printer.print(&document, JobId(1)), PrintOutcome::Confirmed);
        let sent = line.sent();
        let start = sent.windows(3).position(|bytes| bytes == [0x1D, b'v', b'0']).unwrap();
        let questions = sent[start..].windows(2).enumerate().filter(|(_, bytes)| *bytes == [0x10, 0x04]);
        let mut places = vec![0];
        places.extend(questions.map(|(place, _)| place));
        places.push(sent.len() - start);
        places.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap()
    };
    // A quarter of a second at 9600 baud.
    assert!(longest_unasked(false) <= 240, "{}", longest_unasked(false));
    assert!(longest_unasked(true) > 2_000, "a line that notices by itself is not asked");
}

fn by_key() -> Profile {
    Profile { logo: LogoStore::ByKey, ..Profile::paper_80mm() }
}

fn logo() -> Picture {
    Picture::new(48, vec![0xAA; 48 * 60]).unwrap()
}

fn times(line: &Scripted, wanted: &[u8]) -> usize {
    line.sent().windows(wanted.len()).filter(|bytes| *bytes == wanted).count()
}

#[test]
fn a_logo_that_the_printer_confirmed_is_printed_by_its_key_and_until_then_as_dots() {
    let page = Document::new().picture(logo(), Align::Center).line("thanks");
    let (mut printer, line) = printer(healthy(), by_key());
    let id = printer.logo_to_keep(&logo()).unwrap();
    assert_eq!(printer.print(&page, JobId(1)), PrintOutcome::Confirmed);
    assert!(times(&line, b"\x1Dv0") > 0);
    let before = times(&line, b"\x1Dv0");
    assert_eq!(printer.keep_logo(&logo(), &[LogoId(7), id], JobId(2)), PrintOutcome::Confirmed);
    assert_eq!((times(&line, &LogoId(7).delete()), times(&line, &id.delete())), (1, 0));
    assert_eq!(printer.print(&page, JobId(3)), PrintOutcome::Confirmed);
    assert_eq!((times(&line, b"\x1Dv0"), times(&line, &id.print())), (before, 1));
    printer.remember_logo(None, 0);
    assert_eq!(printer.print(&page, JobId(4)), PrintOutcome::Confirmed);
    assert!(times(&line, b"\x1Dv0") > before, "forgotten: as dots again");
}

#[test]
fn a_logo_that_was_cut_off_swallows_no_receipt_and_is_not_taken_for_kept() {
    let (mut printer, line) = printer(Script { stalls_after: 3_000, ..healthy() }, by_key());
    assert!(matches!(printer.keep_logo(&logo(), &[], JobId(1)), PrintOutcome::Unknown(_)));
    line.0.lock().unwrap().stalls_after = usize::MAX;
    let page = Document::new().picture(logo(), Align::Center).line("thanks");
    assert_eq!(printer.print(&page, JobId(2)), PrintOutcome::Confirmed);
    let sent = line.sent();
    let padding = sent[3_000..].iter().skip_while(|byte| **byte != 0).take_while(|byte| **byte == 0).count();
    assert!(padding >= logo().store().unwrap().len(), "{padding}");
    assert!(times(&line, b"\x1Dv0") > 0);
    // Nor is one that a program before this one left unfinished.
    let (mut printer, line) = super::tests::printer(healthy(), by_key());
    printer.remember_logo(None, 9_000);
    assert_eq!(printer.print(&page, JobId(1)), PrintOutcome::Confirmed);
    assert!(times(&line, &[0; 9_000]) > 0);
}

#[test]
fn no_logo_is_stored_in_a_printer_that_confirms_nothing_or_keeps_none() {
    for profile in [by_key().with_completion(Completion::None), Profile::paper_80mm()] {
        let (mut printer, line) = printer(healthy(), profile);
        assert_eq!(printer.logo_to_keep(&logo()), None);
        assert!(matches!(printer.keep_logo(&logo(), &[], JobId(1)), PrintOutcome::NotStarted(_)));
        assert!(line.sent().is_empty());
    }
}
