//! The drawer without a sale.

use super::Act;
use super::generated::{Drawer, DrawerReasonKind, MainWindow, Till};
use crate::view::UserAction;
use evertill_shared::journal::DrawerReason;
use slint::ComponentHandle;

pub fn connect(window: &MainWindow, act: &Act) {
    let send = act.clone();
    window.global::<Till>().on_open_drawer_page(move || send(UserAction::OpenDrawerPage));
    let send = act.clone();
    window.global::<Drawer>().on_open(move |reason| send(UserAction::NoSale { reason: chosen(reason) }));
}

fn chosen(reason: DrawerReasonKind) -> DrawerReason {
    match reason {
        DrawerReasonKind::ChangeMoney => DrawerReason::ChangeMoney,
        DrawerReasonKind::WrongChange => DrawerReason::WrongChange,
        DrawerReasonKind::Check => DrawerReason::Check,
        DrawerReasonKind::Other => DrawerReason::Other,
    }
}
