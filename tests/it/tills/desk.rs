//! A shop with one till that is ready to sell, and the cashier's hands and eyes.

use evertill_shared::id::TerminalId;
use evertill_shared::journal::{Body, Entry};
use evertill_shared::order_number::OrderNumber;
use evertill_tests::books::{self, BookedOrder};
use evertill_tests::counter::{self, JournalFile, Paid};
pub use evertill_tests::counter::{GOODS, SCAN_PROMPT};
use evertill_tests::process::wait_until;
use evertill_tests::simulator::wechat::Behaviour;
use evertill_tests::store_rig::{RigOptions, StoreRig};
use evertill_tests::window_till::{StepError, WindowTill};
use evertill_tests::workspace;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;
use tempfile::TempDir;

const NAME: &str = "till-1";

pub const STOP: i32 = 19;
pub const GO_ON: i32 = 18;

pub fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A shop and its till. The programs end before the folder goes.
pub struct Desk {
    pub rig: StoreRig,
    pub till: WindowTill,
    pub terminal: TerminalId,
    _dir: TempDir,
}

impl Desk {
    /// A shop with a till that is registered, active and on line.
    pub async fn open() -> Self {
        Self::open_for(RigOptions::default()).await
    }

    /// The same, in another shop than the usual one.
    pub async fn open_for(options: RigOptions) -> Self {
        let dir = TempDir::new().unwrap();
        let rig = StoreRig::open(dir.path(), options).await.unwrap();
        let till = WindowTill::start(&rig, NAME).unwrap();
        Self::register(rig, till, dir).await
    }

    /// The same, with the till's folder prepared first, and the server reached under another address.
    pub async fn open_with(server: impl FnOnce(&StoreRig) -> Option<String>) -> Self {
        let dir = TempDir::new().unwrap();
        let rig = StoreRig::open(dir.path(), RigOptions::default()).await.unwrap();
        let other = server(&rig);
        let mut till = WindowTill::start(&rig, NAME).unwrap();
        if let Some(address) = other {
            till.power_cut();
            let path = till.dir().join("till.toml");
            let settings = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, settings.replace(&rig.server_url(), &address)).unwrap();
            till.power_on().unwrap();
        }
        Self::register(rig, till, dir).await
    }

    /// Where the till's folder will be.
    pub fn till_dir(rig: &StoreRig) -> PathBuf {
        rig.dir().join(NAME)
    }

    async fn register(rig: StoreRig, mut till: WindowTill, dir: TempDir) -> Self {
        let terminal = counter::register(&rig, &mut till, "Till 1").await.unwrap();
        let mut desk = Self { rig, till, terminal, _dir: dir };
        desk.sees("Online", 15);
        desk.sees("矿泉水", 15);
        desk
    }

    /// Waits until something on screen says this, and gives the whole label.
    pub fn sees(&mut self, part: &str, within_s: u64) -> String {
        self.till.wait_containing(part, seconds(within_s)).unwrap()
    }

    /// Whether something on screen says this now.
    pub fn shows(&mut self, part: &str) -> bool {
        self.till.labels().unwrap().iter().any(|label| label.contains(part))
    }

    pub fn tap(&mut self, label: &str) {
        self.till.tap(label).unwrap();
    }

    /// Scans so many articles into an empty sale.
    pub fn goods(&mut self, count: usize) {
        counter::goods(&mut self.till, count).unwrap();
    }

    /// Up to the page that waits for the customer's code.
    pub fn choose_code(&mut self, goods: usize) {
        self.goods(goods);
        self.tap("Payment code");
        self.till.wait(SCAN_PROMPT).unwrap();
    }

    /// What a camera reads from the screen, if there is a code on it.
    pub fn code_on_screen(&mut self) -> Option<String> {
        let path = self.rig.dir().join("screen.png");
        self.till.shot(&path).unwrap();
        let mut reader = png::Decoder::new(BufReader::new(File::open(path).unwrap())).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let (width, height) = (info.width as usize, info.height as usize);
        let each = info.color_type.samples();
        let grey = |x: usize, y: usize| pixels[(y * width + x) * each + each.min(2) - 1];
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, grey);
        image.detect_grids().first().and_then(|grid| grid.decode().ok()).map(|(_, text)| text)
    }

    /// A customer shows a code, and it is scanned.
    pub async fn customer(&mut self, behaviour: Behaviour) -> String {
        self.till.wait(SCAN_PROMPT).unwrap();
        let code = self.rig.wallet_control().code(behaviour).await.unwrap();
        self.till.scan(&code).unwrap();
        code
    }

    /// Waits until the sale is paid, and gives what the screen names it by.
    pub fn paid(&mut self, within_s: u64) -> String {
        self.sees("Next sale", within_s);
        counter::paid(&mut self.till).unwrap()
    }

    /// A whole sale by code, up to "paid".
    pub async fn sell_by_code(&mut self, goods: usize) -> String {
        self.choose_code(goods);
        self.customer(Behaviour::Pays).await;
        self.paid(20)
    }

    /// A whole sale for exact cash, up to "paid".
    pub fn sell_for_cash(&mut self, goods: usize) -> String {
        self.goods(goods);
        counter::pay_cash(&mut self.till).unwrap()
    }

    /// From the cash page to "paid".
    pub fn take_cash(&mut self) -> Result<String, StepError> {
        counter::take_cash(&mut self.till)
    }

    /// The button that says that the customer gave exactly what is due.
    pub fn exact_amount(&mut self) -> Result<String, StepError> {
        counter::exact_amount(&mut self.till)
    }

    pub fn next_sale(&mut self) {
        self.tap("Next sale");
        self.till.wait("Scan the first item").unwrap();
    }

    /// Kill -9, and on again.
    pub fn power_cycle(&mut self) {
        self.till.power_cut();
        self.till.power_on().unwrap();
    }

    /// The server, stopped in mid-air; [`GO_ON`] lets it go on.
    pub fn signal_server(&self, signal: i32) {
        self.rig.server.as_ref().unwrap().signal(signal);
    }

    /// The till's journal file.
    pub fn journal_file(&self) -> PathBuf {
        JournalFile::of(self.till.dir()).path().to_owned()
    }

    /// The journal's entries as they stand on the disk.
    pub fn entries(&self) -> Vec<Entry> {
        JournalFile::of(self.till.dir()).entries().unwrap()
    }

    /// Waits until the journal has an entry like this.
    pub fn wait_for_entry(&self, what: &str, is_it: impl Fn(&Body) -> bool) -> Entry {
        let mut found = None;
        wait_until(seconds(15), || {
            found = self.entries().into_iter().rfind(|entry| is_it(&entry.body));
            found.is_some()
        });
        found.unwrap_or_else(|| panic!("the journal never got {what}: {:?}", self.entries()))
    }

    /// Waits until the newest sale has its number.
    pub fn wait_for_number(&self) -> OrderNumber {
        let sale = self.wait_for_entry("a sale", |body| matches!(body, Body::Sale(_))).sequence;
        let adopted = self
            .wait_for_entry("a number", |body| matches!(body, Body::Adopted { sale: s, .. } if *s == sale));
        match adopted.body {
            Body::Adopted { number, .. } => number,
            _ => unreachable!(),
        }
    }

    /// What `evertill-journal verify` says of the till's journal.
    pub fn verify_journal(&self) -> Output {
        let mut command = Command::new(workspace::program("evertill-journal"));
        command.arg("verify").arg(self.journal_file()).output().unwrap()
    }

    /// This till's paid orders at the server.
    pub fn booked(&self) -> Vec<BookedOrder> {
        let all = books::paid_orders(&self.rig).unwrap();
        all.into_iter().filter(|order| order.terminal == self.terminal.get()).collect()
    }

    /// What the wallet itself holds, by the sale's sequence: each attempt that was charged, net.
    pub async fn wallet_charges(&self) -> BTreeMap<i64, Vec<i64>> {
        let mut charges: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for order in self.rig.wallet_control().orders().await.unwrap() {
            if order.net_minor() != 0 {
                let sequence = order.number[16..28].parse().unwrap();
                charges.entry(sequence).or_default().push(order.net_minor());
            }
        }
        charges
    }

    /// What the customers are short of at the wallet.
    pub async fn wallet_net(&self) -> i64 {
        self.wallet_charges().await.values().flatten().sum()
    }

    /// Three books, one truth: what the journal says is paid is at the server once and nothing else is; what the
    /// wallet charged is what the server has as paid by wallet, once for each sale.
    pub async fn books_agree(&mut self) -> BTreeMap<u64, i64> {
        self.sees("All sales sent", 60);
        let verified = self.verify_journal();
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
        let journal = paid_in_journal(&self.entries());
        let booked = self.booked();
        assert_eq!(books::doubled(&booked), [], "sales that are in the books twice");
        let ours = booked.iter().map(|order| (u64::try_from(order.sale.1).unwrap(), order.paid_minor));
        assert_eq!(
            ours.collect::<BTreeMap<_, _>>(),
            journal,
            "the server's books and the till's journal differ"
        );
        let net = |order: &BookedOrder| (order.sale.1, vec![order.paid_minor - order.refunded_minor]);
        let by_wallet: BTreeMap<i64, Vec<i64>> =
            booked.iter().filter(|order| order.by_wallet).map(net).filter(|(_, net)| *net != [0]).collect();
        assert_eq!(self.wallet_charges().await, by_wallet, "the wallet's books and ours differ");
        journal
    }

    /// Receipts that are no copies, by what their QR code names; each may come out once at the most.
    pub fn originals(&self) -> BTreeMap<String, usize> {
        counter::originals(&self.till)
    }

    /// Waits until what the printer has put on paper is as wanted: paper comes a moment after the screen says so.
    pub fn wait_for_papers(&self, as_wanted: impl Fn(&[String]) -> bool) {
        let papers = || self.till.printer.receipts().iter().map(|receipt| receipt.text()).collect::<Vec<_>>();
        assert!(wait_until(seconds(30), || as_wanted(&papers())), "{:#?}", papers());
    }

    /// How many receipts are marked as copies.
    pub fn copies(&self) -> usize {
        self.till.printer.receipts().iter().filter(|receipt| receipt.text().contains("COPY")).count()
    }
}

impl Drop for Desk {
    /// The folder goes; what the programs said last stays with whoever reads the failure.
    fn drop(&mut self) {
        if std::thread::panicking() {
            for log in ["till-1.log", "server.log"] {
                let text = std::fs::read_to_string(self.rig.dir().join("logs").join(log)).unwrap_or_default();
                let lines: Vec<&str> = text.lines().collect();
                eprintln!("--- {log}\n{}", lines[lines.len().saturating_sub(12)..].join("\n"));
            }
        }
    }
}

/// Sales that the journal says are paid, and how much; each once.
pub fn paid_in_journal(entries: &[Entry]) -> BTreeMap<u64, i64> {
    let paid = Paid::of(entries);
    assert!(paid.twice.is_empty(), "sales that are paid twice in the journal");
    paid.sales
}
