//! How often the cashier's hand goes to the screen for the commonest jobs: done at the real window, counted, and
//! held against the table in `docs/touches.md`.

use super::cashiers::set_pin;
use super::desk::{Desk, GOODS, SCAN_PROMPT};
use evertill_shared::protocol::staff::SetCard;
use evertill_tests::simulator::wallet::{Behaviour, Scanned};
use std::collections::BTreeMap;
use std::path::Path;

/// Touches, scans and keys.
type Count = [u32; 3];

/// A cashier whose every movement counts.
struct Hand {
    desk: Desk,
    count: Count,
    jobs: BTreeMap<&'static str, Count>,
}

impl Hand {
    fn touch(&mut self, label: &str) {
        self.desk.tap(label);
        self.count[0] += 1;
    }

    fn scan(&mut self, code: &str) {
        self.desk.till.scan(code).unwrap();
        self.count[1] += 1;
    }

    fn goods(&mut self, count: usize) {
        GOODS.iter().take(count).for_each(|code| self.scan(code));
        self.desk.sees(if count == 1 { "1 item" } else { "3 items" }, 15);
    }

    fn keys(&mut self, text: &str) {
        self.desk.till.type_text(text).unwrap();
        self.count[2] += u32::try_from(text.chars().count()).unwrap();
    }

    async fn phone(&mut self) {
        self.desk.till.wait(SCAN_PROMPT).unwrap();
        let code = self.desk.rig.wallet_control().code(Behaviour::Pays).await.unwrap();
        self.scan(&code);
        self.desk.paid(30);
    }

    /// What was counted since the last job is this one's.
    fn job(&mut self, name: &'static str) {
        self.jobs.insert(name, std::mem::take(&mut self.count));
    }

    /// Whatever is not counted: the sale is empty again.
    fn clear(&mut self) {
        self.desk.tap("Void sale");
        self.desk.tap("Yes, void it");
        self.desk.sees("Scan the first item", 15);
        self.count = [0; 3];
    }
}

async fn paid_jobs(hand: &mut Hand) {
    hand.goods(3);
    hand.touch("Payment code");
    hand.phone().await;
    hand.job("Three goods, paid by the code on the customer's phone");

    // From the page that says "Paid": the first scan begins the next sale.
    hand.goods(3);
    hand.touch("Cash");
    hand.touch("Given ¥10.00");
    hand.touch("Confirm cash");
    hand.desk.paid(15);
    hand.job("Three goods, paid in cash with a larger note");

    hand.goods(3);
    hand.touch("Payment code");
    hand.touch("Show Alipay code");
    hand.desk.sees("Ask the customer to scan this code", 20);
    let shown = hand.desk.code_on_screen().unwrap();
    assert_eq!(hand.desk.rig.alipay_control().scan(&shown, Behaviour::Pays).await.unwrap(), Scanned::Paid);
    hand.desk.paid(30);
    hand.job("Three goods, paid by a code that the till shows");

    hand.goods(3);
    hand.touch("Cash");
    hand.touch("Given ¥5.00");
    hand.touch("Rest by payment code: ¥3.50");
    hand.phone().await;
    hand.job("Three goods, a note in cash and the rest by the code on the phone");

    hand.desk.next_sale();
    hand.touch("矿泉水 Spring water 550 ml");
    hand.desk.sees("1 item", 15);
    hand.touch("Payment code");
    hand.phone().await;
    hand.job("A favourite tapped, paid by the code on the phone");
    hand.desk.next_sale();
}

fn jobs_in_the_sale(hand: &mut Hand) {
    hand.keys("dm\n");
    hand.desk.sees("大米 Rice 5 kg", 15);
    hand.desk.sees("1 item", 15);
    hand.job("Goods found by their pinyin initials");
    hand.clear();

    (0..5).for_each(|_| hand.scan(GOODS[0]));
    hand.desk.sees("5 items", 15);
    hand.job("Five of the same");
    hand.clear();

    hand.goods(3);
    hand.count = [0; 3];
    hand.touch("Remove: 绿茶 Green tea 500 ml");
    hand.desk.sees("2 items", 15);
    hand.job("A line taken out again");

    hand.touch("Void sale");
    hand.touch("Yes, void it");
    hand.desk.sees("Scan the first item", 15);
    hand.job("A whole sale voided");

    hand.goods(1);
    hand.count = [0; 3];
    hand.touch("Hold this sale, or see those that are held");
    hand.touch("Hold this sale");
    hand.desk.sees("Scan the first item", 15);
    hand.touch("Hold this sale, or see those that are held");
    let held = hand.desk.sees("Take in hand: ", 15);
    hand.touch(&held);
    hand.desk.sees("1 item", 15);
    hand.job("A sale held, and taken in hand again");

    hand.touch("Change: 矿泉水 Spring water 550 ml");
    for label in ["Off in %", "1", "0", "Damaged", "Take it off"] {
        hand.touch(label);
    }
    hand.desk.sees("¥1.80", 15);
    hand.job("Ten per cent off a line, with a reason");
}

async fn logging_in(hand: &mut Hand) {
    let it = hand.desk.rig.staff("it").await.unwrap();
    set_pin(&hand.desk, "wang", Some("4711")).await;
    let asked = SetCard { login: "wang".into(), remove: false };
    let card = it.set_card(&asked).await.unwrap().code.unwrap();
    hand.desk.sees("Who is at the till? Tap your name, or scan your card.", 20);
    hand.scan(card.expose());
    hand.desk.sees("Scan the first item", 15);
    hand.job("Logged in by the staff card");
    hand.desk.tap("Lock");
    hand.count = [0; 3];
    for label in ["Wang Wei", "4", "7", "1", "1", "Log in"] {
        hand.touch(label);
    }
    hand.desk.sees("Scan the first item", 15);
    hand.job("Logged in by name and PIN");
}

/// The table that people read.
fn table() -> BTreeMap<String, Count> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/touches.md");
    let text = std::fs::read_to_string(path).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [job, numbers @ ..] = &cells[..] else { return None };
        let numbers: Vec<u32> = numbers.iter().filter_map(|cell| cell.parse().ok()).collect();
        Some(((*job).to_owned(), Count::try_from(numbers).ok()?))
    };
    text.lines().filter(|line| line.starts_with('|')).filter_map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commonest_jobs_take_as_many_touches_as_the_docs_say() {
    let mut hand = Hand { desk: Desk::open().await, count: [0; 3], jobs: BTreeMap::new() };
    paid_jobs(&mut hand).await;
    jobs_in_the_sale(&mut hand);
    hand.clear();
    logging_in(&mut hand).await;
    let counted: BTreeMap<String, Count> =
        hand.jobs.iter().map(|(job, count)| ((*job).to_owned(), *count)).collect();
    assert_eq!(counted.len(), 13);
    assert_eq!(counted["Three goods, paid by the code on the customer's phone"], [1, 4, 0]);
    assert_eq!(counted, table(), "counted, and as docs/touches.md says");
}
