//! The page where the scanner is set up.

use super::generated::{
    About, MainWindow, MarksKind, ScannerRowData, ScannerWayKind, Scanners, TakenForKind,
};
use super::status::{scanner, whole};
use super::{Act, list, wallets};
use crate::view::{ScannerKind, ScannerMarks, ScannerRow, ScannersPage, TakenFor, UserAction};
use slint::ComponentHandle;

pub fn connect(window: &MainWindow, act: &Act) {
    let view = window.global::<Scanners>();
    let send = act.clone();
    window.global::<About>().on_open_scanners(move || send(UserAction::OpenScanners));
    let send = act.clone();
    view.on_find(move || send(UserAction::FindScanners));
    let send = act.clone();
    view.on_use(move |id| send(UserAction::UseScanner { id: id.into() }));
    let send = act.clone();
    view.on_go_back(move || send(UserAction::UseWrittenScanner));
    let send = act.clone();
    view.on_set_marks(move |marks| {
        send(UserAction::SetScannerMarks(match marks {
            MarksKind::Aim => ScannerMarks::Aim,
            MarksKind::Zebra => ScannerMarks::Zebra,
            MarksKind::Datalogic => ScannerMarks::Datalogic,
        }));
    });
    let send = act.clone();
    view.on_set_end(move |by_pause| send(UserAction::SetScannerEnd { by_pause }));
    let send = act.clone();
    view.on_set_baud(move |baud| send(UserAction::SetScannerBaud { baud: baud.unsigned_abs() }));
    let send = act.clone();
    view.on_set_typing(move |typing| send(UserAction::SetScannerTyping(typing)));
}

pub fn show(window: &MainWindow, page: &ScannersPage) {
    let view = window.global::<Scanners>();
    if let Some(found) = list::update(&view.get_found(), page.found.iter().map(row).collect()) {
        view.set_found(found);
    }
    view.set_searching(page.searching);
    view.set_may_go_back(page.may_go_back);
    view.set_in_use(page.used.is_some());
    if let Some(used) = &page.used {
        view.set_way(way(used.kind));
        view.set_place(used.place.as_str().into());
        view.set_state(scanner(used.state));
        view.set_marks(match used.marks {
            ScannerMarks::Aim => MarksKind::Aim,
            ScannerMarks::Zebra => MarksKind::Zebra,
            ScannerMarks::Datalogic => MarksKind::Datalogic,
        });
        view.set_by_pause(used.ends_by_pause);
        view.set_typed_on(used.typed_on);
        view.set_baud(whole(used.baud));
    }
    view.set_arrived(page.arrived.is_some());
    if let Some(arrived) = &page.arrived {
        let (taken_for, whose, goods) = match &arrived.taken_for {
            TakenFor::Goods { name } => (TakenForKind::Goods, wallets::NONE, name.as_str()),
            TakenFor::UnknownGoods => (TakenForKind::UnknownGoods, wallets::NONE, ""),
            TakenFor::PaymentCode(by) => (TakenForKind::PaymentCode, wallets::place(*by), ""),
            TakenFor::ShopCode => (TakenForKind::ShopCode, wallets::NONE, ""),
            TakenFor::Other => (TakenForKind::Other, wallets::NONE, ""),
            TakenFor::Unreadable => (TakenForKind::Unreadable, wallets::NONE, ""),
        };
        view.set_text(arrived.text.as_str().into());
        view.set_characters(whole(arrived.characters));
        view.set_identifier(arrived.identifier.as_str().into());
        view.set_taken_for(taken_for);
        view.set_wallet(whose);
        view.set_goods(goods.into());
    }
}

fn row(row: &ScannerRow) -> ScannerRowData {
    ScannerRowData {
        id: row.id.as_str().into(),
        way: way(row.kind),
        name: row.name.as_str().into(),
        place: row.place.as_str().into(),
        in_use: row.in_use,
    }
}

fn way(kind: ScannerKind) -> ScannerWayKind {
    match kind {
        ScannerKind::Reports => ScannerWayKind::Reports,
        ScannerKind::Serial => ScannerWayKind::Serial,
        ScannerKind::Keyboard => ScannerWayKind::Keyboard,
    }
}
