//! Carries the controller's commands out.

use super::customer::Customer;
use super::scanner::ScannerSeat;
use crate::catalogue_store::{CatalogueError, Goods, SearchText};
use crate::config::{
    Config, Identity, forget_scanner, remember_colours, remember_language, remember_scanner,
    remember_text_size,
};
use crate::controller::{Command, EnrolError, EnrolledAs, Input, PrintReport};
use crate::front::{Errand, Heard};
use crate::journal_store::{Journal, JournalError, JournalStore, put_aside_older};
use crate::picture_store::PictureStore;
use crate::print::template_file;
use crate::print::thread::PrinterJob;
use crate::staff_store::{StaffStore, StaffStoreError};
use crate::sync::worker::perform;
use crate::training::{Provisions, Told};
use crate::view::{EnrolFailure, FaultPage, PrinterState, Screen, View};
use evertill_hardware::scanner::Places;
use evertill_provisioning::client::{ClientConfig, ClientError, StoreClient};
use evertill_provisioning::enrolment;
use evertill_provisioning::keystore::{DeviceKey, FileKeyStore};
use evertill_provisioning::password;
use evertill_shared::clock::Clock;
use evertill_shared::journal::Head;
use evertill_shared::protocol::enrol::terminal_key_id;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::store::TrustBundle;
use evertill_shared::secret::SecretText;
use ring::rand::{SecureRandom as _, SystemRandom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;

/// What the controller's thread has to work with.
pub struct Hands {
    pub data: PathBuf,
    pub view: Box<dyn View>,
    pub inputs: Sender<Heard>,
    pub net: tokio::runtime::Handle,
    pub clock: Arc<dyn Clock>,
    pub printer: Option<Sender<PrinterJob>>,
    pub scanner: ScannerSeat,
    pub customer: Customer,
    pub config: Config,
    pub key: Option<Arc<DeviceKey>>,
    pub trust: Option<TrustBundle>,
    pub client: Option<StoreClient>,
    pub staff: Option<StaffStore>,
}

impl Hands {
    pub fn run_all(&mut self, errands: Vec<Errand>) {
        for errand in errands {
            self.run(errand);
        }
    }

    /// A training has these errands, and no others: nothing here gives it the client, the key, the drawer or the folder.
    pub fn run(&mut self, errand: Errand) {
        match errand {
            Errand::Till(command) => self.carry_out(command),
            Errand::Show(screen) => self.show(*screen),
            Errand::Print { session, order } => {
                self.give_to_printer(PrinterJob::Practice { session, order });
            }
            Errand::CheckPin { session, asked, login, pin, verifier } => {
                self.check_pin(login, pin, verifier, move |login, right| Heard::Training {
                    session,
                    told: Told::Pin { asked, login, right },
                });
            }
        }
    }

    fn show(&mut self, screen: Screen) {
        self.customer.follow(&screen);
        if let Some(state) = self.customer.display_news() {
            self.tell(Input::Display(state));
        }
        self.view.show(screen);
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Show(screen) => self.show(*screen),
            Command::Send(request) => self.ask(request),
            Command::Print(order) => self.give_to_printer(PrinterJob::Print(order)),
            Command::TestPrint { language } => self.give_to_printer(PrinterJob::Test { language }),
            Command::KickDrawer { kick } => self.give_to_printer(PrinterJob::KickDrawer { kick }),
            Command::Start => self.start(),
            Command::Enrol { server, code } => self.enrol(server, code),
            Command::SaveIdentity(identity) => self.save_identity(&identity),
            Command::ForgetIdentity => {
                self.client = None;
                if let Err(error) = Identity::forget(&self.data) {
                    tracing::error!(%error, "the registration cannot be forgotten");
                }
            }
            Command::KeepLanguage(language) => {
                if let Err(error) = remember_language(&self.data, language) {
                    tracing::error!(%error, "the language cannot be kept for the next start");
                }
            }
            Command::KeepColours(colours) => {
                if let Err(error) = remember_colours(&self.data, colours) {
                    tracing::error!(%error, "the colours cannot be kept for the next start");
                }
            }
            Command::KeepTextSize(size) => {
                if let Err(error) = remember_text_size(&self.data, size) {
                    tracing::error!(%error, "the size of words cannot be kept for the next start");
                }
            }
            Command::OpenJournal(identity) => self.open_journal(&identity),
            Command::FindScanners => {
                let inputs = self.inputs.clone();
                self.net.spawn_blocking(move || {
                    // An error means that the program is ending.
                    let _ = inputs.send(Heard::Input(Input::ScannersFound(Places::default().scanners())));
                });
            }
            Command::UseScanner(scanner) => {
                self.scanner.start(&scanner);
                if let Err(error) = remember_scanner(&self.data, &scanner) {
                    tracing::error!(%error, "the scanner cannot be kept for the next start");
                }
            }
            Command::UseWrittenScanner => {
                match &self.config.scanner {
                    Some(written) => self.scanner.start(written),
                    None => self.scanner.stop(),
                }
                if let Err(error) = forget_scanner(&self.data) {
                    tracing::error!(%error, "the scanner that was chosen here cannot be forgotten: it is back at the next start");
                }
            }
            Command::KeepReceiptTemplate(text) => {
                if let Err(error) = template_file::keep_shops(&self.data, text.as_deref()) {
                    tracing::error!(%error, "the shop's template for receipts cannot be kept; it is asked for at the next start");
                }
            }
            Command::EndProgram => {
                tracing::info!("somebody with the right to it ends the program");
                if slint::quit_event_loop().is_err() {
                    tracing::error!("the window could not be closed");
                }
            }
            Command::KeepPictures(list) => {
                if let Err(error) = PictureStore::new(&self.data).keep_list(&list) {
                    tracing::warn!(%error, "the list of pictures cannot be kept; it is asked for at the next start");
                }
            }
            Command::KeepPicture { name, bytes } => self.keep_picture(name, bytes),
            Command::SaveStaff(staff) => {
                self.with_staff("who may log in cannot be stored", |store| store.save(&staff))
            }
            Command::KeepWrongPins(counts) => {
                self.with_staff("wrong PINs cannot be stored", |store| store.keep_wrong_pins(&counts));
            }
            Command::CheckPin { login, pin, verifier } => {
                self.check_pin(login, pin, verifier, |login, right| {
                    Heard::Input(Input::PinChecked { login, right })
                });
            }
            Command::BeginTraining => {
                let (inputs, goods) = (self.inputs.clone(), self.data.join("goods.db"));
                self.net.spawn_blocking(move || {
                    // An error means that the program is ending.
                    let _ = inputs.send(Heard::Provisions(provisions(&goods).map(Box::new)));
                });
            }
        }
    }

    /// Away from the sale: decoding takes a while.
    fn keep_picture(&self, name: String, bytes: Vec<u8>) {
        let (store, inputs) = (PictureStore::new(&self.data), self.inputs.clone());
        self.net.spawn_blocking(move || {
            let kept = store.keep(&name, &bytes);
            if let Err(error) = &kept {
                tracing::warn!(%error, name, "a picture is not kept: its goods are shown without");
            }
            // An error means that the program is ending.
            let _ = inputs.send(Heard::Input(Input::PictureKept { name, is_good: kept.is_ok() }));
        });
    }

    fn with_staff(
        &self,
        trouble: &'static str,
        work: impl FnOnce(&StaffStore) -> Result<(), StaffStoreError>,
    ) {
        if let Some(store) = &self.staff
            && let Err(error) = work(store)
        {
            // It is in memory, and the list is asked for again at the next start.
            tracing::error!(%error, trouble);
        }
    }

    /// A slow hash: away from the thread that decides.
    fn check_pin(
        &self,
        login: String,
        pin: SecretText,
        verifier: SecretText,
        told: impl FnOnce(String, bool) -> Heard + Send + 'static,
    ) {
        let inputs = self.inputs.clone();
        self.net.spawn_blocking(move || {
            let right = password::is_right(&pin, &verifier);
            if !right {
                tracing::warn!(login, "a wrong PIN");
            }
            // An error means that the program is ending.
            let _ = inputs.send(told(login, right));
        });
    }

    fn tell(&self, input: Input) {
        self.hear(Heard::Input(input));
    }

    fn hear(&self, heard: Heard) {
        // The controller's own thread holds the other end: this cannot fail while it runs.
        let _ = self.inputs.send(heard);
    }

    fn ask(&self, request: crate::sync::Request) {
        let Some(client) = self.client.clone() else {
            tracing::error!("there is no server to ask yet");
            return;
        };
        let inputs = self.inputs.clone();
        self.net.spawn(async move {
            let answer = perform(&client, request).await;
            // An error means that the program is ending.
            let _ = inputs.send(Heard::Input(Input::Net(answer)));
        });
    }

    /// Whatever becomes of the job, the controller hears of it: it waits for that.
    fn give_to_printer(&self, job: PrinterJob) {
        if let Err(job) = given(self.printer.as_ref(), job) {
            tracing::error!("the printer's thread is gone");
            self.hear(job.ended(PrintReport::NotStarted(PrinterState::Disconnected)));
        }
    }

    fn start(&mut self) {
        let input = match self.prepare() {
            Ok(input) => input,
            Err(page) => Input::CannotStart(page),
        };
        self.tell(input);
    }

    fn prepare(&mut self) -> Result<Input, FaultPage> {
        let bad = |error: &dyn std::fmt::Display| FaultPage::BadConfiguration { detail: error.to_string() };
        self.config = Config::read(&self.data).map_err(|error| bad(&error))?;
        self.trust = Some(self.config.trust(&self.data).map_err(|error| bad(&error))?);
        let identity = Identity::read(&self.data).map_err(|error| bad(&error))?;
        let keys = FileKeyStore::new(&self.data);
        // A till that is registered has its key, or is that till no more: another one would sell under its number.
        let key = if identity.is_some() { keys.load() } else { keys.load_or_generate() };
        let key = key.map_err(|error| {
            tracing::error!(%error, "the key cannot be read");
            FaultPage::KeyUnreadable
        })?;
        let fingerprint = key.fingerprint();
        self.key = Some(Arc::new(key));
        let identity = identity.map(|identity| identity.at_servers_of(&self.config));
        if let Some(identity) = &identity {
            self.connect(identity).map_err(|error| bad(&error))?;
        }
        Ok(Input::Started { identity, fingerprint })
    }

    fn connect(&mut self, identity: &Identity) -> Result<(), ClientError> {
        let missing = || ClientError::Misconfigured("the till has no key or no trust file".into());
        let trust = self.trust.clone().ok_or_else(missing)?;
        let key = self.key.as_ref().ok_or_else(missing)?;
        let key_id = terminal_key_id(identity.terminal, identity.epoch);
        let signing = key.signing_key(key_id).map_err(|e| ClientError::Misconfigured(e.to_string()))?;
        let config = ClientConfig::new(identity.servers.clone(), trust);
        self.client = Some(StoreClient::new(config, signing, Arc::clone(&self.clock))?);
        Ok(())
    }

    fn enrol(&self, server: String, code: SecretText) {
        let (Some(key), Some(trust)) = (self.key.clone(), self.trust.clone()) else { return };
        let (inputs, clock) = (self.inputs.clone(), Arc::clone(&self.clock));
        self.net.spawn(async move {
            let config = ClientConfig::new(vec![server.clone()], trust);
            let now = clock.now();
            let result = enrolment::enrol(config, &code, &key, clock).await;
            let result = result.map(|enrolled| EnrolledAs { server, enrolled }).map_err(|error| {
                tracing::warn!(%error, "the till could not be registered");
                EnrolError(failure(&error, now.0))
            });
            let _ = inputs.send(Heard::Input(Input::Enrolled(result)));
        });
    }

    fn save_identity(&mut self, identity: &Identity) {
        if !identity.activated {
            // It is in the same file.
            self.staff = None;
        }
        if !identity.activated
            && let Err(error) = put_aside_older(&self.data.join("till.db"), identity)
        {
            tracing::error!(%error, "the journal of the older key cannot be put aside");
            return self.tell(Input::CannotStart(FaultPage::Other { detail: error.to_string() }));
        }
        if let Err(error) = identity.write(&self.data) {
            tracing::error!(%error, "who the till is cannot be stored");
            return self.tell(Input::CannotStart(FaultPage::Other { detail: error.to_string() }));
        }
        if let Err(error) = self.connect(identity) {
            tracing::error!(%error, "the server cannot be asked");
            self.tell(Input::CannotStart(FaultPage::BadConfiguration { detail: error.to_string() }));
        }
    }

    fn open_journal(&mut self, identity: &Identity) {
        let opened = self.journal(identity);
        if opened.is_ok() {
            self.load_goods();
            self.load_staff();
        }
        self.tell(Input::JournalOpened(opened));
    }

    fn journal(&self, identity: &Identity) -> Result<Box<dyn Journal>, JournalError> {
        let path = self.data.join("till.db");
        let start = Head::start(identity.terminal, identity.epoch);
        let key = self.key.as_ref().ok_or_else(|| JournalError::Io("there is no key".into()))?;
        let signing = key
            .signing_key(terminal_key_id(identity.terminal, identity.epoch))
            .map_err(|error| JournalError::Io(error.to_string()))?;
        Ok(Box::new(JournalStore::open(&path, start, Arc::new(signing), self.clock.now())?))
    }

    fn load_staff(&mut self) {
        let Some(key) = self.key.clone() else { return };
        let store = match StaffStore::open(&self.data.join("till.db"), key) {
            Ok(store) => store,
            Err(error) => return tracing::error!(%error, "who may log in cannot be read"),
        };
        match store.load().and_then(|staff| Ok((staff, store.wrong_pins()?))) {
            Ok((staff, wrong)) => self.tell(Input::StaffLoaded { staff, wrong }),
            // Sales are not to wait for it: the till works without a lock until the server has sent the list.
            Err(error) => tracing::error!(%error, "who may log in cannot be read; it is asked for again"),
        }
        self.staff = Some(store);
    }

    fn load_goods(&self) {
        let path = self.data.join("goods.db");
        let mut goods = match goods_at(&path) {
            Ok(goods) => goods,
            Err(error) => return tracing::error!(%error, "the goods cannot be read"),
        };
        if let Err(error) = goods.take_over(&self.data.join("till.db")) {
            tracing::warn!(%error, "the goods of the earlier program cannot be read; they are loaded anew");
        }
        self.tell(Input::GoodsOpened(Box::new(goods)));
        // Scans need no names; whoever searches in the first moment sees the matches a moment later.
        let inputs = self.inputs.clone();
        self.net.spawn_blocking(move || match SearchText::read(&path) {
            Ok(names) => {
                // An error means that the program is ending.
                let _ = inputs.send(Heard::Input(Input::NamesRead(names)));
            }
            Err(error) => tracing::error!(%error, "the names of the goods cannot be read"),
        });
    }
}

/// What a training is made of: goods that cannot be written, and chance.
fn provisions(goods: &Path) -> Result<Provisions, String> {
    let random = SystemRandom::new();
    let (mut seed, mut apart) = ([0; 32], [0; 4]);
    random.fill(&mut seed).and_then(|()| random.fill(&mut apart)).map_err(|_| "there is no chance")?;
    Ok(Provisions {
        goods: Goods::open_to_read(goods).map_err(|error| error.to_string())?,
        names: SearchText::read(goods).map_err(|error| error.to_string())?,
        seed,
        random: u32::from_le_bytes(apart),
        jitter: super::jitter(),
    })
}

/// Gives a job to the printer's thread; back, if there is none any more.
fn given(printer: Option<&Sender<PrinterJob>>, job: PrinterJob) -> Result<(), PrinterJob> {
    match printer {
        Some(printer) => printer.send(job).map_err(|back| back.0),
        None => Err(job),
    }
}

/// The goods in their file. One that is damaged is put aside and a new one begun, since the server has them all.
fn goods_at(path: &Path) -> Result<Goods, CatalogueError> {
    let first = Goods::open(path);
    let Err(CatalogueError::Database(error)) = &first else { return first };
    tracing::error!(%error, "the goods' file is damaged; they are loaded anew");
    for end in ["", "-wal", "-shm"] {
        let old = path.with_extension(format!("db{end}"));
        if let Err(error) = std::fs::rename(&old, path.with_extension(format!("damaged{end}")))
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::error!(%error, file = %old.display(), "it cannot be put aside");
        }
    }
    Goods::open(path)
}

fn failure(error: &ClientError, now_ms: i64) -> EnrolFailure {
    match error {
        ClientError::Unreachable(_) | ClientError::NoAnswer(_) => EnrolFailure::NoNetwork,
        ClientError::Untrusted(_) => EnrolFailure::ServerUntrusted,
        ClientError::Misconfigured(_) => EnrolFailure::AddressInvalid,
        ClientError::BadAnswer(_) => EnrolFailure::Refused { code: "bad_answer".into() },
        ClientError::Api(error) => match error.code {
            ErrorCode::EnrolmentRefused => EnrolFailure::WrongCode { tries_left: None },
            ErrorCode::EnrolmentLocked => EnrolFailure::Blocked { wait_seconds: None },
            ErrorCode::SignatureStale => {
                EnrolFailure::ClockWrong { ahead_seconds: (now_ms - error.server_time.0) / 1000 }
            }
            other => EnrolFailure::Refused { code: other.word() },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::PrintOrder;
    use crate::print::examples::Example;
    use crate::view::Language;
    use std::sync::mpsc::channel;

    #[test]
    fn every_job_comes_back_that_no_printers_thread_takes() {
        let (gone, _) = channel();
        for printer in [None, Some(&gone)] {
            let receipt = Example::Sale.receipt().unwrap();
            let order =
                || Box::new(PrintOrder { job: 7, receipt: receipt.clone(), language: Language::English });
            let jobs = [
                PrinterJob::Print(order()),
                PrinterJob::Test { language: Language::English },
                PrinterJob::KickDrawer { kick: 3 },
                PrinterJob::Practice { session: 5, order: order() },
            ];
            let report = PrintReport::NotStarted(PrinterState::Disconnected);
            let told = jobs.map(|job| given(printer, job).unwrap_err().ended(report));
            assert!(
                matches!(
                    told,
                    [
                        Heard::Input(Input::Printed { job: 7, report: receipt }),
                        Heard::Input(Input::TestPrinted(test)),
                        Heard::Input(Input::Kicked { kick: 3, report: drawer }),
                        Heard::Training { session: 5, told: Told::Printed { job: 7, report: practice } },
                    ] if [receipt, test, drawer, practice] == [report; 4]
                ),
                "something is waited for, for ever"
            );
        }
        let (printer, jobs) = channel();
        assert!(given(Some(&printer), PrinterJob::KickDrawer { kick: 4 }).is_ok());
        assert!(matches!(jobs.recv(), Ok(PrinterJob::KickDrawer { kick: 4 })));
    }
}
