//! What the customer reads on a display of two lines: the goods that were added last and the total, what is to be paid,
//! the change, thanks.

use crate::ui::format_amount;
use crate::view::{CustomerPage, CustomerScreen, Language, MoneyStyle};
use evertill_hardware::display::{COLUMNS, DisplayProfile, PoleDisplay, TwoLines, line};
use evertill_hardware::escpos::characters::columns_of;
use evertill_hardware::escpos::profile::TextEncoding;
use evertill_hardware::serial_line::SerialLine;
use std::io;

/// So many columns are left beside an amount of five digits before the point.
const BESIDE_AN_AMOUNT: usize = 11;

/// The display of this till.
pub struct Pole {
    display: PoleDisplay,
    follower: Follower,
}

impl Pole {
    /// # Errors
    /// The system has no thread left.
    pub fn start(serial: SerialLine, profile: DisplayProfile) -> io::Result<Self> {
        Ok(Self { display: PoleDisplay::spawn(serial, profile)?, follower: Follower::new(profile.encoding) })
    }

    /// Whether its line takes what it is sent.
    pub fn is_reached(&self) -> bool {
        self.display.is_reached()
    }

    /// This is for the customer to see now.
    pub fn show(&mut self, customer: &CustomerScreen) {
        if let Some(lines) = self.follower.follow(customer) {
            self.display.show(lines);
        }
    }
}

/// What it says in its own words.
struct Words {
    welcome: &'static str,
    total: &'static str,
    paid: &'static str,
    given: &'static str,
    change: &'static str,
    thanks: &'static str,
    training: &'static str,
}

const ENGLISH: Words = Words {
    welcome: "Welcome",
    total: "Total",
    paid: "Paid",
    given: "Cash",
    change: "Change",
    thanks: "Thank you!",
    training: "TRAINING - NO SALE",
};
const CHINESE: Words = Words {
    welcome: "欢迎光临",
    total: "合计",
    paid: "已付",
    given: "收现金",
    change: "找零",
    thanks: "谢谢惠顾！",
    training: "练习 非真实交易",
};

/// Each word in English, for whoever translates them.
pub fn all_words() -> [&'static str; 7] {
    let Words { welcome, total, paid, given, change, thanks, training } = ENGLISH;
    [welcome, total, paid, given, change, thanks, training]
}

/// The words of a language, for as far as the display knows their letters and has room for them; in English otherwise.
fn words(language: Language, encoding: TextEncoding) -> Words {
    let Words { welcome, total, paid, given, change, thanks, training } = match language {
        Language::Chinese if encoding == TextEncoding::Gb18030 => return CHINESE,
        Language::English | Language::Chinese | Language::Added(_) => ENGLISH,
    };
    let say = |word: &'static str, most: usize| match language {
        Language::Added(added) => {
            added.printed(word, encoding).filter(|own| columns_of(own) <= most).unwrap_or(word)
        }
        Language::English | Language::Chinese => word,
    };
    Words {
        welcome: say(welcome, COLUMNS),
        total: say(total, BESIDE_AN_AMOUNT),
        paid: say(paid, BESIDE_AN_AMOUNT),
        given: say(given, BESIDE_AN_AMOUNT),
        change: say(change, BESIDE_AN_AMOUNT),
        thanks: say(thanks, COLUMNS),
        training: say(training, COLUMNS),
    }
}

/// Knows what is on the display.
struct Follower {
    encoding: TextEncoding,
    shown: Option<TwoLines>,
}

impl Follower {
    fn new(encoding: TextEncoding) -> Self {
        Self { encoding, shown: None }
    }

    /// What to show instead of what is shown, if anything.
    fn follow(&mut self, customer: &CustomerScreen) -> Option<TwoLines> {
        let lines = self.lines(customer);
        if self.shown.as_ref() == Some(&lines) {
            return None;
        }
        self.shown = Some(lines.clone());
        Some(lines)
    }

    fn lines(&self, customer: &CustomerScreen) -> TwoLines {
        let real = self.as_for_sale(customer);
        if !customer.training {
            return real;
        }
        let words = words(customer.language, self.encoding);
        let lower = if real.lower.trim().is_empty() { real.upper } else { real.lower };
        TwoLines { upper: line(words.training, "", self.encoding), lower }
    }

    fn as_for_sale(&self, customer: &CustomerScreen) -> TwoLines {
        let words = words(customer.language, self.encoding);
        // Displays have no sign for money of their own.
        let money = MoneyStyle { symbol: String::new(), ..customer.money.clone() };
        let row = |left: &str, right: &str| line(left, right, self.encoding);
        let amount = |left: &str, minor: i64| row(left, &format_amount(minor, &money));
        let total = amount(words.total, customer.due_minor());
        let two = |upper, lower| TwoLines { upper, lower };
        match &customer.page {
            // A till that cannot sell promises nothing.
            CustomerPage::Closed => TwoLines::default(),
            CustomerPage::Welcome => two(row(words.welcome, ""), row(&customer.store, "")),
            CustomerPage::Sale => match customer.newest.and_then(|newest| customer.lines.get(newest)) {
                Some(newest) => two(amount(&newest.name, newest.total_minor), total),
                None => two(total, String::new()),
            },
            CustomerPage::Paid => two(amount(words.paid, customer.total_minor), row(words.thanks, "")),
            CustomerPage::PaidCash { given_minor, change_minor } => {
                two(amount(words.given, *given_minor), amount(words.change, *change_minor))
            }
            CustomerPage::PresentCode { .. }
            | CustomerPage::Cash
            | CustomerPage::Wait
            | CustomerPage::ConfirmOnPhone
            | CustomerPage::ScanThis { .. }
            | CustomerPage::Unknown
            | CustomerPage::NotCharged => two(total, String::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::screen;
    use crate::view::{
        AboutPage, AwaitCodePage, CartLine, DonePage, FaultPage, Page, PaidBy, Quantity, ReceiptState,
        SalePage, Screen, TrainingBar, Wallet,
    };

    /// The display, and what the customer saw last.
    struct Display {
        follower: Follower,
        customer: CustomerScreen,
    }

    fn display(encoding: TextEncoding) -> Display {
        Display { follower: Follower::new(encoding), customer: CustomerScreen::default() }
    }

    fn goods(number: u32, name: &str, pieces: u32, each: i64) -> CartLine {
        CartLine {
            line: number,
            name: name.into(),
            quantity: Quantity::Pieces(pieces),
            unit_price_minor: each,
            total_minor: each * i64::from(pieces),
            was_minor: None,
            discount: None,
            note: String::new(),
            serial: None,
        }
    }

    fn sale(lines: Vec<CartLine>) -> Screen {
        let total_minor = lines.iter().map(|line| line.total_minor).sum();
        screen(Page::Sale(SalePage { lines, total_minor, ..SalePage::default() }))
    }

    fn done(paid_by: PaidBy) -> Screen {
        screen(Page::Done(DonePage {
            total_minor: 1_250,
            paid_by,
            order_number: None,
            sale_number: "1".into(),
            drawer: crate::view::DrawerState::Opened,
            receipt: ReceiptState::NoPrinter,
        }))
    }

    fn show(display: &mut Display, screen: &Screen) -> Option<[String; 2]> {
        display.customer = display.customer.after(screen);
        let lines = display.follower.follow(&display.customer)?;
        Some([lines.upper, lines.lower].map(|text| text.trim_end().to_owned()))
    }

    fn two(upper: &str, lower: &str) -> Option<[String; 2]> {
        Some([upper.into(), lower.into()])
    }

    #[test]
    fn a_customer_follows_the_sale_from_welcome_to_change() {
        let mut pole = display(TextEncoding::Ascii);
        let (tea, bread) = (goods(1, "Green tea", 1, 450), goods(2, "Bread", 1, 800));
        assert_eq!(show(&mut pole, &sale(vec![])), two("Welcome", "Corner Store"));
        assert_eq!(
            show(&mut pole, &sale(vec![tea.clone()])),
            two("Green tea       4.50", "Total           4.50")
        );
        let both = vec![tea.clone(), bread.clone()];
        assert_eq!(show(&mut pole, &sale(both.clone())), two("Bread           8.00", "Total          12.50"));
        let more = vec![goods(1, "Green tea", 2, 450), bread.clone()];
        assert_eq!(show(&mut pole, &sale(more)), two("Green tea       9.00", "Total          17.00"));
        assert_eq!(show(&mut pole, &sale(vec![bread])), two("Bread           8.00", "Total           8.00"));
        let awaiting = AwaitCodePage {
            total_minor: 800,
            part_minor: 0,
            wallets: vec![],
            shows: vec![],
            drawer: crate::view::DrawerState::NotAsked,
        };
        assert_eq!(show(&mut pole, &screen(Page::AwaitCode(awaiting))), two("Total           8.00", ""));
        let cash = PaidBy::Cash { given_minor: 2_000, change_minor: 750 };
        assert_eq!(show(&mut pole, &done(cash)), two("Cash           20.00", "Change          7.50"));
        assert_eq!(
            show(&mut pole, &done(PaidBy::Wallet(Wallet::Alipay))),
            two("Paid           12.50", "Thank you!")
        );
        assert_eq!(show(&mut pole, &sale(vec![])), two("Welcome", "Corner Store"));
    }

    #[test]
    fn a_language_of_a_file_is_on_the_display_where_it_has_its_letters_and_room() {
        let folder = tempfile::tempdir().unwrap();
        let entry =
            |word: &str, own: &str| format!("msgctxt \"receipt\"\nmsgid \"{word}\"\nmsgstr \"{own}\"\n\n");
        let german = "msgid \"\"\nmsgstr \"Language: de\\n\"\n\n".to_owned()
            + &entry("Welcome", "Willkommen")
            + &entry("Total", "Summe")
            + &entry("Change", "Rückgeld")
            + &entry("Cash", "Vom Kunden gegeben")
            + &entry("Thank you!", "Schönen Tag!");
        std::fs::write(folder.path().join("de.po"), german).unwrap();
        let config = crate::config::Config { languages: vec!["de.po".into()], ..Default::default() };
        let (spoken, _) = crate::config::spoken_languages(folder.path(), &config);
        let german = |page: Screen| Screen { language: spoken[2], ..page };
        let mut pole = display(TextEncoding::Ascii);
        assert_eq!(show(&mut pole, &german(sale(vec![]))), two("Willkommen", "Corner Store"));
        let tea = sale(vec![goods(1, "Green tea", 1, 450)]);
        assert_eq!(
            show(&mut pole, &german(tea.clone())),
            two("Green tea       4.50", "Summe           4.50")
        );
        let cash = || done(PaidBy::Cash { given_minor: 2_000, change_minor: 750 });
        let english = two("Cash           20.00", "Change          7.50");
        assert_eq!(show(&mut pole, &german(cash())), english, "too long, and a letter that it does not know");
        let mut wide = display(TextEncoding::Gb18030);
        show(&mut wide, &german(tea));
        assert_eq!(show(&mut wide, &german(cash())), two("Cash           20.00", "Rückgeld       7.50"));
    }

    #[test]
    fn training_stands_on_the_display_whatever_goes_on() {
        let mut pole = display(TextEncoding::Ascii);
        let sold = sale(vec![goods(1, "Green tea", 1, 450)]);
        let bar = Some(TrainingBar { takes_code: false });
        let practised = Screen { training: bar, ..sold.clone() };
        assert_eq!(show(&mut pole, &practised), two("TRAINING - NO SALE", "Total           4.50"));
        let empty = Screen { training: bar, ..sale(vec![]) };
        assert_eq!(show(&mut pole, &empty), two("TRAINING - NO SALE", "Corner Store"));
        assert_eq!(show(&mut pole, &sold), two("Green tea       4.50", "Total           4.50"));
        let mut knows = display(TextEncoding::Gb18030);
        let chinese = Screen { language: Language::Chinese, ..practised };
        assert_eq!(show(&mut knows, &chinese), two("练习 非真实交易", "合计            4.50"));
    }

    #[test]
    fn what_the_cashier_looks_up_and_what_stands_there_already_is_not_shown() {
        let mut pole = display(TextEncoding::Ascii);
        let sold = sale(vec![goods(1, "Green tea", 1, 450)]);
        assert!(show(&mut pole, &sold).is_some());
        assert_eq!(show(&mut pole, &sold), None);
        let about = AboutPage { version: "1".into(), ..AboutPage::default() };
        assert_eq!(show(&mut pole, &screen(Page::About(about))), None);
        assert_eq!(show(&mut pole, &sold), None);
        assert_eq!(show(&mut pole, &screen(Page::Fault(FaultPage::Blocked))), two("", ""));
    }

    #[test]
    fn chinese_stands_only_where_the_display_knows_it() {
        let chinese = |page: Screen| Screen { language: Language::Chinese, ..page };
        let tea = sale(vec![goods(1, "绿茶", 1, 450)]);
        let mut knows = display(TextEncoding::Gb18030);
        assert_eq!(
            show(&mut knows, &chinese(tea.clone())),
            two("绿茶            4.50", "合计            4.50")
        );
        let mut does_not = display(TextEncoding::Ascii);
        assert_eq!(show(&mut does_not, &chinese(tea)), two("                4.50", "Total           4.50"));
    }
}
