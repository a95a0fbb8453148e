//! The way out of a till that is all that there is on the screen: for who holds the right, shown by a PIN. There is no other.

use super::approval::Approved;
use super::{At, Command, Controller};
use evertill_shared::cashier::Cashier;
use evertill_shared::rights::Right;

impl Controller {
    /// Somebody wants to end the program. Where nobody has a PIN nobody can show the right: then IT ends it from outside.
    pub(super) fn ask_to_end(&mut self) {
        if !self.options.kiosk || !matches!(self.at, At::About) {
            return;
        }
        // Also where a manager serves: they may have stepped away, and the till would be gone at one touch.
        self.with_pin(Right::LeaveKiosk, Approved::EndProgram);
    }

    /// The cart, and what is at the server or not, stand on the disk: nothing has to be finished first.
    pub(super) fn end_program(&mut self, approver: Option<Cashier>) {
        let by = approver.or_else(|| self.cashier()).map(|person| person.login);
        tracing::info!(by, "the till's program is ended at the till");
        self.out.push(Command::EndProgram);
    }
}
