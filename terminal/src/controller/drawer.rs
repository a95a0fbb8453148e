//! The drawer without a sale: a reason, a right, an entry, and then one kick.

use super::approval::Approved;
use super::{At, Controller};
use crate::view::Notice;
use evertill_shared::cashier::Cashier;
use evertill_shared::journal::{Body, DrawerReason};
use evertill_shared::rights::Right;

impl Controller {
    /// A reason was chosen.
    pub(super) fn no_sale(&mut self, reason: DrawerReason) {
        if matches!(self.at, At::Drawer) {
            self.with_right(Right::NoSale, Approved::NoSale { reason });
        }
    }

    /// Opens the drawer once for the entry that says so. After a crash between the two it stays closed: the entry is
    /// never taken up again, and a person asks anew.
    pub(super) fn open_drawer_for(&mut self, reason: DrawerReason, approved_by: Option<Cashier>) {
        if !matches!(self.at, At::Drawer) {
            return;
        }
        let body = Body::DrawerOpened { reason, cashier: self.cashier(), approved_by };
        if self.write(&body).is_some() {
            self.at = At::Sale;
            self.open_drawer();
            self.tell(Notice::DrawerOpened);
        }
    }
}
