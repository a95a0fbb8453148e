//! How the report of a shift looks on paper.

use crate::view::{Language, ReportLine, ReportSum, report_lines};
use evertill_hardware::escpos::profile::TextEncoding;
use evertill_hardware::{Document, Size, Style};
use evertill_shared::money::Amount;
use evertill_shared::receipt::{Receipt, ShiftReport};
use evertill_shared::shift::counted_minor;

/// A language, and what the printer knows of its letters.
type Spoken = (Language, TextEncoding);

/// Lays the report out, from below the store's name to the line for a signature.
pub fn report(page: Document, receipt: &Receipt, report: &ShiftReport, spoken: Spoken) -> Document {
    let words = &words(spoken);
    let money = |minor| Amount::new(minor, report.totals.currency).to_string();
    let title = if report.ended { words.z_report } else { words.x_report };
    let mut page = page.text(title, Style::PLAIN.centered().bold().sized(Size::DOUBLE)).separator();
    page = page
        .columns(format!("{} {}", words.till, receipt.terminal), receipt.sale.to_string())
        .columns(words.since, &report.since_local)
        .columns(if report.ended { words.until } else { words.now }, &receipt.at_local);
    for (what, who) in [
        (words.opened_by, &report.opened_by),
        (words.by, &receipt.cashier),
        (words.approved_by, &report.approved_by),
    ] {
        if let Some(who) = who {
            page = page.columns(what, who);
        }
    }
    page = page.separator();
    let counted = report.over_minor.and(counted_minor(&report.counted));
    for line in report_lines(&report.totals, counted) {
        page = sum(page, &line, spoken, &money);
    }
    if let Some(over) = report.over_minor {
        page = count(page, report, over, words, &money);
    }
    page = pending(page, report, words, &money);
    if report.ended { page.separator().feed(2).line(words.signature) } else { page.separator() }
}

fn sum(page: Document, line: &ReportLine, spoken: Spoken, money: &dyn Fn(i64) -> String) -> Document {
    let name = match line.count {
        Some(count) if line.minor.is_some() => format!("{} ({count})", name(line.of, spoken)),
        _ => name(line.of, spoken),
    };
    let value = line.minor.map(money).or(line.count.map(|count| count.to_string())).unwrap_or_default();
    match line.of {
        ReportSum::AllSales | ReportSum::Expected | ReportSum::Counted => {
            page.styled_columns(name, value, Style::PLAIN.bold())
        }
        ReportSum::Float => page.separator().columns(name, value),
        _ => page.columns(name, value),
    }
}

fn count(
    mut page: Document,
    report: &ShiftReport,
    over: i64,
    words: &Words,
    money: &dyn Fn(i64) -> String,
) -> Document {
    for row in &report.counted {
        let sum = row.value_minor.saturating_mul(i64::from(row.pieces));
        page = page.columns(format!("  {} x {}", money(row.value_minor), row.pieces), money(sum));
    }
    let what = match over {
        0 => words.exact,
        over if over > 0 => words.over,
        _ => words.short,
    };
    page.styled_columns(what, money(over), Style::PLAIN.bold().sized(Size::DOUBLE))
}

/// What is not settled stands on the paper, and stops nothing.
fn pending(
    mut page: Document,
    report: &ShiftReport,
    words: &Words,
    money: &dyn Fn(i64) -> String,
) -> Document {
    let pending = &report.pending;
    if pending.unsent > 0 {
        page = page.columns(words.unsent, pending.unsent.to_string());
    }
    if pending.unknown.count > 0 {
        let name = format!("{} ({})", words.unknown, pending.unknown.count);
        page = page.columns(name, money(pending.unknown.minor)).line(words.unknown_counts);
    }
    page
}

/// Before and after what a wallet is called, in one text: languages put the name in other places.
const REFUNDS: (&str, &str) = ("{} refunds", "{}退款");

pub fn name(of: ReportSum, (language, characters): Spoken) -> String {
    if let ReportSum::WalletRefunds(wallet) = of {
        let name = language.of(wallet.short_name());
        return language.printed(REFUNDS.0, REFUNDS.1, characters).replace("{0}", "{}").replace("{}", name);
    }
    if let ReportSum::WalletSales(wallet) = of {
        return language.of(wallet.name()).to_owned();
    }
    let found = SUMS.iter().find(|(sum, _, _)| *sum == of);
    let said = found.map(|(_, english, chinese)| language.printed(english, chinese, characters));
    said.unwrap_or_default().to_owned()
}

/// Each word in English, for whoever translates them.
pub fn all_words() -> Vec<&'static str> {
    let mut all: Vec<&'static str> = SUMS.iter().map(|(_, english, _)| *english).collect();
    all.push(REFUNDS.0);
    let _ = ENGLISH.each(|word| {
        all.push(word);
        word
    });
    all
}

/// What sums are called; those of wallets have the wallets' names.
const SUMS: [(ReportSum, &str, &str); 14] = [
    (ReportSum::Float, "Float", "备用金"),
    (ReportSum::CashSales, "Cash sales", "现金销售"),
    (ReportSum::AllSales, "All sales", "销售合计"),
    (ReportSum::Tax, "Tax included", "含税"),
    (ReportSum::CashRefunds, "Cash refunds", "现金退款"),
    (ReportSum::OtherRefunds, "Other refunds", "其他退款"),
    (ReportSum::PartsBack, "Cash parts back", "部分现金退回"),
    (ReportSum::PaidIn, "Paid in", "存入现金"),
    (ReportSum::PaidOut, "Paid out", "取出现金"),
    (ReportSum::Voids, "Voided", "作废"),
    (ReportSum::NoSales, "Drawer, no sale", "无销售开箱"),
    (ReportSum::Foreign, "Other currency", "其他币种"),
    (ReportSum::Expected, "Expected", "应有现金"),
    (ReportSum::Counted, "Counted", "实点现金"),
];

struct Words {
    x_report: &'static str,
    z_report: &'static str,
    till: &'static str,
    since: &'static str,
    until: &'static str,
    now: &'static str,
    opened_by: &'static str,
    by: &'static str,
    approved_by: &'static str,
    exact: &'static str,
    over: &'static str,
    short: &'static str,
    unsent: &'static str,
    unknown: &'static str,
    unknown_counts: &'static str,
    signature: &'static str,
}

impl Words {
    /// The same, each word as `say` has it.
    fn each(&self, mut say: impl FnMut(&'static str) -> &'static str) -> Self {
        Self {
            x_report: say(self.x_report),
            z_report: say(self.z_report),
            till: say(self.till),
            since: say(self.since),
            until: say(self.until),
            now: say(self.now),
            opened_by: say(self.opened_by),
            by: say(self.by),
            approved_by: say(self.approved_by),
            exact: say(self.exact),
            over: say(self.over),
            short: say(self.short),
            unsent: say(self.unsent),
            unknown: say(self.unknown),
            unknown_counts: say(self.unknown_counts),
            signature: say(self.signature),
        }
    }
}

const ENGLISH: Words = Words {
    x_report: "X REPORT",
    z_report: "Z REPORT",
    till: "Till",
    since: "From",
    until: "To",
    now: "Now",
    opened_by: "Opened by",
    by: "By",
    approved_by: "Approved by",
    exact: "EXACT",
    over: "OVER",
    short: "SHORT",
    unsent: "Sales not yet sent",
    unknown: "Not yet known",
    unknown_counts: "They count when their end is known.",
    signature: "Signature: ____________________",
};

const CHINESE: Words = Words {
    x_report: "X 报表",
    z_report: "Z 报表",
    till: "收银台",
    since: "开班",
    until: "交班",
    now: "当前",
    opened_by: "开班人",
    by: "操作人",
    approved_by: "批准人",
    exact: "相符",
    over: "长款",
    short: "短款",
    unsent: "未上传交易",
    unknown: "结果未知",
    unknown_counts: "待结果确定后计入。",
    signature: "签字：____________________",
};

fn words((language, characters): Spoken) -> Words {
    match language {
        Language::English => ENGLISH,
        Language::Chinese => CHINESE,
        Language::Added(_) => ENGLISH.each(|word| language.printed(word, word, characters)),
    }
}
