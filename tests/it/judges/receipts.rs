//! npm's `receiptio`, a program that prints on receipt printers, against the printer emulator; npm's `npos`, a reader of
//! ESC/POS, on the bytes of our receipts; Debian's `zbarimg` on their pictures; and
//! poppler's tools on the files that customers get.

use super::{kept, run, scripts};
use evertill_hardware::escpos::encode::encode;
use evertill_hardware::{Document, Profile};
use evertill_shared::receipt::template::{DEFAULT, Template};
use evertill_terminal::print::examples::Example;
use evertill_terminal::print::sheet::{Face, pdf, png, sheet};
use evertill_terminal::print::{Look, document};
use evertill_terminal::view::Language;
use evertill_tests::rig::packages::{self, NODE, NPM, Package};
use evertill_tests::simulator::printer::{Paper, PrinterConfig, PrinterEmulator, print_bytes};
use serde::Deserialize;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The judge knows one port only; an address of this machine that nobody else uses.
const ADDRESS: &str = "127.0.91.1";

fn receiptio() -> PathBuf {
    from_npm("receiptio").join("node_modules/receiptio/bin/cli.js")
}

/// The folder of a judge from npm, installed as its list says.
fn from_npm(name: &str) -> PathBuf {
    packages::ensure(&[Package::Node]).unwrap();
    let list = scripts().join(name).join("package.json");
    kept(name, &list, |folder| {
        std::fs::copy(&list, folder.join("package.json")).unwrap();
        let mut install = Command::new(NPM);
        install.args([
            "install",
            "--no-audit",
            "--no-fund",
            "--omit=optional",
            "--ignore-scripts",
            "--loglevel=error",
        ]);
        run(name, install.current_dir(folder));
    })
}

/// What the judge says and the number that it ends with.
fn judge(arguments: &[&str], receipt: &str) -> (String, Option<i32>) {
    let mut child = Command::new(NODE)
        .arg(receiptio())
        .args(["-d", ADDRESS])
        .args(arguments)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(receipt.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    (String::from_utf8_lossy(&done.stderr).trim().to_owned(), done.status.code())
}

fn emulator() -> PrinterEmulator {
    let address = format!("{ADDRESS}:9100").parse().unwrap();
    PrinterEmulator::on_network_at(PrinterConfig::default(), address).unwrap()
}

#[test]
fn a_printing_program_from_npm_reads_the_printers_states_and_prints_on_it() {
    let printer = emulator();
    let state = || judge(&["-q"], "");
    let said = |word: &str, code| (word.to_owned(), Some(code));
    assert_eq!(state(), said("online", 100));
    printer.set_cover_open(true);
    assert_eq!(state(), said("coveropen", 101));
    printer.set_cover_open(false);
    printer.set_paper(Paper::Out);
    assert_eq!(state(), said("paperempty", 102));
    assert_eq!(judge(&["-p", "generic", "-t", "10"], "nothing").1, Some(102), "no job without paper");
    printer.set_paper(Paper::NearEnd);
    assert_eq!(state(), said("online", 100));
    printer.set_knife_stuck(true);
    assert_eq!(state(), said("error", 103));
    printer.set_knife_stuck(false);
    // Which level of the drawer's switch means open differs from drawer to drawer: the judge has a word for either.
    assert_eq!(judge(&["-q", "drawer2"], ""), said("drawerclosed", 200));
    assert_eq!(judge(&["-q", "drawer"], ""), said("draweropen", 201));
    printer.set_drawer_open(true);
    assert_eq!(judge(&["-q", "drawer2"], ""), said("draweropen", 201));
    let receipt = "永远收银\n\n可口可乐 | 7.00\n\n{code:20260921; option:qrcode,4,m}\n";
    assert_eq!(judge(&["-p", "generic", "-l", "zh-hans", "-t", "20"], receipt), said("success", 0));
    assert!(printer.wait_for_receipts(1, Duration::from_secs(5)));
    let paper = printer.receipts()[0].text();
    assert!(paper.contains("永远收银") && paper.contains("可口可乐") && paper.contains("7.00"), "{paper}");
    assert!(paper.contains("[QR] 20260921") || paper.contains("[picture]"), "{paper}");
    printer.set_power(false);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(state(), said("disconnect", 105));
}

/// What `zbarimg` reads in a picture; behind it, on machines without a bus, stand its complaints about that.
fn codes_in(picture: &Path) -> Vec<String> {
    let read = run("zbarimg", Command::new("/usr/bin/zbarimg").args(["--quiet"]).arg(picture));
    let is_code = |line: &&str| line.starts_with("QR-Code:") || line.starts_with("CODE-128:");
    let mut codes: Vec<String> = read.lines().filter(is_code).map(str::to_owned).collect();
    codes.sort();
    codes
}

fn font() -> Vec<u8> {
    let font = concat!(env!("CARGO_MANIFEST_DIR"), "/../terminal/ui/fonts/NotoSansSC-Regular.otf");
    std::fs::read(font).unwrap()
}

/// A template with all that there is.
fn with_bars() -> Template {
    let bars =
        DEFAULT.replace("\nqr\n", "\nqr\nfeed 1\nbarcode\ntext center en \"Come again\" zh \"欢迎再来\"\n");
    assert_ne!(bars, DEFAULT);
    Template::parse(&bars).unwrap()
}

fn page(example: Example, language: Language) -> Document {
    document(&example.receipt().unwrap(), Look { language, template: &with_bars() })
}

#[test]
fn a_reader_of_bar_codes_finds_the_receipts_number_in_its_picture() {
    packages::ensure(&[Package::Zbar]).unwrap();
    let number = Example::Sale.receipt().unwrap().qr_text();
    let font = font();
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("receipt.png");
    for profile in [Profile::paper_80mm(), Profile::paper_58mm()] {
        let page = page(Example::Sale, Language::Chinese);
        let config =
            PrinterConfig { dots: profile.dots.into(), cutter: profile.cutter, ..PrinterConfig::default() };
        let printout = print_bytes(config, &encode(&page, &profile).unwrap().bytes);
        std::fs::write(&picture, printout.receipts[0].to_png(&font).unwrap()).unwrap();
        let both = [format!("CODE-128:{number}"), format!("QR-Code:{number}")];
        assert_eq!(codes_in(&picture), both, "on paper of {} dots", profile.dots);
        // And in the file that a customer gets by mail.
        let face = Face::new(&font).unwrap();
        std::fs::write(&picture, png::png(&sheet(&page, &profile, &face).unwrap(), &face).unwrap()).unwrap();
        assert_eq!(codes_in(&picture), both, "in a file of {} dots", profile.dots);
    }
}

/// What `npos` sees in the bytes of a receipt.
#[derive(Deserialize)]
struct Seen {
    commands: Vec<String>,
    text: String,
    qr: Vec<String>,
    bars: Vec<String>,
    pictures: Vec<PathBuf>,
}

fn seen(bytes: &[u8], folder: &Path) -> Seen {
    let file = folder.join("receipt.bin");
    std::fs::write(&file, bytes).unwrap();
    let mut judge = Command::new(NODE);
    judge.arg(scripts().join("escpos.cjs")).arg(file).arg(folder);
    judge.env("NODE_PATH", from_npm("npos").join("node_modules"));
    // Node warns of how old the judge is; what it says stands on the line that is an object.
    let said = run("npos", &mut judge);
    let object = said.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("{said}"));
    serde_json::from_str(object).unwrap()
}

/// The lines of a text without what alignment adds.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// The lines of a page but for the one that stands for its codes: on the paper that is the codes themselves.
fn lines_of(page: &Document, profile: &Profile, code: &str) -> Vec<String> {
    let mut lines = lines(&page.to_text(profile.columns));
    if let Some(place) = lines.iter().rposition(|line| line == code) {
        lines.remove(place);
    }
    lines
}

#[test]
fn a_reader_of_receipts_from_npm_sees_what_stands_on_the_paper() {
    let folder = tempfile::tempdir().unwrap();
    for example in Example::ALL {
        for (language, profile) in
            [(Language::English, Profile::paper_80mm()), (Language::Chinese, Profile::paper_58mm())]
        {
            let page = page(example, language);
            let seen = seen(&encode(&page, &profile).unwrap().bytes, folder.path());
            let number = example.receipt().unwrap().qr_text();
            let wanted = lines_of(&page, &profile, &number);
            assert_eq!(lines(&seen.text), wanted, "{example:?} {language:?}");
            let has_codes = example != Example::Shift;
            assert_eq!(seen.qr, vec![number; usize::from(has_codes)], "{example:?}");
            assert_eq!(seen.bars.len(), usize::from(has_codes));
            assert!(seen.pictures.is_empty());
            let cuts = seen.commands.iter().filter(|command| *command == "GSV").count();
            assert_eq!(cuts, usize::from(profile.cutter));
            assert_eq!(seen.commands[..2], ["ESC@", "FS&"]);
        }
    }
}

#[test]
fn a_printer_that_makes_no_codes_gets_a_picture_of_one_that_can_be_read() {
    packages::ensure(&[Package::Zbar]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let old = Profile { qr: false, barcode: false, ..Profile::paper_80mm() };
    let seen = seen(&encode(&page(Example::Sale, Language::English), &old).unwrap().bytes, folder.path());
    assert!(seen.qr.is_empty() && seen.bars.is_empty());
    let [picture] = seen.pictures.as_slice() else { panic!("{:?}", seen.pictures) };
    assert_eq!(codes_in(picture), [format!("QR-Code:{}", Example::Sale.receipt().unwrap().qr_text())]);
}

/// The words of a text, in the order in which they stand; what parts them is the paper's affair.
fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn the_text_of_a_pdf_can_be_selected_and_its_letters_and_codes_are_inside() {
    packages::ensure(&[Package::Poppler, Package::Zbar]).unwrap();
    let font = font();
    let face = Face::new(&font).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (file, picture) = (folder.path().join("receipt.pdf"), folder.path().join("receipt"));
    for example in Example::ALL {
        for (language, profile) in
            [(Language::English, Profile::paper_58mm()), (Language::Chinese, Profile::paper_80mm())]
        {
            let page = page(example, language);
            let number = example.receipt().unwrap().qr_text();
            std::fs::write(&file, pdf::pdf(&sheet(&page, &profile, &face).unwrap(), &face, &number).unwrap())
                .unwrap();
            let mut wanted = lines_of(&page, &profile, &number);
            wanted.retain(|line| line.chars().any(|letter| letter != '-'));
            let read =
                run("pdftotext", Command::new("/usr/bin/pdftotext").arg("-layout").arg(&file).arg("-"));
            assert_eq!(words(&read), words(&wanted.join("\n")), "{example:?} {language:?}");
            let fonts = run("pdffonts", Command::new("/usr/bin/pdffonts").arg(&file));
            assert!(fonts.contains("CID Type 0C") && fonts.contains("yes yes yes"), "{fonts}");
            if example == Example::Shift {
                continue;
            }
            let mut draw = Command::new("/usr/bin/pdftoppm");
            draw.args(["-r", "203", "-png", "-singlefile"]).arg(&file).arg(&picture);
            run("pdftoppm", &mut draw);
            let both = [format!("CODE-128:{number}"), format!("QR-Code:{number}")];
            assert_eq!(codes_in(&picture.with_extension("png")), both, "{example:?}");
        }
    }
}
