use super::*;
use crate::view::testing::screen;
use crate::view::{
    AboutPage, AwaitCodePage, CashBalance, CashPage, CashRest, Confirm, DeclineReason, FaultPage, LockState,
    Notice, OrdersPage, ReceiptState, TakenOff, UnknownStep,
};
use evertill_shared::order::discount::{Reason, ReasonKind};

fn goods(number: u32, name: &str, total_minor: i64) -> CartLine {
    CartLine {
        line: number,
        name: name.into(),
        quantity: Quantity::Pieces(1),
        unit_price_minor: total_minor,
        total_minor,
        was_minor: None,
        discount: None,
        note: "for the aunt".into(),
        serial: None,
    }
}

fn sale(lines: Vec<CartLine>) -> Page {
    let total_minor = lines.iter().map(|line| line.total_minor).sum();
    Page::Sale(SalePage { lines, total_minor, ..SalePage::default() })
}

fn paying(state: PaymentState) -> Page {
    let wallet = Some(Wallet::Alipay);
    Page::Payment(PaymentPage { total_minor: 1_250, part_minor: 0, wallet, order_number: None, state })
}

/// What the customer sees after all of these, one after the other.
fn seen(pages: Vec<Page>) -> CustomerScreen {
    pages.into_iter().fold(CustomerScreen::default(), |seen, page| seen.after(&screen(page)))
}

fn tea_and_bread() -> Page {
    sale(vec![goods(1, "Green tea", 450), goods(2, "Bread", 800)])
}

fn unknown() -> PaymentState {
    let step = UnknownStep::AskingWallet;
    PaymentState::Unknown { step, since_seconds: 3, deadline_seconds: None, can_set_aside: true }
}

#[test]
fn nothing_is_promised_before_the_till_sells() {
    assert_eq!(CustomerScreen::default().page, CustomerPage::Closed);
    assert_eq!(seen(vec![Page::Starting]).page, CustomerPage::Closed);
    assert_eq!(seen(vec![sale(vec![])]).page, CustomerPage::Welcome);
    let fault = seen(vec![tea_and_bread(), Page::Fault(FaultPage::Blocked)]);
    assert_eq!((fault.page, fault.lines.len(), fault.total_minor), (CustomerPage::Closed, 0, 0));
}

#[test]
fn a_fault_in_the_middle_of_a_payment_does_not_send_the_customer_to_pay_elsewhere() {
    for state in [PaymentState::Sending, unknown()] {
        let fault = seen(vec![tea_and_bread(), paying(state), Page::Fault(FaultPage::Blocked)]);
        assert_eq!((fault.page, fault.lines.len()), (CustomerPage::Unknown, 2));
        assert_eq!(fault.total_minor, 1_250);
    }
}

#[test]
fn each_line_comes_as_it_is_scanned_and_the_changed_one_is_the_newest() {
    let both = seen(vec![sale(vec![goods(1, "Green tea", 450)]), tea_and_bread()]);
    assert_eq!((both.lines.len(), both.newest, both.total_minor), (2, Some(1), 1_250));
    let more = both.after(&screen(sale(vec![goods(1, "Green tea", 900), goods(2, "Bread", 800)])));
    assert_eq!((more.newest, more.total_minor), (Some(0), 1_700));
    let third = more.after(&screen(sale(vec![goods(2, "Bread", 800)])));
    assert_eq!((third.newest, third.lines.len()), (Some(0), 1));
}

#[test]
fn the_line_that_was_looked_at_stays_it_when_another_one_goes() {
    let three = || vec![goods(1, "Green tea", 450), goods(2, "Bread", 800), goods(3, "Bag", 30)];
    let mut changed = three();
    changed[1].total_minor = 700;
    let looked = seen(vec![sale(three()), sale(changed.clone())]);
    assert_eq!(looked.newest, Some(1));
    changed.remove(0);
    assert_eq!(looked.after(&screen(sale(changed))).newest, Some(0), "the bread still, one place higher");
}

#[test]
fn every_step_of_a_payment_says_what_the_customer_is_to_do() {
    let wallets = vec![Wallet::WeChatPay];
    let code = "https://qr.alipay.com/bax".to_owned();
    let showing =
        PaymentState::ShowingCode { code: code.clone(), remaining_seconds: 74, server_answers: false };
    let scan = CustomerPage::ScanThis { code, wallet: Some(Wallet::Alipay), remaining_seconds: 74 };
    let balance = CashBalance::Missing { minor: 1_250 };
    let cash = CashPage {
        total_minor: 1_250,
        part_minor: 0,
        given_minor: 500,
        balance,
        quick_amounts_minor: vec![],
        rest: CashRest::NotNow,
        drawer: crate::view::DrawerState::NotAsked,
    };
    let awaiting = AwaitCodePage {
        total_minor: 1_250,
        part_minor: 0,
        wallets: wallets.clone(),
        shows: vec![Wallet::Alipay],
        drawer: crate::view::DrawerState::NotAsked,
    };
    for (page, expected) in [
        (Page::AwaitCode(awaiting), CustomerPage::PresentCode { wallets }),
        (Page::Cash(cash), CustomerPage::Cash),
        (paying(PaymentState::Sending), CustomerPage::Wait),
        (paying(PaymentState::PreparingCode), CustomerPage::Wait),
        (paying(PaymentState::CustomerConfirming { since_seconds: 1 }), CustomerPage::ConfirmOnPhone),
        (paying(showing), scan),
        (paying(unknown()), CustomerPage::Unknown),
        (paying(PaymentState::Declined(DeclineReason::InsufficientFunds)), CustomerPage::NotCharged),
        (paying(PaymentState::Reversed), CustomerPage::NotCharged),
        (paying(PaymentState::Paid), CustomerPage::Paid),
    ] {
        let seen = seen(vec![tea_and_bread(), page]);
        assert_eq!((seen.page, seen.lines.len(), seen.total_minor), (expected, 2, 1_250));
    }
}

#[test]
fn only_what_is_paid_is_said_to_be_paid() {
    let states = [
        PaymentState::Sending,
        PaymentState::CustomerConfirming { since_seconds: 1 },
        PaymentState::PreparingCode,
        PaymentState::ShowingCode { code: "x".into(), remaining_seconds: 1, server_answers: true },
        unknown(),
        PaymentState::Declined(DeclineReason::CodeExpired),
        PaymentState::Reversed,
    ];
    for state in states {
        let page = seen(vec![tea_and_bread(), paying(state.clone())]).page;
        assert!(!matches!(page, CustomerPage::Paid | CustomerPage::PaidCash { .. }), "{state:?}");
    }
}

#[test]
fn a_payment_goes_on_in_front_of_the_customer_while_the_till_is_locked() {
    let locked = |under_way| {
        Page::Lock(LockPage {
            people: vec![],
            chosen: None,
            state: LockState::ChoosePerson,
            cards: false,
            under_way,
        })
    };
    let Page::Payment(unknown) = paying(unknown()) else { panic!("not a payment") };
    let Page::Payment(paid) = paying(PaymentState::Paid) else { panic!("not a payment") };
    let waiting = seen(vec![tea_and_bread(), locked(Some(UnderWay::Payment(unknown)))]);
    assert_eq!((waiting.page.clone(), waiting.lines.len()), (CustomerPage::Unknown, 2));
    assert_eq!(waiting.after(&screen(locked(Some(UnderWay::Payment(paid))))).page, CustomerPage::Paid);
    let sale = Some(UnderWay::Sale { item_count: 2, total_minor: 1_250 });
    assert_eq!(seen(vec![tea_and_bread(), locked(sale)]).page, CustomerPage::Sale);
    assert_eq!(seen(vec![tea_and_bread(), locked(None)]).lines, [], "nobody is being served");
}

#[test]
fn a_payment_found_again_after_a_restart_shows_no_goods_of_another_sale() {
    let page = seen(vec![sale(vec![goods(1, "Bag", 30)]), paying(unknown())]);
    assert_eq!((page.lines.len(), page.total_minor), (0, 1_250));
    assert_eq!(page.page, CustomerPage::Unknown);
}

#[test]
fn what_is_the_cashiers_alone_never_reaches_the_customer() {
    let reason = Reason { kind: ReasonKind::Other, text: "smells odd".into() };
    let off = |amount_minor| Some(TakenOff { amount_minor, percent: None, reason: reason.clone() });
    let tea = CartLine { discount: off(50), ..goods(1, "Green tea", 450) };
    let page = SalePage {
        lines: vec![tea],
        total_minor: 440,
        discount: off(10),
        note: "rings twice".into(),
        search: "oolong".into(),
        ..SalePage::default()
    };
    let full = Screen {
        notice: Some(Notice::UnknownBarcode { code: "6901234567892".into() }),
        confirm: Some(Confirm::VoidSale { item_count: 1, total_minor: 440 }),
        ..screen(Page::Sale(page))
    };
    let seen = CustomerScreen::default().after(&full);
    assert_eq!((seen.lines[0].off_minor, seen.off_minor, seen.total_minor), (50, 10, 440));
    let words = format!("{seen:?}");
    for hidden in ["smells", "rings", "aunt", "oolong", "6901234567892", "Li Na", "Till 1"] {
        assert!(!words.contains(hidden), "{hidden} in {words}");
    }
    let about =
        AboutPage { version: "1".into(), server: "s".into(), fingerprint: "f".into(), may_end: false };
    let orders = Page::Orders(OrdersPage::default());
    for page in [Page::About(about), orders, Page::Drawer] {
        assert_eq!(seen.after(&screen(page)), seen, "what is looked up changes nothing");
    }
}

#[test]
fn thanks_stay_until_the_next_customer() {
    let done = |paid_by| {
        Page::Done(DonePage {
            total_minor: 1_250,
            paid_by,
            order_number: Some("1".into()),
            sale_number: "1".into(),
            drawer: crate::view::DrawerState::Opened,
            receipt: ReceiptState::Printing,
        })
    };
    let cash = done(PaidBy::Cash { given_minor: 2_000, change_minor: 750 });
    let paid = seen(vec![tea_and_bread(), cash]);
    assert_eq!(paid.page, CustomerPage::PaidCash { given_minor: 2_000, change_minor: 750 });
    assert_eq!(seen(vec![tea_and_bread(), done(PaidBy::Wallet(Wallet::WeChatPay))]).page, CustomerPage::Paid);
    assert_eq!(paid.after(&screen(sale(vec![]))).page, CustomerPage::Welcome);
}
