//! The words on receipts. Not those of the screens: paper has its own, shorter ones.

use crate::view::Language;
use evertill_hardware::escpos::profile::TextEncoding;
use evertill_shared::order::discount::ReasonKind;

/// One language's words.
pub struct Labels {
    pub copy: &'static str,
    /// Before and after the number of a counted copy.
    pub copy_counted: (&'static str, &'static str),
    pub copy_warning: &'static str,
    pub refund: &'static str,
    pub offline: &'static str,
    pub total: &'static str,
    pub subtotal: &'static str,
    pub discount: &'static str,
    pub saved: &'static str,
    pub was: &'static str,
    pub note: &'static str,
    pub serial: &'static str,
    /// In the order of [`ReasonKind::ALL`].
    reasons: [&'static str; 8],
    pub refunded: &'static str,
    pub tax: &'static str,
    pub cash: &'static str,
    pub change: &'static str,
    pub paid_out: &'static str,
    pub transaction: &'static str,
    pub till: &'static str,
    pub sale: &'static str,
    pub order: &'static str,
    pub of_order: &'static str,
    pub refund_number: &'static str,
    pub approved_by: &'static str,
    pub cashier: &'static str,
    pub language: Language,
}

impl Labels {
    /// The same, each word as `say` has it.
    fn each(&self, mut say: impl FnMut(&'static str) -> &'static str) -> Self {
        Self {
            copy: say(self.copy),
            copy_counted: (say(self.copy_counted.0), say(self.copy_counted.1)),
            copy_warning: say(self.copy_warning),
            refund: say(self.refund),
            offline: say(self.offline),
            total: say(self.total),
            subtotal: say(self.subtotal),
            discount: say(self.discount),
            saved: say(self.saved),
            was: say(self.was),
            note: say(self.note),
            serial: say(self.serial),
            reasons: self.reasons.map(&mut say),
            refunded: say(self.refunded),
            tax: say(self.tax),
            cash: say(self.cash),
            change: say(self.change),
            paid_out: say(self.paid_out),
            transaction: say(self.transaction),
            till: say(self.till),
            sale: say(self.sale),
            order: say(self.order),
            of_order: say(self.of_order),
            refund_number: say(self.refund_number),
            approved_by: say(self.approved_by),
            cashier: say(self.cashier),
            language: self.language,
        }
    }

    /// A usual reason.
    pub fn reason(&self, kind: ReasonKind) -> &'static str {
        let place = ReasonKind::ALL.iter().position(|other| *other == kind);
        place.and_then(|place| self.reasons.get(place)).copied().unwrap_or_default()
    }
}

const ENGLISH: Labels = Labels {
    copy: "*** COPY ***",
    copy_counted: ("*** COPY ", " ***"),
    copy_warning: "Hand out no goods for a copy.",
    refund: "REFUND",
    offline: "Sold offline: the order number follows.",
    total: "TOTAL",
    subtotal: "Subtotal",
    discount: "Discount",
    saved: "You save",
    was: "Was",
    note: "Note",
    serial: "S/N",
    reasons: [
        "Damaged",
        "Short shelf life",
        "Price on the tag",
        "Price match",
        "Regular customer",
        "Staff",
        "Goodwill",
        "Other",
    ],
    refunded: "REFUNDED",
    tax: "Tax included",
    cash: "Cash",
    change: "Change",
    paid_out: "Cash paid out",
    transaction: "Transaction",
    till: "Till",
    sale: "Sale",
    order: "Order",
    of_order: "Of order",
    refund_number: "Refund",
    approved_by: "Approved by",
    cashier: "Cashier",
    language: Language::English,
};

const CHINESE: Labels = Labels {
    copy: "*** 重印 ***",
    copy_counted: ("*** 重印 第 ", " 份 ***"),
    copy_warning: "副本不得凭以提货。",
    refund: "退款单",
    offline: "离线销售，订单号稍后生成。",
    total: "合计",
    subtotal: "小计",
    discount: "折扣",
    saved: "已优惠",
    was: "原价",
    note: "备注",
    serial: "序列号",
    reasons: ["商品破损", "临近保质期", "标签价格", "同价承诺", "老顾客", "员工", "补偿", "其他"],
    refunded: "退款金额",
    tax: "含税",
    cash: "现金",
    change: "找零",
    paid_out: "退还现金",
    transaction: "交易号",
    till: "收银台",
    sale: "销售号",
    order: "订单号",
    of_order: "原订单号",
    refund_number: "退款号",
    approved_by: "批准人",
    cashier: "收银员",
    language: Language::Chinese,
};

/// The words of a language, for a printer that knows these characters.
pub fn labels(language: Language, characters: TextEncoding) -> Labels {
    match language {
        Language::English => ENGLISH,
        Language::Chinese => CHINESE,
        Language::Added(_) => {
            Labels { language, ..ENGLISH.each(|word| language.printed(word, word, characters)) }
        }
    }
}

/// Each word in English, for whoever translates them.
pub fn all_words() -> Vec<&'static str> {
    let mut all = Vec::new();
    let _ = ENGLISH.each(|word| {
        all.push(word);
        word
    });
    all
}
