//! The demo for a person: the shop, the till's window, and this terminal as the hand that holds scanner and phone.

use crate::process::{Process, wait_until};
use crate::simulator::printer::{PrinterConfig, PrinterEmulator};
use crate::simulator::scanner::{ScannerEmulator, Terminator};
use crate::simulator::wechat::Behaviour;
use crate::store_rig::{FrozenGroup, RigError, RigOptions, STAFF, StoreRig};
use crate::window_till;
use crate::workspace;
use evertill_shared::id::TerminalId;
use evertill_shared::payment::Policy;
use evertill_shared::protocol::staff::TerminalRow;
use evertill_shared::terminal_state::TerminalState;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

const HELP: &str = "\
  Type here, then Enter:
    a number        scan it (a barcode from the goods on screen, or a payment code)
    g               scan some goods
    p               a customer shows a WeChat code, and it is scanned
    p none          … whose wallet is empty        p pass   … who must type a password for 5 s
    p lost          … and the wallet's reply is lost after the charge
    code            only show a fresh payment code (good for one minute, once)
    fail 0          order group 0 stops answering  heal     all groups answer again
    server off      kill the server                server on
    paper off       the printer has no paper       paper on
    activate        activate the till that waits (what IT does)
    quit            end everything (Ctrl-C does too)";

struct Hands {
    rig: StoreRig,
    scanner: ScannerEmulator,
    printer: PrinterEmulator,
    frozen: Vec<FrozenGroup>,
    goods: usize,
}

/// Brings up the shop, or goes on with the one that is there, until Ctrl-C or `quit`.
/// # Errors
/// The shop or the window does not come up.
pub async fn run_window(shop: &Path, json: bool) -> Result<bool, RigError> {
    if std::env::var_os("DISPLAY").is_none() && std::env::var_os("WAYLAND_DISPLAY").is_none() {
        return Err(RigError::Unexpected(
            "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set). On a desktop, open a terminal \
             there; without one, run: cargo demo -- --headless --out target/demo"
                .into(),
        ));
    }
    let options = RigOptions {
        policy: Policy { give_up_after_ms: 30_000, ..Policy::default() },
        ..RigOptions::default()
    };
    let rig = StoreRig::open(shop, options).await?;
    let (scanner, printer) = plug_in(&rig)?;
    let mut till = start_till(&rig)?;
    let mut hands = Hands { rig, scanner, printer, frozen: Vec::new(), goods: 0 };
    introduce(&hands).await?;
    let served = hands.serve(&mut till).await;
    till.stop(Duration::from_secs(3));
    hands.rig.stop_server();
    if json {
        println!("{}", serde_json::json!({ "ok": served.is_ok(), "shop": shop }));
    }
    served.map(|()| true)
}

fn io(error: std::io::Error) -> RigError {
    RigError::Unexpected(error.to_string())
}

fn plug_in(rig: &StoreRig) -> Result<(ScannerEmulator, PrinterEmulator), RigError> {
    let scanner = ScannerEmulator::new(Terminator::CrLf).map_err(io)?;
    let printer = PrinterEmulator::on_serial(PrinterConfig::default()).map_err(io)?;
    window_till::unpack(rig, "till-1", scanner.path(), printer.path())
        .map_err(|error| RigError::Unexpected(error.to_string()))?;
    Ok((scanner, printer))
}

fn start_till(rig: &StoreRig) -> Result<Process, RigError> {
    let mut command = Command::new(workspace::program("evertill-till"));
    command.arg("--data").arg(rig.dir().join("till-1")).arg("--log-to-stderr");
    let log = rig.dir().join("logs/till-1.log");
    let mut till = Process::spawn("till", &mut command, &log)?;
    if wait_until(Duration::from_secs(2), || !till.is_running()) {
        return Err(RigError::Unexpected(format!(
            "the till's window did not open; {} says why. If a library is missing, type (as root): \
             apt-get install libx11-6 libx11-xcb1 libxcursor1 libxi6 libxkbcommon-x11-0",
            log.display()
        )));
    }
    Ok(till)
}

async fn introduce(hands: &Hands) -> Result<(), RigError> {
    let rig = &hands.rig;
    println!("\nThe shop is open.");
    println!("  store server    {} (three order groups, SQLite)", rig.server_url());
    println!("  console         {}/console/", rig.server_url());
    for (login, name, role) in STAFF {
        println!("                  {name} ({}): log in as {login} / {login}-evertill", role.as_str());
    }
    println!("  customers       {}/ (phones with payment codes, for training)", rig.phones_url());
    println!("  receipts        {}", rig.dir().join("receipts").display());
    let waiting = rig.staff("it").await?.terminals().await?;
    if !waiting.iter().any(|row| row.state == Some(TerminalState::Active)) {
        let code = rig.enrolment_code("Till 1").await?;
        println!("\n  The till is new. Type this enrolment code into its window: {}", code.expose());
        println!("  Then type `activate` here, when the fingerprints are the same.");
    }
    println!("\n{HELP}\n");
    Ok(())
}

/// What is typed, line by line. A thread of its own: reading a terminal cannot be interrupted.
fn typed_lines() -> tokio::sync::mpsc::UnboundedReceiver<String> {
    let (send, receive) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
}

impl Hands {
    async fn serve(&mut self, till: &mut Process) -> Result<(), RigError> {
        let mut lines = typed_lines();
        let mut terminate = signal(SignalKind::terminate()).map_err(io)?;
        let mut receipts = 0;
        let mut open = true;
        loop {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => return Ok(()),
                _ = terminate.recv() => return Ok(()),
                () = tokio::time::sleep(Duration::from_millis(500)) => {
                    if !till.is_running() {
                        println!("The till's window was closed.");
                        return Ok(());
                    }
                    receipts = self.save_receipts(receipts)?;
                }
                line = lines.recv(), if open => match line {
                    Some(line) if line.trim() == "quit" => return Ok(()),
                    Some(line) => if let Err(error) = self.obey(line.trim()).await { println!("  {error}"); },
                    None => open = false,
                },
            }
        }
    }

    fn save_receipts(&self, done: usize) -> Result<usize, RigError> {
        let all = self.printer.receipts();
        let folder = self.rig.dir().join("receipts");
        for (index, receipt) in all.iter().enumerate().skip(done) {
            fs::create_dir_all(&folder).map_err(io)?;
            let name = fs::read_dir(&folder).map_err(io)?.count() / 2 + 1;
            let font =
                fs::read(workspace::root().join("terminal/ui/fonts/NotoSansSC-Regular.otf")).map_err(io)?;
            let base = folder.join(format!("{name:04}"));
            fs::write(base.with_extension("txt"), receipt.text()).map_err(io)?;
            let png = receipt.to_png(&font).map_err(|error| RigError::Unexpected(error.to_string()))?;
            fs::write(base.with_extension("png"), png).map_err(io)?;
            println!("  receipt {} printed: {}", index + 1, base.with_extension("png").display());
        }
        Ok(all.len())
    }

    async fn obey(&mut self, line: &str) -> Result<(), RigError> {
        let mut words = line.split_whitespace();
        let (first, second) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        match (first, second) {
            ("", _) => Ok(()),
            ("g", _) => {
                let code = super::story::GOODS[self.goods % super::story::GOODS.len()];
                self.goods += 1;
                self.scan(code)
            }
            ("p", which) => {
                let behaviour = match which {
                    "none" => Behaviour::NoFunds,
                    "pass" => Behaviour::PasswordThenPays { after_ms: 5_000 },
                    "lost" => Behaviour::ReplyLost,
                    _ => Behaviour::Pays,
                };
                let code = self.rig.wallet_control().code(behaviour).await?;
                self.scan(&code)
            }
            ("code", _) => {
                println!("  payment code: {}", self.rig.wallet_control().code(Behaviour::Pays).await?);
                Ok(())
            }
            ("fail", tag) => self.fail(tag),
            ("heal", _) => {
                self.frozen.clear();
                println!("  all groups answer again; the server notices by itself");
                Ok(())
            }
            ("server", "off") => {
                self.rig.kill_server();
                println!("  the server is dead; cash goes on");
                Ok(())
            }
            ("server", "on") => self.rig.start_server(),
            ("paper", on) => {
                use crate::simulator::printer::Paper;
                self.printer.set_paper(if on == "off" { Paper::Out } else { Paper::Plenty });
                Ok(())
            }
            ("activate", _) => self.activate().await,
            (code, "") if code.bytes().all(|b| b.is_ascii_digit()) => self.scan(code),
            _ => {
                println!("{HELP}");
                Ok(())
            }
        }
    }

    fn scan(&mut self, code: &str) -> Result<(), RigError> {
        self.scanner.scan(code).map_err(io)
    }

    fn fail(&mut self, tag: &str) -> Result<(), RigError> {
        let tag = tag.parse().ok().filter(|tag| *tag < 3);
        let Some(tag) = tag else {
            return Err(RigError::Unexpected("which group: fail 0, fail 1 or fail 2".into()));
        };
        self.frozen.push(self.rig.freeze_group(tag)?);
        println!("  group {tag} does not answer; new orders jump, orders that live there wait");
        Ok(())
    }

    async fn activate(&self) -> Result<(), RigError> {
        let all = self.rig.staff("it").await?.terminals().await?;
        let waiting: Vec<(TerminalId, String)> = all
            .into_iter()
            .filter(|row| row.state == Some(TerminalState::Pending))
            .filter_map(|row: TerminalRow| row.fingerprint.map(|f| (row.terminal, f)))
            .collect();
        if waiting.is_empty() {
            println!("  no till waits: enrol it in its window first");
        }
        for (terminal, fingerprint) in waiting {
            println!("  {terminal}: fingerprint {fingerprint} (the till must show the same)");
            self.rig.activate(terminal, &fingerprint).await?;
            println!("  {terminal} is active");
        }
        Ok(())
    }
}
