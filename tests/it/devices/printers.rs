use super::clock;
use evertill_hardware::escpos::document::Align;
use evertill_hardware::escpos::logo::LogoStore;
use evertill_hardware::escpos::picture::Picture;
use evertill_hardware::escpos::profile::Completion;
use evertill_hardware::printer::{NetworkPrinter, SerialPrinter, UsbPrinter};
use evertill_hardware::serial_line::SerialLine;
use evertill_hardware::{
    Document, DrawerKick, JobId, NotStarted, PrintOutcome, Printer, PrinterStatus, Profile, Size, Style,
    UnknownReason,
};
use evertill_tests::simulator::printer::{Paper, PrinterConfig, PrinterEmulator, Pulse};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(5);
const ORDER: &str = "202609211215432123221992";

fn receipt() -> Document {
    Document::new()
        .text("永远收银 Evertill", Style::PLAIN.centered().bold().sized(Size::DOUBLE))
        .line("2026-09-21 12:15:43")
        .separator()
        .columns("可口可乐 330ml × 2", "¥7.00")
        .columns("A very long name of an article that needs two lines", "¥12.50")
        .separator()
        .styled_columns("合计", "¥19.50", Style::PLAIN.bold().sized(Size::TALL))
        .qr(ORDER)
        .feed(1)
        .cut()
}

fn slow() -> PrinterConfig {
    PrinterConfig { line_time: Duration::from_millis(60), ..PrinterConfig::default() }
}

fn profiles() -> [Profile; 2] {
    let profile = Profile::paper_80mm();
    [profile.clone(), profile.with_completion(Completion::ProcessId)]
}

/// A printer and its driver.
type Bench = (PrinterEmulator, Box<dyn Printer>);

/// One on each kind of line.
fn benches(config: &PrinterConfig, profile: &Profile) -> Vec<Bench> {
    let serial = PrinterEmulator::on_serial(config.clone()).unwrap();
    let line = SerialLine::new(serial.path(), 115_200);
    let over_serial = SerialPrinter::new(line, profile.clone(), clock());
    let network = PrinterEmulator::on_network(config.clone()).unwrap();
    let over_network = NetworkPrinter::new(network.address(), profile.clone(), clock());
    // A pseudo terminal opened as a plain file: what the device file of a printer by USB is.
    let usb = PrinterEmulator::on_serial(config.clone()).unwrap();
    let over_usb = UsbPrinter::new(usb.path(), profile.clone(), clock());
    vec![(serial, Box::new(over_serial)), (usb, Box::new(over_usb)), (network, Box::new(over_network))]
}

/// One on each kind of line and with each way of confirming.
fn all_benches(config: &PrinterConfig) -> Vec<Bench> {
    profiles().iter().flat_map(|profile| benches(config, profile)).collect()
}

/// Tells the same story to all of them at once: most of it is waiting.
fn each(benches: Vec<Bench>, story: impl Fn(PrinterEmulator, Box<dyn Printer>) + Sync) {
    std::thread::scope(|scope| {
        for (emulator, printer) in benches {
            scope.spawn(|| story(emulator, printer));
        }
    });
}

fn how_often(emulator: &PrinterEmulator, text: &str) -> usize {
    let mut paper: String = emulator.receipts().iter().map(|receipt| receipt.text()).collect();
    paper.push_str(&emulator.unfinished().text());
    paper.matches(text).count()
}

#[test]
fn a_receipt_is_confirmed_and_reads_as_it_was_meant() {
    each(all_benches(&PrinterConfig::default()), |emulator, mut printer| {
        assert_eq!(printer.status(), PrinterStatus::Ready);
        assert_eq!(printer.print(&receipt(), JobId(1)), PrintOutcome::Confirmed);
        let receipts = emulator.receipts();
        assert_eq!(receipts.len(), 1);
        let text = receipts[0].text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0].trim(), "永远收银 Evertill");
        assert_eq!(lines[2], "-".repeat(48));
        assert!(lines[3].starts_with("可口可乐 330ml") && lines[3].ends_with("\u{FFE5}7.00"), "{text}");
        assert!(text.contains("合计"));
        assert_eq!(receipts[0].qr_codes(), [ORDER]);
        assert_eq!(emulator.problems(), Vec::<String>::new());
        assert!(emulator.pulses().is_empty());
    });
}

#[test]
fn many_jobs_in_a_row_are_each_printed_once() {
    each(all_benches(&PrinterConfig::default()), |emulator, mut printer| {
        for n in 0..5 {
            let document = Document::new().line(format!("job {n};")).cut();
            assert_eq!(printer.print(&document, JobId(n)), PrintOutcome::Confirmed);
        }
        for n in 0..5 {
            assert_eq!(how_often(&emulator, &format!("job {n};")), 1);
        }
    });
}

#[test]
fn states_are_told_and_nothing_is_sent_while_the_printer_cannot_print() {
    each(benches(&PrinterConfig::default(), &Profile::paper_80mm()), |emulator, mut printer| {
        emulator.set_paper(Paper::NearEnd);
        assert_eq!(printer.status(), PrinterStatus::PaperNearEnd);
        assert_eq!(printer.print(&receipt(), JobId(1)), PrintOutcome::Confirmed);
        emulator.set_paper(Paper::Out);
        assert_eq!(printer.status(), PrinterStatus::PaperOut);
        let outcome = printer.print(&receipt(), JobId(2));
        assert_eq!(outcome, PrintOutcome::NotStarted(NotStarted::NotReady(PrinterStatus::PaperOut)));
        emulator.set_cover_open(true);
        assert_eq!(printer.status(), PrinterStatus::CoverOpen);
        emulator.set_cover_open(false);
        emulator.set_paper(Paper::Plenty);
        assert_eq!(printer.status(), PrinterStatus::Ready);
        emulator.set_knife_stuck(true);
        assert!(matches!(printer.status(), PrinterStatus::Error(_)));
        emulator.set_knife_stuck(false);
        assert_eq!(printer.print(&receipt(), JobId(3)), PrintOutcome::Confirmed);
        assert_eq!(emulator.receipts().len(), 2, "the refused job was never printed");
    });
}

#[test]
fn paper_that_ends_in_the_middle_leaves_the_job_unknown_and_printed_once() {
    each(all_benches(&slow()), |emulator, mut printer| {
        emulator.run_out_of_paper_after(3);
        let outcome = printer.print(&receipt(), JobId(1));
        assert_eq!(outcome, PrintOutcome::Unknown(UnknownReason::Stopped(PrinterStatus::PaperOut)));
        assert_eq!(printer.status(), PrinterStatus::PaperOut);
        // The printer kept the rest, and finishes by itself.
        emulator.set_paper(Paper::Plenty);
        assert!(emulator.wait_for_receipts(1, SOON));
        assert_eq!(printer.print(&Document::new().line("next").cut(), JobId(2)), PrintOutcome::Confirmed);
        assert_eq!(emulator.receipts().len(), 2);
        assert_eq!(how_often(&emulator, "可口可乐"), 1);
    });
}

#[test]
fn an_opened_cover_in_the_middle_leaves_the_job_unknown() {
    each(benches(&slow(), &Profile::paper_80mm()), |emulator, mut printer| {
        // The first job waits for answers to what was before it; the second begins at once.
        assert_eq!(printer.print(&Document::new().line("first").cut(), JobId(0)), PrintOutcome::Confirmed);
        let opener = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(450));
                emulator.set_cover_open(true);
            });
            printer.print(&receipt(), JobId(1))
        });
        assert_eq!(opener, PrintOutcome::Unknown(UnknownReason::Stopped(PrinterStatus::CoverOpen)));
    });
}

#[test]
fn a_printer_unplugged_in_the_middle_leaves_the_job_unknown_and_it_is_not_sent_again() {
    each(all_benches(&slow()), |emulator, mut printer| {
        emulator.lose_power_after(3);
        let outcome = printer.print(&receipt(), JobId(1));
        assert_eq!(outcome, PrintOutcome::Unknown(UnknownReason::Disconnected));
        assert_eq!(printer.status(), PrinterStatus::Unreachable);
        let refused = printer.print(&receipt(), JobId(2));
        assert!(matches!(refused, PrintOutcome::NotStarted(NotStarted::CannotOpen(_))), "{refused:?}");
        let received = emulator.bytes_received();
        emulator.set_power(true);
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(emulator.bytes_received(), received, "nothing is sent again by itself");
        assert_eq!(printer.status(), PrinterStatus::Ready);
        assert_eq!(printer.print(&Document::new().line("next").cut(), JobId(3)), PrintOutcome::Confirmed);
        assert_eq!(how_often(&emulator, "2026-09-21"), 1);
        assert_eq!(how_often(&emulator, "next"), 1);
    });
}

#[test]
fn a_printer_whose_answers_are_lost_in_the_middle_leaves_the_job_unknown() {
    let short = Document::new().line("once;").cut();
    each(all_benches(&slow()), |emulator, mut printer| {
        assert_eq!(printer.print(&Document::new().line("first").cut(), JobId(0)), PrintOutcome::Confirmed);
        emulator.run_out_of_paper_after(1);
        let outcome = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(500));
                emulator.set_mute(true);
                emulator.set_paper(Paper::Plenty);
            });
            printer.print(&short, JobId(1))
        });
        assert_eq!(outcome, PrintOutcome::Unknown(UnknownReason::NoAnswer));
        assert_eq!(how_often(&emulator, "once;"), 1);
    });
}

#[test]
fn a_job_larger_than_the_printers_buffer_arrives_whole() {
    let config = PrinterConfig { buffer_bytes: 128, ..PrinterConfig::default() };
    each(all_benches(&config), |emulator, mut printer| {
        let long = (0..400).fold(Document::new(), |document, n| document.line(format!("line {n};"))).cut();
        assert_eq!(printer.print(&long, JobId(1)), PrintOutcome::Confirmed);
        assert_eq!(emulator.receipts()[0].text().lines().count(), 400);
        assert_eq!(emulator.problems(), Vec::<String>::new());
    });
}

#[test]
fn a_printer_that_stops_with_a_full_buffer_ends_the_wait() {
    let config = PrinterConfig { buffer_bytes: 128, ..slow() };
    let long = (0..2000).fold(Document::new(), |document, n| document.line(format!("line {n};"))).cut();
    let profile = Profile { slowest_mm_per_s: 10_000, ..Profile::paper_80mm() };
    each(benches(&config, &profile), |emulator, mut printer| {
        emulator.run_out_of_paper_after(2);
        assert!(matches!(printer.print(&long, JobId(1)), PrintOutcome::Unknown(_)));
    });
}

#[test]
fn the_drawer_opens_once_for_one_kick_and_never_for_a_receipt() {
    each(all_benches(&PrinterConfig::default()), |emulator, mut printer| {
        assert_eq!(printer.drawer_switch_is_high(), Some(false));
        assert_eq!(printer.kick_drawer(DrawerKick::default()), PrintOutcome::Confirmed);
        assert_eq!(emulator.pulses(), [Pulse { pin: 0, on_ms: 50, off_ms: 500 }]);
        assert_eq!(printer.drawer_switch_is_high(), Some(true));
        emulator.set_drawer_open(false);
        assert_eq!(printer.print(&receipt(), JobId(1)), PrintOutcome::Confirmed);
        assert_eq!(emulator.pulses().len(), 1);
    });
}

#[test]
fn without_paper_the_drawer_opens_in_real_time_or_not_at_all_but_never_late() {
    let with = Profile { real_time_pulse: true, ..Profile::paper_80mm() };
    for (profile, pulses) in [(with, 1), (Profile::paper_80mm(), 0)] {
        each(benches(&PrinterConfig::default(), &profile), |emulator, mut printer| {
            emulator.set_paper(Paper::Out);
            let outcome = printer.kick_drawer(DrawerKick::default());
            assert_eq!(matches!(outcome, PrintOutcome::NotStarted(_)), pulses == 0, "{outcome:?}");
            std::thread::sleep(Duration::from_millis(100));
            assert_eq!(emulator.pulses().len(), pulses);
            emulator.set_paper(Paper::Plenty);
            std::thread::sleep(Duration::from_millis(100));
            assert_eq!(emulator.pulses().len(), pulses);
        });
    }
}

#[test]
fn a_printer_that_is_not_there_is_unreachable() {
    each(benches(&PrinterConfig::default(), &Profile::paper_80mm()), |emulator, mut printer| {
        emulator.set_power(false);
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(printer.status(), PrinterStatus::Unreachable);
    });
}

#[test]
fn a_network_printer_that_serves_another_till_is_busy_and_gets_no_job() {
    let emulator = PrinterEmulator::on_network(PrinterConfig::default()).unwrap();
    let mut printer = NetworkPrinter::new(emulator.address(), Profile::paper_80mm(), clock());
    let other_till = std::net::TcpStream::connect(emulator.address()).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(printer.print(&receipt(), JobId(1)), PrintOutcome::NotStarted(NotStarted::Busy));
    drop(other_till);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(printer.print(&receipt(), JobId(2)), PrintOutcome::Confirmed);
    assert_eq!(emulator.receipts().len(), 1);
}

#[test]
fn the_picture_of_a_receipt_shows_a_qr_code_that_can_be_scanned() {
    let font_file = concat!(env!("CARGO_MANIFEST_DIR"), "/../terminal/ui/fonts/NotoSansSC-Regular.otf");
    let font = std::fs::read(font_file).unwrap();
    each(benches(&PrinterConfig::default(), &Profile::paper_80mm()), |emulator, mut printer| {
        assert_eq!(printer.print(&receipt(), JobId(1)), PrintOutcome::Confirmed);
        let file = emulator.receipts()[0].to_png(&font).unwrap();
        if let Some(keep) = std::env::var_os("EVERTILL_KEEP_RECEIPT") {
            std::fs::write(keep, &file).unwrap();
        }
        let mut reader = png::Decoder::new(std::io::Cursor::new(&file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!(info.width, 576);
        let width = usize::try_from(info.width).unwrap();
        let height = usize::try_from(info.height).unwrap();
        let title_ink = pixels[..width * 70].iter().filter(|pixel| **pixel == 0).count();
        assert!(title_ink > 1000, "the title is missing: {title_ink}");
        let mut image =
            rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| pixels[y * width + x]);
        let codes = image.detect_grids();
        assert_eq!(codes.len(), 1);
        assert_eq!(codes[0].decode().unwrap().1, ORDER);
    });
}

/// 7 KB: longer than the printer's buffer.
fn logo(dots: u8) -> Picture {
    Picture::new(36, vec![dots; 36 * 200]).unwrap()
}

fn with_logo(dots: u8) -> Document {
    Document::new().picture(logo(dots), Align::Center).line("thanks").cut()
}

#[test]
fn a_logo_that_the_printer_keeps_looks_the_same_and_is_not_sent_again() {
    let font_file = concat!(env!("CARGO_MANIFEST_DIR"), "/../terminal/ui/fonts/NotoSansSC-Regular.otf");
    let font = std::fs::read(font_file).unwrap();
    let profile = Profile { logo: LogoStore::ByKey, ..Profile::paper_80mm() };
    each(benches(&PrinterConfig::default(), &profile), |emulator, mut printer| {
        assert_eq!(printer.print(&with_logo(0xA5), JobId(1)), PrintOutcome::Confirmed);
        let as_dots = emulator.bytes_received();
        assert_eq!(printer.keep_logo(&logo(0xA5), &[], JobId(2)), PrintOutcome::Confirmed);
        assert_eq!((emulator.graphics_stored(), emulator.graphics_kept()), (1, 1));
        let before = emulator.bytes_received();
        assert_eq!(printer.print(&with_logo(0xA5), JobId(3)), PrintOutcome::Confirmed);
        let by_key = emulator.bytes_received() - before;
        assert!(by_key < 200 && as_dots > 7_000, "{by_key} of {as_dots}");
        let receipts = emulator.receipts();
        assert_eq!(receipts[0].to_png(&font).unwrap(), receipts[1].to_png(&font).unwrap());
        // The power goes and comes: what it keeps it keeps. Another logo takes the place of the first.
        emulator.set_power(false);
        std::thread::sleep(Duration::from_millis(100));
        emulator.set_power(true);
        std::thread::sleep(Duration::from_millis(100));
        let first = printer.logo_to_keep(&logo(0xA5)).unwrap();
        let stored = (4..24).any(|job| {
            let outcome = printer.keep_logo(&logo(0x0F), &[first], JobId(job));
            outcome == PrintOutcome::Confirmed || {
                std::thread::sleep(Duration::from_millis(100));
                false
            }
        });
        assert!(stored && emulator.graphics_kept() == 1);
        assert_eq!(printer.print(&with_logo(0x0F), JobId(24)), PrintOutcome::Confirmed);
        assert_eq!(emulator.problems(), Vec::<String>::new());
    });
}
