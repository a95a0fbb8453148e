//! npm's `receiptio`, a program that prints on receipt printers, against the printer emulator; and Debian's `zbarimg`
//! on the picture of a receipt.

use super::{kept, run, scripts};
use evertill_hardware::escpos::encode::encode;
use evertill_hardware::{Document, Profile};
use evertill_tests::rig::packages::{self, NODE, NPM, Package};
use evertill_tests::simulator::printer::{Paper, PrinterConfig, PrinterEmulator, print_bytes};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The judge knows one port only; an address of this machine that nobody else uses.
const ADDRESS: &str = "127.0.91.1";

fn receiptio() -> PathBuf {
    packages::ensure(&[Package::Node]).unwrap();
    let list = scripts().join("receiptio/package.json");
    let folder = kept("receiptio", &list, |folder| {
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
        run("installing receiptio", install.current_dir(folder));
    });
    folder.join("node_modules/receiptio/bin/cli.js")
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

#[test]
fn a_reader_of_bar_codes_finds_the_receipts_number_in_its_picture() {
    packages::ensure(&[Package::Zbar]).unwrap();
    let number = "202609211215432123221992";
    let font = concat!(env!("CARGO_MANIFEST_DIR"), "/../terminal/ui/fonts/NotoSansSC-Regular.otf");
    let font = std::fs::read(font).unwrap();
    for profile in [Profile::paper_80mm(), Profile::paper_58mm()] {
        let page = Document::new().line("永远收银").columns("可口可乐", "¥7.00").qr(number).feed(1).cut();
        let config =
            PrinterConfig { dots: profile.dots.into(), cutter: profile.cutter, ..PrinterConfig::default() };
        let printout = print_bytes(config, &encode(&page, &profile).unwrap().bytes);
        let folder = tempfile::tempdir().unwrap();
        let picture = folder.path().join("receipt.png");
        std::fs::write(&picture, printout.receipts[0].to_png(&font).unwrap()).unwrap();
        let read = run("zbarimg", Command::new("/usr/bin/zbarimg").args(["--quiet", "--raw"]).arg(&picture));
        // Behind it, on machines without a bus, stand its complaints about that.
        assert_eq!(read.lines().next(), Some(number));
    }
}
