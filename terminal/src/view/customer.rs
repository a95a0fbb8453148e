//! What the customer may see, made from what the cashier sees: one source for the window on the second monitor and for
//! the display of two lines on its pole.
//!
//! Only what is named here gets through: goods, amounts, and what the customer is to do. No notice, no question, no
//! reason, no note and no name of the cashier's; nothing of what is looked up between two customers; and of a payment
//! code nothing at all, since the screen itself holds none.

use super::{
    CartLine, DonePage, Language, LockPage, MoneyStyle, Page, PaidBy, PaymentPage, PaymentState, Quantity,
    SalePage, Screen, UnderWay, Wallet,
};

/// All that the customer sees at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomerScreen {
    /// The language of all words.
    pub language: Language,
    /// How amounts are written.
    pub money: MoneyStyle,
    /// The store's name.
    pub store: String,
    /// The goods of this sale, oldest first; empty while nothing is sold.
    pub lines: Vec<CustomerLine>,
    /// Which of them changed last.
    pub newest: Option<usize>,
    /// What is to be paid, in minor units.
    pub total_minor: i64,
    /// What of it was taken in cash, while the rest is to be paid, in minor units; 0 if nothing.
    pub part_minor: i64,
    /// What is taken off the whole sale, in minor units; 0 if nothing.
    pub off_minor: i64,
    /// What goes on.
    pub page: CustomerPage,
    /// Nothing of it is real: the till is in training.
    pub training: bool,
}

impl CustomerScreen {
    /// What is still to be paid, in minor units.
    #[must_use]
    pub const fn due_minor(&self) -> i64 {
        self.total_minor.saturating_sub(self.part_minor)
    }
}

/// A line of the sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerLine {
    /// Names the line; stays the same while the sale lasts.
    pub line: u32,
    /// The name of the goods.
    pub name: String,
    /// How much.
    pub quantity: Quantity,
    /// Price of one piece, or of a kilogram, in minor units.
    pub unit_price_minor: i64,
    /// Total of the line in minor units.
    pub total_minor: i64,
    /// What is taken off this line, in minor units; 0 if nothing.
    pub off_minor: i64,
}

/// What goes on, and what the customer is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CustomerPage {
    /// The till does not sell now, and promises nothing.
    #[default]
    Closed,
    /// Nobody is being served.
    Welcome,
    /// Goods are being scanned.
    Sale,
    /// Show your payment code to the scanner.
    PresentCode {
        /// Wallets whose codes are taken.
        wallets: Vec<Wallet>,
    },
    /// Pay in cash.
    Cash,
    /// Wait a moment.
    Wait,
    /// Confirm the payment on your phone.
    ConfirmOnPhone,
    /// Scan this code with your wallet.
    ScanThis {
        /// What the QR code holds.
        code: String,
        /// Whose code it is.
        wallet: Option<Wallet>,
        /// Seconds until it is closed.
        remaining_seconds: u64,
    },
    /// Nobody knows yet whether it is paid: wait, and do not pay again.
    Unknown,
    /// It did not go through; nothing was charged.
    NotCharged,
    /// Paid by a wallet. Thanks.
    Paid,
    /// Paid in cash. Thanks.
    PaidCash {
        /// What was given, in minor units.
        given_minor: i64,
        /// What goes back, in minor units.
        change_minor: i64,
    },
}

impl CustomerPage {
    /// Money may be on its way, or gone already.
    fn is_about_money(&self) -> bool {
        matches!(self, Self::Wait | Self::ConfirmOnPhone | Self::ScanThis { .. } | Self::Unknown)
    }

    fn is_thanks(&self) -> bool {
        matches!(self, Self::Paid | Self::PaidCash { .. })
    }
}

impl CustomerScreen {
    /// What the customer sees after this came on the till's screen. Pages that are only the cashier's change nothing.
    #[must_use]
    pub fn after(&self, screen: &Screen) -> Self {
        let training = screen.training.is_some();
        // Goods of a training are nobody's, and a customer's goods are none of a training's.
        let before = if training == self.training { self.clone() } else { Self::default() };
        let mut next = Self {
            training,
            language: screen.language,
            money: screen.money.clone(),
            store: screen.status.store.clone(),
            ..before
        };
        match &screen.page {
            // Their money may be gone, and whoever reads "closed" pays again at the next till.
            Page::Fault(_) if next.page.is_about_money() => next.page = CustomerPage::Unknown,
            Page::Fault(_) if next.page.is_thanks() => {}
            Page::Starting | Page::Enrol(_) | Page::Fault(_) => next.end(CustomerPage::Closed),
            Page::Sale(page) => next.sell(page),
            Page::AwaitCode(page) => {
                let present = CustomerPage::PresentCode { wallets: page.wallets.clone() };
                next.pay(page.total_minor, page.part_minor, present);
            }
            Page::Cash(page) => next.pay(page.total_minor, page.part_minor, CustomerPage::Cash),
            Page::Payment(page) => next.pay(page.total_minor, page.part_minor, payment(page)),
            Page::Done(page) => next.pay(page.total_minor, 0, done(page)),
            Page::Lock(LockPage { under_way, .. }) => next.lock(under_way.as_ref()),
            _ => {}
        }
        next
    }

    fn sell(&mut self, page: &SalePage) {
        if page.lines.is_empty() {
            return self.end(CustomerPage::Welcome);
        }
        let lines: Vec<CustomerLine> = page.lines.iter().map(line).collect();
        self.newest = newest(&self.lines, self.newest, &lines);
        self.lines = lines;
        self.off_minor = page.discount.as_ref().map_or(0, |off| off.amount_minor);
        (self.total_minor, self.part_minor) = (page.total_minor, 0);
        self.page = CustomerPage::Sale;
    }

    fn pay(&mut self, total_minor: i64, part_minor: i64, page: CustomerPage) {
        // After a restart in the middle of a payment the goods are those of another sale, or none.
        if self.total_minor != total_minor {
            self.end(CustomerPage::Closed);
        }
        (self.total_minor, self.part_minor) = (total_minor, part_minor);
        self.page = page;
    }

    fn lock(&mut self, under_way: Option<&UnderWay>) {
        match under_way {
            // A till that is locked takes no code: it must not go on asking for one.
            Some(UnderWay::Sale { .. }) => {
                if matches!(self.page, CustomerPage::PresentCode { .. } | CustomerPage::Cash) {
                    self.page = CustomerPage::Sale;
                }
            }
            Some(UnderWay::Payment(page)) => self.pay(page.total_minor, page.part_minor, payment(page)),
            Some(UnderWay::Paid(page)) => self.pay(page.total_minor, 0, done(page)),
            None => self.end(CustomerPage::Welcome),
        }
    }

    fn end(&mut self, page: CustomerPage) {
        self.lines.clear();
        (self.newest, self.total_minor, self.off_minor, self.page) = (None, 0, 0, page);
        self.part_minor = 0;
    }
}

fn line(line: &CartLine) -> CustomerLine {
    CustomerLine {
        line: line.line,
        name: line.name.clone(),
        quantity: line.quantity,
        unit_price_minor: line.unit_price_minor,
        total_minor: line.total_minor,
        off_minor: line.discount.as_ref().map_or(0, |off| off.amount_minor),
    }
}

/// The line that changed is the one to look at; where one went, the one that was looked at before, or the last.
fn newest(before: &[CustomerLine], looked_at: Option<usize>, lines: &[CustomerLine]) -> Option<usize> {
    let changed = lines.iter().rposition(|line| !before.contains(line));
    let stays = || {
        let was = before.get(looked_at?)?;
        lines.iter().position(|line| line.line == was.line)
    };
    changed.or_else(stays).or_else(|| lines.len().checked_sub(1))
}

fn payment(page: &PaymentPage) -> CustomerPage {
    match &page.state {
        PaymentState::Sending | PaymentState::PreparingCode => CustomerPage::Wait,
        PaymentState::CustomerConfirming { .. } => CustomerPage::ConfirmOnPhone,
        PaymentState::ShowingCode { code, remaining_seconds, .. } => CustomerPage::ScanThis {
            code: code.clone(),
            wallet: page.wallet,
            remaining_seconds: *remaining_seconds,
        },
        PaymentState::Unknown { .. } => CustomerPage::Unknown,
        PaymentState::Paid => CustomerPage::Paid,
        PaymentState::Declined(_) | PaymentState::Reversed => CustomerPage::NotCharged,
    }
}

fn done(page: &DonePage) -> CustomerPage {
    match page.paid_by {
        PaidBy::Wallet(_) | PaidBy::Split { .. } => CustomerPage::Paid,
        PaidBy::Cash { given_minor, change_minor } => CustomerPage::PaidCash { given_minor, change_minor },
    }
}

#[cfg(test)]
mod tests;
