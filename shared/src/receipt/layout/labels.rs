//! The words on receipts. Not those of the screens: paper has its own, shorter ones.

use crate::order::discount::ReasonKind;
use crate::wallet::Name;

/// The language of a paper's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// English.
    English,
    /// Simplified Chinese.
    Chinese,
    /// One that a shop added, by its code.
    Added(&'static str),
}

impl Spoken {
    /// As settings and templates write it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
            Self::Added(code) => code,
        }
    }

    /// A name in this language; in English where a shop added it.
    #[must_use]
    pub const fn of(self, name: Name) -> &'static str {
        match self {
            Self::English | Self::Added(_) => name.english,
            Self::Chinese => name.chinese,
        }
    }
}

/// One language's words.
#[allow(missing_docs, reason = "each is what its English says")]
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
    pub spoken: Spoken,
}

impl Labels {
    /// The words of receipts in English.
    #[must_use]
    pub const fn english() -> Self {
        ENGLISH
    }

    /// The words of receipts in Chinese.
    #[must_use]
    pub const fn chinese() -> Self {
        CHINESE
    }

    /// The words of a language that a shop added, each as `say` has it for the English one.
    #[must_use]
    pub fn added(code: &'static str, say: impl FnMut(&'static str) -> &'static str) -> Self {
        Self { spoken: Spoken::Added(code), ..ENGLISH.each(say) }
    }

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
            spoken: self.spoken,
        }
    }

    /// A usual reason.
    #[must_use]
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
    spoken: Spoken::English,
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
    spoken: Spoken::Chinese,
};

/// Each word in English, for whoever translates them.
#[must_use]
pub fn all_words() -> Vec<&'static str> {
    let mut all = Vec::new();
    let _ = ENGLISH.each(|word| {
        all.push(word);
        word
    });
    all
}
