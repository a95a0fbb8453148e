//! How a shop wants its receipts to look: a small text that a person writes, and what it means.
//!
//! ```text
//! evertill-receipt 1
//!
//! [header]
//! title center bold double
//! address center
//! text center en "Thank you" zh "谢谢惠顾"
//!
//! [sale]
//! separator
//! goods
//! …
//! ```
//!
//! A template says what stands where and how large. What a receipt must say cannot be left out: a section that lacks one
//! of its necessary blocks is refused with its line, and the marks of copies and refunds are put there by the till
//! whatever the template says.

mod logo;
mod read;
mod words;

pub use logo::{Logo, LogoError};
pub use read::{Fault, TemplateError, WhyNot};
pub use words::Words;

/// The template that comes with the till.
pub const DEFAULT: &str = include_str!("default.template");

/// The longest template, in bytes: a page of text and a logo.
pub const LONGEST: usize = 128 * 1024;

/// A layout of receipts. What is in it has been checked: see [`Template::parse`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// At the top of every paper: of sales, refunds and the reports of shifts.
    pub header: Vec<Block>,
    /// What was sold and how it was paid.
    pub sale: Vec<Block>,
    /// What went back.
    pub refund: Vec<Block>,
    /// Below sales and refunds.
    pub footer: Vec<Block>,
}

impl Template {
    /// Reads a template.
    /// # Errors
    /// The first line that is wrong, and why.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        read::template(text)
    }
}

impl Default for Template {
    /// The one that comes with the till.
    fn default() -> Self {
        // It is right: a test reads it.
        Self::parse(DEFAULT).unwrap_or_else(|_| Self::bare())
    }
}

impl Template {
    /// Only what a receipt must say, in plain letters.
    #[must_use]
    pub fn bare() -> Self {
        let of = |section: Section| {
            let needed = What::of(section).into_iter().filter(|what| what.is_needed());
            needed.map(|what| Block { what, look: Look::default() }).collect()
        };
        Self {
            header: of(Section::Header),
            sale: of(Section::Sale),
            refund: of(Section::Refund),
            footer: of(Section::Footer),
        }
    }
}

/// A part of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// See [`Template::header`].
    Header,
    /// See [`Template::sale`].
    Sale,
    /// See [`Template::refund`].
    Refund,
    /// See [`Template::footer`].
    Footer,
}

impl Section {
    /// All of them, in the order of the paper.
    pub const ALL: [Self; 4] = [Self::Header, Self::Sale, Self::Refund, Self::Footer];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Sale => "sale",
            Self::Refund => "refund",
            Self::Footer => "footer",
        }
    }
}

/// One line of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What stands there.
    pub what: What,
    /// How it looks.
    pub look: Look,
}

/// What stands somewhere on the paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The shop's own words.
    Text(Words),
    /// A line across the paper.
    Separator,
    /// Empty lines.
    Feed(u8),
    /// A picture.
    Logo(Logo),
    /// The store's name.
    Title,
    /// The store's address.
    Address,
    /// The goods, each with its price, and what was taken off it.
    Goods,
    /// The sum before, and what was taken off it; nothing if nothing was.
    Discount,
    /// What was to be paid.
    Total,
    /// What the customer saved; nothing if nothing.
    Saved,
    /// The tax within, by rate.
    Tax,
    /// How it was paid, or paid back.
    Tenders,
    /// What went back.
    Refunded,
    /// The refund's number.
    RefundNumber,
    /// The order that was refunded.
    OfOrder,
    /// Who approved the refund.
    ApprovedBy,
    /// The till, and when.
    Till,
    /// The sale's own number.
    Sale,
    /// Who served; nothing where nobody logs in.
    Cashier,
    /// The order's number, once there is one.
    Order,
    /// What the customer wanted to be noted.
    Note,
    /// That the order's number follows, for a sale without the server.
    Offline,
    /// The order's number, or the sale's, as a QR code; with the dots of a module.
    Qr(u8),
    /// The same as a bar code (Code 128), on printers that make one.
    Barcode,
}

/// The dots of a module of a QR code, if a template says nothing: 0.75 mm, which every phone reads.
pub const QR_DOTS: u8 = 6;

impl What {
    /// The blocks that belong to a section, but for those that may stand anywhere.
    #[must_use]
    pub fn of(section: Section) -> Vec<Self> {
        match section {
            Section::Header => vec![Self::Title, Self::Address],
            Section::Sale => {
                vec![Self::Goods, Self::Discount, Self::Total, Self::Saved, Self::Tax, Self::Tenders]
            }
            Section::Refund => {
                vec![Self::Refunded, Self::Tenders, Self::RefundNumber, Self::OfOrder, Self::ApprovedBy]
            }
            Section::Footer => vec![
                Self::Till,
                Self::Sale,
                Self::Cashier,
                Self::Order,
                Self::Note,
                Self::Offline,
                Self::Qr(QR_DOTS),
                Self::Barcode,
            ],
        }
    }

    /// As it is written.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Separator => "separator",
            Self::Feed(_) => "feed",
            Self::Logo(_) => "logo",
            Self::Title => "title",
            Self::Address => "address",
            Self::Goods => "goods",
            Self::Discount => "discount",
            Self::Total => "total",
            Self::Saved => "saved",
            Self::Tax => "tax",
            Self::Tenders => "tenders",
            Self::Refunded => "refunded",
            Self::RefundNumber => "refund-number",
            Self::OfOrder => "of-order",
            Self::ApprovedBy => "approved-by",
            Self::Till => "till",
            Self::Sale => "sale",
            Self::Cashier => "cashier",
            Self::Order => "order",
            Self::Note => "note",
            Self::Offline => "offline",
            Self::Qr(_) => "qr",
            Self::Barcode => "barcode",
        }
    }

    /// Whether its section is refused without it: who sold, what, for how much, paid how, when, under which numbers.
    #[must_use]
    pub const fn is_needed(&self) -> bool {
        match self {
            Self::Title
            | Self::Goods
            | Self::Discount
            | Self::Total
            | Self::Tax
            | Self::Tenders
            | Self::Refunded
            | Self::RefundNumber
            | Self::OfOrder
            | Self::ApprovedBy
            | Self::Till
            | Self::Sale
            | Self::Order
            | Self::Offline
            | Self::Qr(_) => true,
            Self::Text(_)
            | Self::Separator
            | Self::Feed(_)
            | Self::Logo(_)
            | Self::Address
            | Self::Saved
            | Self::Cashier
            | Self::Note
            | Self::Barcode => false,
        }
    }

    /// Whether it can stand in the middle or at the right.
    #[must_use]
    pub const fn can_be_aligned(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Logo(_) | Self::Title | Self::Address | Self::Offline)
    }

    /// Whether it has letters, which can be large or bold.
    #[must_use]
    pub const fn has_letters(&self) -> bool {
        !matches!(self, Self::Separator | Self::Feed(_) | Self::Logo(_) | Self::Qr(_) | Self::Barcode)
    }
}

/// Where something stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// At the left edge.
    #[default]
    Left,
    /// In the middle.
    Center,
    /// At the right edge.
    Right,
}

/// How something looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Where it stands.
    pub side: Side,
    /// Fat.
    pub bold: bool,
    /// How many times wider than normal letters are: 1 to 4.
    pub width: u8,
    /// How many times higher: 1 to 4.
    pub height: u8,
}

impl Default for Look {
    fn default() -> Self {
        Self { side: Side::Left, bold: false, width: 1, height: 1 }
    }
}

#[cfg(test)]
mod tests;
