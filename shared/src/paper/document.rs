//! A document as data: what is on the paper, without a word about how the printer is told.

use super::picture::Picture;

/// Where a line stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Align {
    /// At the left edge.
    #[default]
    Left,
    /// In the middle.
    Center,
    /// At the right edge.
    Right,
}

/// How many times wider and higher than normal characters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size {
    width: u8,
    height: u8,
}

impl Size {
    /// As they come.
    pub const NORMAL: Self = Self { width: 1, height: 1 };
    /// Twice as high.
    pub const TALL: Self = Self { width: 1, height: 2 };
    /// Twice as wide.
    pub const WIDE: Self = Self { width: 2, height: 1 };
    /// Twice as wide and high.
    pub const DOUBLE: Self = Self { width: 2, height: 2 };

    /// How many times wider than normal.
    #[must_use]
    pub fn width(self) -> u8 {
        self.width
    }

    /// How many times higher than normal.
    #[must_use]
    pub fn height(self) -> u8 {
        self.height
    }

    /// Any size; both factors are brought into 1 to 8, which is what printers know.
    #[must_use]
    pub fn times(width: u8, height: u8) -> Self {
        Self { width: width.clamp(1, 8), height: height.clamp(1, 8) }
    }
}

impl Default for Size {
    fn default() -> Self {
        Self::NORMAL
    }
}

/// How a text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Style {
    /// Where it stands.
    pub align: Align,
    /// Fat.
    pub bold: bool,
    /// How large.
    pub size: Size,
}

impl Style {
    /// Normal, left.
    pub const PLAIN: Self = Self { align: Align::Left, bold: false, size: Size::NORMAL };

    /// The same in the middle.
    #[must_use]
    pub fn centered(self) -> Self {
        Self { align: Align::Center, ..self }
    }

    /// The same at the right edge.
    #[must_use]
    pub fn right(self) -> Self {
        Self { align: Align::Right, ..self }
    }

    /// The same in bold.
    #[must_use]
    pub fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// The same in another size.
    #[must_use]
    pub fn sized(self, size: Size) -> Self {
        Self { size, ..self }
    }
}

/// One piece of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Text, which is wrapped where the paper ends; each line break in it begins a new line.
    Text {
        /// The text.
        text: String,
        /// How it looks.
        style: Style,
    },
    /// A text at the left and one, never broken, at the right edge of the same line.
    Columns {
        /// At the left; wrapped if it has to be.
        left: String,
        /// At the right: an amount.
        right: String,
        /// How both look; the alignment is of no account.
        style: Style,
    },
    /// A line across the paper.
    Separator,
    /// A QR code in the middle.
    Qr {
        /// What it says; printable ASCII.
        data: String,
        /// Dots per module that are wanted; fewer are taken if the code would be wider than the paper.
        module_dots: u8,
    },
    /// A bar code in the middle, Code 128; left out where the printer makes none, or none fits.
    Barcode {
        /// What it says; printable ASCII.
        data: String,
    },
    /// A picture, made narrower if the paper is.
    Picture {
        /// Its dots.
        picture: Picture,
        /// Where it stands.
        align: Align,
    },
    /// Empty lines.
    Feed(u8),
    /// The paper is fed to the knife and cut.
    Cut,
}

/// What is to be printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    items: Vec<Item>,
}

impl Document {
    /// An empty document.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The pieces in order.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Adds any piece.
    #[must_use]
    pub fn item(mut self, item: Item) -> Self {
        self.items.push(item);
        self
    }

    /// Adds a plain line.
    #[must_use]
    pub fn line(self, text: impl Into<String>) -> Self {
        self.text(text, Style::PLAIN)
    }

    /// Adds a line in some style.
    #[must_use]
    pub fn text(self, text: impl Into<String>, style: Style) -> Self {
        self.item(Item::Text { text: text.into(), style })
    }

    /// Adds a line with a text at the left and an amount at the right.
    #[must_use]
    pub fn columns(self, left: impl Into<String>, right: impl Into<String>) -> Self {
        self.styled_columns(left, right, Style::PLAIN)
    }

    /// The same in some style.
    #[must_use]
    pub fn styled_columns(self, left: impl Into<String>, right: impl Into<String>, style: Style) -> Self {
        self.item(Item::Columns { left: left.into(), right: right.into(), style })
    }

    /// Adds a line across the paper.
    #[must_use]
    pub fn separator(self) -> Self {
        self.item(Item::Separator)
    }

    /// Adds a QR code, six dots a module: 0.75 mm, which every phone reads.
    #[must_use]
    pub fn qr(self, data: impl Into<String>) -> Self {
        self.item(Item::Qr { data: data.into(), module_dots: 6 })
    }

    /// Adds a QR code with so many dots a module.
    #[must_use]
    pub fn qr_sized(self, data: impl Into<String>, module_dots: u8) -> Self {
        self.item(Item::Qr { data: data.into(), module_dots })
    }

    /// Adds a bar code.
    #[must_use]
    pub fn barcode(self, data: impl Into<String>) -> Self {
        self.item(Item::Barcode { data: data.into() })
    }

    /// Adds a picture.
    #[must_use]
    pub fn picture(self, picture: Picture, align: Align) -> Self {
        self.item(Item::Picture { picture, align })
    }

    /// Adds empty lines.
    #[must_use]
    pub fn feed(self, lines: u8) -> Self {
        self.item(Item::Feed(lines))
    }

    /// Ends the paper here.
    #[must_use]
    pub fn cut(self) -> Self {
        self.item(Item::Cut)
    }

    /// The document as plain text, for screens, files and mails: lines of at most `columns` columns, a QR code
    /// as its content, a cut as an empty line; bar codes, which say the same, and pictures are left out.
    #[must_use]
    pub fn to_text(&self, columns: u16) -> String {
        super::layout::to_text(self, columns)
    }
}
