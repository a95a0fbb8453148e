//! What phones say, in both languages.

use evertill_shared::wallet::Wallet;

/// One language.
pub(super) struct Words {
    /// As addresses name it.
    pub language: &'static str,
    /// The other one: its address, and its own name.
    pub other: (&'static str, &'static str),
    pub training: &'static str,
    wechat: &'static str,
    alipay: &'static str,
    pub scan_me: &'static str,
    pub new_each_minute: &'static str,
    pub who: &'static str,
    pub customers: [&'static str; 3],
    pub asked: &'static str,
    pub to: &'static str,
    pub confirm: &'static str,
    pub cancel: &'static str,
    pub paid: &'static str,
    pub poor: &'static str,
    pub not_paid: &'static str,
    pub taken_back: &'static str,
    pub no_good: &'static str,
    pub next: &'static str,
    pub back: &'static str,
    pub scan: &'static str,
    pub scan_hint: &'static str,
    pub scan_button: &'static str,
}

const ENGLISH: Words = Words {
    language: "en",
    other: ("zh", "中文"),
    training: "Training: no money moves",
    wechat: "WeChat Pay",
    alipay: "Alipay",
    scan_me: "Scan this with the till's scanner",
    new_each_minute: "Good once. A new one comes each minute.",
    who: "The customer",
    customers: ["pays at once", "is asked first", "has no money"],
    asked: "Pay this?",
    to: "to",
    confirm: "Pay",
    cancel: "Do not pay",
    paid: "Paid",
    poor: "Not enough money",
    not_paid: "Not paid",
    taken_back: "Taken back: nothing was paid",
    no_good: "This code is not good. It is over, paid, or not one of this wallet.",
    next: "Next customer",
    back: "Back to the payment code",
    scan: "Scan what the till shows",
    scan_hint: "Choose it here, or paste what it says",
    scan_button: "Scan",
};

const CHINESE: Words = Words {
    language: "zh",
    other: ("en", "English"),
    training: "培训模式：不发生真实扣款",
    wechat: "微信支付",
    alipay: "支付宝",
    scan_me: "请用收银机的扫码枪扫描",
    new_each_minute: "仅可使用一次，每分钟自动更新。",
    who: "顾客",
    customers: ["直接支付", "需要确认", "余额不足"],
    asked: "确认支付？",
    to: "付款给",
    confirm: "确认支付",
    cancel: "取消支付",
    paid: "支付成功",
    poor: "余额不足",
    not_paid: "未支付",
    taken_back: "订单已撤销，未扣款",
    no_good: "此码无效：已过期、已支付，或不属于本钱包。",
    next: "下一位顾客",
    back: "返回付款码",
    scan: "扫描收银机上的二维码",
    scan_hint: "在此选择，或粘贴二维码内容",
    scan_button: "扫描",
};

impl Words {
    /// By the language that is wanted, as browsers say it.
    pub fn of(wanted: &str) -> &'static Self {
        if wanted.trim_start().to_ascii_lowercase().starts_with("zh") { &CHINESE } else { &ENGLISH }
    }

    /// A wallet's name.
    pub fn wallet(&self, wallet: Wallet) -> &'static str {
        match wallet {
            Wallet::WeChatPay => self.wechat,
            Wallet::Alipay => self.alipay,
        }
    }
}
