//! The codes of the practice customers on paper, to be scanned while a till is in training.

use crate::training::Customer;
use evertill_hardware::{Document, Size, Style};
use evertill_shared::wallet::Wallet;

/// All of them, with what each customer does, in both languages.
#[must_use]
pub fn practice_codes() -> Document {
    let title = Style::PLAIN.centered().bold().sized(Size::TALL);
    let mut page = Document::new().text("TRAINING CODES", title).text("练习用付款码", title).separator();
    for wallet in Wallet::ALL {
        for customer in Customer::ALL {
            let (english, chinese) = words(wallet, customer);
            let code = customer.code(wallet);
            page = page
                .text(english, Style::PLAIN.centered().bold())
                .text(chinese, Style::PLAIN.centered())
                .qr(&code)
                .text(code, Style::PLAIN.centered())
                .separator();
        }
    }
    page.feed(2).cut()
}

fn words(wallet: Wallet, customer: Customer) -> (String, String) {
    let wallet = wallet.name();
    let does = match customer {
        Customer::Pays => ("pays at once", "立即付款"),
        Customer::IsAsked => ("is asked first", "先输密码"),
        Customer::HasNoMoney => ("has no money", "余额不足"),
        Customer::StaysSilent => ("does not answer", "钱包无应答"),
    };
    (format!("{}: {}", wallet.english, does.0), format!("{}：{}", wallet.chinese, does.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_codes_are_all_there_once_and_fit_the_narrowest_paper() {
        let text = practice_codes().to_text(32);
        for wallet in Wallet::ALL {
            for customer in Customer::ALL {
                let code = customer.code(wallet);
                assert!(text.lines().any(|line| line.trim() == code), "{code} in {text}");
            }
        }
        for line in text.lines() {
            let width: usize = line.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
            assert!(width <= 32, "{line:?}");
        }
    }
}
