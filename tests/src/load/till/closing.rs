//! The end of a shift of thousands of sales of which the server has none: from the touch that confirms the count until the
//! till's own controller has the report for the screen, on a disk that is waited for. The window draws one page after that,
//! as after any touch.

use crate::load::wrong;
use crate::store_rig::RigError;
use evertill_shared::clock::{Clock, SystemClock, Timestamp};
use evertill_shared::id::{StoreId, TerminalId};
use evertill_shared::journal::{Body, Head};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::Sale;
use evertill_shared::order::line::{Line, TaxRate};
use evertill_shared::protocol::store::StoreInfo;
use evertill_shared::shift::Shift;
use evertill_shared::signing::SigningKey;
use evertill_terminal::catalogue_store::Goods;
use evertill_terminal::config::Identity;
use evertill_terminal::controller::{Command, Controller, Input, Moment, Options, PictureShelf};
use evertill_terminal::journal_store::{Journal as _, JournalStore};
use evertill_terminal::view::{Colours, Language, Page, Screen, TextSize, UserAction};
use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The till that closes.
const KEY: &str = "T0001:1";
/// A note of a hundred, which is counted once.
const NOTE: i64 = 10_000;

/// Milliseconds from the confirmed count to the report, after so many sales.
pub(super) fn measure(dir: &Path, sales: u32, now: Timestamp) -> Result<f64, RigError> {
    let path = dir.join("closing.db");
    let journal = filled(&path, sales, now)?;
    let mut till = Till::switched_on(journal)?;
    till.touch(UserAction::NextSale);
    till.touch(UserAction::OpenDrawerPage);
    till.touch(UserAction::EndShift);
    till.touch(UserAction::CountChoose { value_minor: NOTE });
    till.touch(UserAction::CountKey("1".into()));
    till.touch(UserAction::CountConfirm);
    let question =
        till.screen.as_ref().filter(|screen| screen.confirm.is_some()).map(|screen| screen.question);
    let question = question.ok_or_else(|| wrong("the till does not ask whether the count is right"))?;
    let began = SystemClock.monotonic();
    till.touch(UserAction::Confirm { question, yes: true });
    let took = SystemClock.monotonic().saturating_sub(began).as_secs_f64() * 1e3;
    match till.screen.as_ref().map(|screen| &screen.page) {
        Some(Page::Report(page)) if page.ended && page.unsent == sales => {}
        other => return Err(wrong(format!("no report of {sales} sales that are not sent, but {other:?}"))),
    }
    drop(till);
    // From the disk, not from what the screen says.
    let ended = open(&path, now)?.last_shift().map_err(|error| failed(&error))?;
    match ended {
        Some(Shift { closed: Some(_), totals, .. }) if totals.cash_sales.count == sales => Ok(took),
        other => Err(wrong(format!("the journal has no end of a shift of {sales} sales, but {other:?}"))),
    }
}

fn failed(error: &dyn Display) -> RigError {
    wrong(format!("the journal for the end of a shift: {error}"))
}

fn cny(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

fn terminal() -> Result<TerminalId, RigError> {
    TerminalId::try_from(1).map_err(|error| failed(&error))
}

fn store() -> Result<StoreId, RigError> {
    StoreId::try_from(7).map_err(|error| failed(&error))
}

fn open(path: &Path, now: Timestamp) -> Result<JournalStore, RigError> {
    let key = SigningKey::from_seed(&[7; 32], KEY.into()).map_err(|error| failed(&error))?;
    JournalStore::open(path, Head::start(terminal()?, 1), Arc::new(key), now).map_err(|error| failed(&error))
}

/// A journal with an open shift and so many sales for cash.
fn filled(path: &Path, sales: u32, now: Timestamp) -> Result<JournalStore, RigError> {
    let mut journal = open(path, now)?;
    let mut write = |body: &Body| journal.append(body, now).map_err(|error| failed(&error));
    write(&Body::ShiftOpened { float: cny(NOTE), cashier: None, approved_by: None })?;
    let store = store()?;
    for _ in 0..sales {
        let line = Line::new("p".into(), "Tea".into(), 1, cny(450), TaxRate(1300)).map_err(|e| failed(&e))?;
        let sale = Sale::new(store, now, Currency::CNY, vec![line]).map_err(|error| failed(&error))?;
        let sale = write(&Body::Sale(sale))?;
        write(&Body::CashTaken { sale, given: cny(500), change: cny(50) })?;
    }
    Ok(journal)
}

/// The till's own controller with nothing around it that would answer.
struct Till {
    controller: Controller,
    screen: Option<Screen>,
}

impl Till {
    fn switched_on(journal: JournalStore) -> Result<Self, RigError> {
        let mut till =
            Self { controller: Controller::new(options(), Box::new(|| 500), moment()), screen: None };
        till.give(Input::Started { identity: Some(identity()?), fingerprint: "AB12 CD34".into() });
        let goods = Goods::in_memory(1, &[]).map_err(|error| failed(&error))?;
        till.give(Input::GoodsOpened(Box::new(goods)));
        till.give(Input::JournalOpened(Ok(Box::new(journal))));
        Ok(till)
    }

    fn touch(&mut self, action: UserAction) {
        self.give(Input::Action(action));
    }

    /// What it shows is kept; the rest of what it orders is nobody's.
    fn give(&mut self, input: Input) {
        for command in self.controller.handle(input, moment()) {
            if let Command::Show(screen) = command {
                self.screen = Some(*screen);
            }
        }
    }
}

fn moment() -> Moment {
    Moment { wall: SystemClock.now(), monotonic: SystemClock.monotonic() }
}

fn identity() -> Result<Identity, RigError> {
    Ok(Identity {
        servers: vec!["https://127.0.0.1:8443".into()],
        terminal: terminal()?,
        name: "Till 1".into(),
        epoch: 1,
        registration_code: "AB12".into(),
        store: StoreInfo {
            id: store()?,
            name: "Corner Store".into(),
            address: Vec::new(),
            currency: Currency::CNY,
            zone: "Asia/Shanghai".parse().map_err(|_| wrong("no such zone"))?,
            cut_off_minutes: 0,
        },
        activated: true,
    })
}

fn options() -> Options {
    Options {
        language: Language::English,
        colours: Colours::Light,
        languages: vec![Language::English, Language::Chinese],
        languages_wrong: Vec::new(),
        text_size: TextSize::Normal,
        version: "0".into(),
        servers: vec!["https://127.0.0.1:8443".into()],
        // The report is printed at once: that it is to be stands in the journal before it is on the screen.
        has_printer: true,
        scanner: None,
        receipt_template: String::new(),
        pictures: PictureShelf::default(),
        written_scanner: None,
        in_store: Vec::new(),
        lock_after: Duration::from_secs(300),
        archive_after_days: 35,
        demand_shifts: false,
        kiosk: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_that_the_server_knows_nothing_of_ends_with_its_report() {
        let dir = tempfile::tempdir().unwrap();
        let took = measure(dir.path(), 3, SystemClock.now()).unwrap();
        assert!(took > 0.0);
        assert!(measure(dir.path(), 3, SystemClock.now()).is_err(), "one end of a shift is not another's");
    }
}
