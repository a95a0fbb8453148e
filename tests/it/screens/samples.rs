//! A screen of every page, with the kind of data that strains it: long names, large amounts, every state.

mod sample_orders;
mod sample_refunds;
mod sample_scans;

use evertill_shared::clock::Timestamp;
use evertill_shared::journal::CashReason;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::discount::{Reason, ReasonKind};
use evertill_shared::rights::Right;
use evertill_shared::shift::{Shift, Tally, denominations};
use evertill_terminal::picture_store::Thumb;
use evertill_terminal::view::*;
use sample_orders::*;

/// What a code to pay holds.
pub const CODE_TO_PAY: &str = "weixin://wxpay/bizpayurl?pr=p4lpSuKzz";

/// A named screen.
pub struct Sample {
    /// The name of its pictures.
    pub name: &'static str,
    /// What is shown.
    pub screen: Screen,
}

/// The same, with the language after its own to be chosen.
pub fn spoken(screen: &Screen) -> Screen {
    let next_language = match screen.language {
        Language::English => Language::Chinese,
        _ => Language::English,
    };
    Screen { next_language, ..screen.clone() }
}

fn status() -> StatusBar {
    StatusBar {
        store: "南京东路店 Nanjing Road".into(),
        till: "Till 03".into(),
        clock: "14:05".into(),
        link: Link::Online,
        cash_works: true,
        code_works: true,
        unsent: Some(UnsentSales::default()),
        printer: PrinterState::Ready,
        scanner: ScannerState::Ready,
        cashier: None,
        refunds_waiting: 0,
    }
}

fn offline() -> StatusBar {
    StatusBar {
        link: Link::Offline,
        code_works: false,
        unsent: Some(UnsentSales { count: 128, oldest_seconds: 5_400, entries: 400 }),
        printer: PrinterState::Disconnected,
        scanner: ScannerState::Disconnected,
        refunds_waiting: 2,
        ..status()
    }
}

fn profile() -> ScannerProfile {
    ScannerProfile {
        kind: ScannerKind::Keyboard,
        place: "0c2e:0901".into(),
        state: ScannerState::Ready,
        marks: ScannerMarks::Aim,
        ends_by_pause: false,
        typed_on: true,
        baud: 9_600,
    }
}

fn scanners() -> ScannersPage {
    let row = |kind, name: &str, place: &str, in_use| ScannerRow {
        id: name.into(),
        kind,
        name: name.into(),
        place: place.into(),
        in_use,
    };
    ScannersPage {
        found: vec![
            row(ScannerKind::Reports, "Honeywell Xenon 1950g", "0c2e:0b61", false),
            row(
                ScannerKind::Serial,
                "usb-Datalogic_ADC_Gryphon_GD4500_S_N_123-if00",
                "/dev/serial/by-id/usb-Datalogic",
                false,
            ),
            row(ScannerKind::Keyboard, "Metrologic Scanner 扫码枪", "0c2e:0901", true),
            row(ScannerKind::Keyboard, "AT Translated Set 2 keyboard", "/dev/input/event0", false),
        ],
        searching: false,
        may_go_back: true,
        used: Some(profile()),
        arrived: Some(Arrived {
            text: "13••••".into(),
            characters: 18,
            identifier: String::new(),
            taken_for: TakenFor::PaymentCode(Wallet::WeChatPay),
        }),
    }
}

/// The same, at a machine with a serial port of its own.
fn with_com1() -> ScannersPage {
    let mut page = scanners();
    let (name, place) = ("COM1 (ttyS0)".to_owned(), "/dev/ttyS0".to_owned());
    page.found.insert(2, ScannerRow { id: place.clone(), name, place, ..page.found[1].clone() });
    page
}

/// A screen with this page and nothing else of note.
pub fn screen(page: Page) -> Screen {
    Screen {
        language: Language::English,
        colours: Colours::Light,
        text_size: TextSize::Normal,
        next_language: Language::Chinese,
        money: MoneyStyle { symbol: "¥".into(), decimals: 2 },
        status: status(),
        page,
        notice: None,
        question: 0,
        confirm: None,
        training: None,
    }
}

/// Goods to tap.
pub fn goods_named(id: &str, name: &str) -> Good {
    good(id, name, 500)
}

fn good(id: &str, name: &str, price_minor: i64) -> Good {
    Good { id: id.into(), name: name.into(), code: format!("69012345{id}"), price_minor, picture: None }
}

/// Goods to tap of which every other one has a picture: an apple, a cup, and one that cannot be loaded.
fn pictured_goods() -> Vec<Good> {
    let names = ["apple", "", "cup", "broken"];
    let named = |(good, name): (Good, &&str)| {
        let picture = (!name.is_empty()).then(|| (*name).to_owned());
        Good { picture, ..good }
    };
    goods().into_iter().zip(names.iter().cycle()).map(named).collect()
}

/// The pictures of the samples, by their names.
pub fn picture(name: &str) -> Option<Thumb> {
    const SIDE: i32 = 96;
    let within =
        |x: i32, y: i32, at: (i32, i32), radius: i32| (x - at.0).pow(2) + (y - at.1).pow(2) < radius.pow(2);
    let apple = |x: i32, y: i32| match () {
        () if (45..50).contains(&x) && (12..30).contains(&y) => [110, 72, 38],
        () if within(x, y, (60, 18), 9) => [88, 152, 60],
        () if within(x, y, (38, 56), 28) || within(x, y, (58, 56), 28) => [196, 40, 44],
        () => [255; 3],
    };
    let cup = |x: i32, y: i32| match () {
        () if (20..66).contains(&x) && (30..78).contains(&y) => [38, 92, 142],
        () if within(x, y, (66, 52), 18) && !within(x, y, (66, 52), 11) => [38, 92, 142],
        () => [255; 3],
    };
    let pixels = |colour: &dyn Fn(i32, i32) -> [u8; 3]| {
        (0..SIDE).flat_map(|y| (0..SIDE).flat_map(move |x| colour(x, y))).collect()
    };
    let rgb = match name {
        "apple" => pixels(&apple),
        "cup" => pixels(&cup),
        _ => return None,
    };
    Some(Thumb { width: 96, height: 96, rgb })
}

fn goods() -> Vec<Good> {
    vec![
        good("00015", "农夫山泉 550ml", 200),
        good("00022", "可口可乐 330ml", 350),
        good("00039", "Oolong tea, unsweetened, 500 ml", 500),
        good("00046", "全麦吐司面包", 1_290),
        good("00053", "Bag", 30),
        good("00060", "鲜牛奶 1L", 1_650),
        good("00077", "茶叶蛋", 250),
        good("00084", "Umbrella", 4_900),
        good("00091", "充电宝租借押金", 9_900),
        good("00107", "Paper tissues", 890),
        good("00114", "苏打饼干", 760),
        good("00121", "Battery AA ×4", 1_990),
    ]
}

/// As long as one can be.
pub const LONGEST_SERIAL: &str = "SN-2026-11-20/0042-7781-AB45-9F31-C0FFEE";

/// A till that asks for a piece's serial number.
fn serial(waiting: u32, notice: Option<Notice>) -> Screen {
    let name = "华为 Mate 70 Pro 智能手机 12 GB + 256 GB, long name of a colour".into();
    Screen { notice, ..screen(Page::Serial(SerialPage { question: waiting + 1, name, waiting })) }
}

/// Two pieces of the same goods, by their numbers.
fn sale_by_serial() -> SalePage {
    let mut page = sale();
    let numbers = ["356938035643809", LONGEST_SERIAL];
    for (line, number) in page.lines.iter_mut().skip(2).zip(numbers) {
        *line = CartLine {
            quantity: Quantity::Pieces(1),
            serial: Some(number.into()),
            unit_price_minor: line.total_minor,
            ..line.clone()
        };
    }
    page
}

/// What a search has found.
pub fn matches() -> Vec<Good> {
    vec![good("00077", "茶叶蛋", 250), good("00039", "Oolong tea, unsweetened, 500 ml", 500)]
}

/// A sale under way.
pub fn sale() -> SalePage {
    let line = |line, name: &str, quantity, unit_price_minor, total_minor| CartLine {
        line,
        name: name.into(),
        quantity,
        unit_price_minor,
        total_minor,
        was_minor: None,
        discount: None,
        note: String::new(),
        serial: None,
    };
    SalePage {
        lines: vec![
            line(1, "农夫山泉 550ml", Quantity::Pieces(2), 200, 400),
            line(2, "红富士苹果", Quantity::Grams(1_234), 1_298, 1_602),
            line(
                3,
                "Extra long name of imported olive oil, cold pressed, 1 litre",
                Quantity::Pieces(1),
                12_900,
                12_900,
            ),
            line(4, "茶叶蛋", Quantity::Pieces(12), 250, 3_000),
            line(5, "Bag", Quantity::Pieces(100), 30, 3_000),
        ],
        total_minor: 20_902,
        tax_minor: 2_405,
        discount: None,
        note: String::new(),
        lines_voided: 0,
        held: 0,
        item_count: 116,
        search: String::new(),
        matches: vec![],
        favourites: goods(),
    }
}

fn taken_off(amount_minor: i64, percent: Option<&str>) -> Option<TakenOff> {
    let reason = Reason::usual(ReasonKind::Damaged);
    Some(TakenOff { amount_minor, percent: percent.map(Into::into), reason })
}

/// The same with discounts, another price, notes, a voided line, and others that are held.
fn sale_discounted() -> SalePage {
    let mut page = sale();
    page.lines[0].discount = taken_off(40, Some("10%"));
    page.lines[0].total_minor = 360;
    page.lines[3].was_minor = Some(300);
    page.lines[4].note = "printed on both sides, please".into();
    SalePage {
        discount: taken_off(1_043, Some("5%")),
        total_minor: 19_819,
        note: "顾客五点来取 (collects at five)".into(),
        lines_voided: 2,
        held: 3,
        ..page
    }
}

/// A line that is changed.
pub fn adjust_line() -> AdjustPage {
    AdjustPage {
        target: AdjustTarget::Line(3),
        name: "Extra long name of imported olive oil, cold pressed, 1 litre".into(),
        quantity: 2,
        unit_price_minor: Some(12_900),
        was_minor: Some(13_900),
        discount: taken_off(2_580, Some("10%")),
        before_minor: 25_800,
        total_minor: 23_220,
        note: String::new(),
    }
}

fn adjust_whole() -> AdjustPage {
    AdjustPage {
        target: AdjustTarget::Whole,
        name: String::new(),
        quantity: 116,
        unit_price_minor: None,
        was_minor: None,
        discount: taken_off(1_045, None),
        before_minor: 20_902,
        total_minor: 19_857,
        note: "顾客五点来取".into(),
    }
}

fn held(item_count: u32, rows: usize) -> Screen {
    let names =
        ["红帽子 (red hat)", "#12", "Maximiliana Wolfeschlegelsteinhausen the younger, gone to fetch"];
    let row = |(id, name): (u64, &&str)| HeldRow {
        id,
        name: (*name).into(),
        time: "13:58".into(),
        item_count: 116,
        total_minor: 1_920_902,
        goods: "农夫山泉 550ml, 红富士苹果, Extra long name of imported olive oil, cold pressed, 1 litre"
            .into(),
    };
    let rows = (1..).zip(names.iter().take(rows)).map(row).collect();
    screen(Page::Held(HeldPage { item_count, total_minor: 20_902, rows }))
}

fn payment(state: PaymentState) -> Screen {
    screen(Page::Payment(PaymentPage {
        total_minor: 20_902,
        part_minor: 0,
        wallet: Some(Wallet::WeChatPay),
        order_number: Some("202611201405123456781792".into()),
        state,
    }))
}

fn cash(given_minor: i64, balance: CashBalance) -> Screen {
    screen(Page::Cash(CashPage {
        total_minor: 20_902,
        part_minor: 0,
        given_minor,
        balance,
        quick_amounts_minor: vec![20_902, 21_000, 22_000, 25_000, 30_000, 50_000, 10_000, 5_000, 2_000],
        rest: CashRest::GiveFirst,
        drawer: DrawerState::NotAsked,
    }))
}

fn done(paid_by: PaidBy, order_number: Option<&str>, receipt: ReceiptState) -> Screen {
    screen(Page::Done(DonePage {
        total_minor: 20_902,
        paid_by,
        order_number: order_number.map(Into::into),
        sale_number: "03-1-000123".into(),
        drawer: match paid_by {
            PaidBy::Cash { .. } => DrawerState::Opened,
            PaidBy::Wallet(_) | PaidBy::Split { .. } => DrawerState::NotAsked,
        },
        receipt,
    }))
}

fn form(failure: Option<EnrolFailure>) -> Screen {
    screen(Page::Enrol(EnrolPage::Form(EnrolForm {
        server: "till.example.com:8443".into(),
        busy: false,
        failure,
        scanned: None,
    })))
}

fn waiting() -> Screen {
    let fingerprint = "4f1c 90aa 7be2 0d35 81c6 2e97 b3d0 55aa 1f6e c842 09b7 3dd1 66f0 a94c 27e8 5b13";
    screen(Page::Enrol(EnrolPage::Waiting(EnrolWaiting {
        server: "till.example.com:8443".into(),
        registration_code: "R7K4-92QX".into(),
        fingerprint: fingerprint.into(),
        qr: format!("evertill:R7K4-92QX:{}", fingerprint.replace(' ', "")),
        server_answers: true,
    })))
}

fn on_duty() -> StatusBar {
    StatusBar { cashier: Some("王丽 Wang Li".into()), ..status() }
}

/// The staff of a large store: more than fit at once when something is under way.
fn staff(most: usize) -> Vec<LockPerson> {
    let names = [
        ("chen", "陈晓", StaffRole::Cashier),
        ("ivy", "Ivy", StaffRole::It),
        ("wang", "王丽 Wang Li", StaffRole::Manager),
        ("long", "Maximiliana Wolfeschlegelsteinhausen", StaffRole::Cashier),
        ("zhao", "赵敏", StaffRole::Cashier),
        ("liu", "刘洋", StaffRole::Cashier),
    ];
    let person = |(login, name, role): (&str, &str, StaffRole)| LockPerson {
        login: login.into(),
        name: name.into(),
        role,
    };
    names.into_iter().take(most).map(person).collect()
}

/// The locked till.
pub fn lock(state: LockState, under_way: Option<UnderWay>) -> Screen {
    let chosen = (state != LockState::ChoosePerson).then(|| "wang".to_owned());
    screen(Page::Lock(LockPage { people: staff(6), chosen, state, cards: true, under_way }))
}

fn lock_over(page: Screen) -> Screen {
    let under_way = match page.page {
        Page::Payment(page) => UnderWay::Payment(page),
        Page::Done(page) => UnderWay::Paid(page),
        _ => UnderWay::Sale { item_count: 116, total_minor: 20_902 },
    };
    lock(LockState::EnterPin, Some(under_way))
}

/// A manager is asked to approve something.
pub fn approval(right: Right, amount_minor: Option<i64>, state: LockState) -> Screen {
    let managers = staff(6).into_iter().filter(|person| person.role == StaffRole::Manager);
    let people = managers.chain([LockPerson {
        login: "zhou".into(),
        name: "周 Maximiliana Wolfeschlegelsteinhausen".into(),
        role: StaffRole::Manager,
    }]);
    let chosen = (state != LockState::ChoosePerson).then(|| "wang".to_owned());
    let page = ApprovalPage { right, amount_minor, people: people.collect(), chosen, state };
    Screen { status: on_duty(), ..screen(Page::Approval(page)) }
}

/// The drawer's page, with or without a shift.
pub fn drawer(open: bool, demanded: bool) -> Screen {
    let by = Some("王丽 Wang Li".into());
    let open = open.then(|| OpenShift { since: "2026-11-20 08:02".into(), by });
    let page = ShiftPage { has_last: true, open, demanded };
    Screen { status: on_duty(), ..screen(Page::Shift(page)) }
}

/// An amount that is typed for the drawer.
pub fn amount(purpose: AmountPurpose, minor: i64, reason: Option<CashReason>) -> Screen {
    let ready = purpose == AmountPurpose::Float || (minor > 0 && reason.is_some());
    screen(Page::DrawerAmount(DrawerAmountPage { purpose, minor, reason, ready }))
}

/// The blind count of a drawer in this currency.
pub fn count(currency: Currency) -> Screen {
    let row = |(index, value_minor): (usize, i64)| {
        let pieces = [12, 0, 7, 31, 104, 99_999][index % 6];
        CountRow { value_minor, pieces, sum_minor: value_minor * i64::from(pieces) }
    };
    let rows: Vec<CountRow> = denominations(currency).into_iter().enumerate().map(row).collect();
    let total_minor = rows.iter().map(|row| row.sum_minor).sum();
    let chosen_minor = rows[2].value_minor;
    screen(Page::Count(CountPage { rows, chosen_minor, total_minor }))
}

/// The report of a busy shift: every sum that there can be.
pub fn report(ended: bool, over_minor: i64, paper: ReceiptState) -> Screen {
    use evertill_shared::wallet::Wallet as W;
    let tally = |count, minor| Tally { count, minor };
    let wallets = |count, minor| [(W::WeChatPay, tally(count, minor)), (W::Alipay, tally(count, minor / 3))];
    let float = Amount::new(50_000, Currency::CNY);
    let mut totals = Shift::open(2, Timestamp(0), float, None).unwrap().totals;
    totals.cash_sales = tally(5_000, 123_456_789);
    totals.wallet_sales = wallets(4_321, 987_654_321).into();
    totals.tax_minor = 113_207;
    totals.cash_refunds = tally(2, 12_900);
    totals.wallet_refunds = wallets(1, 350).into();
    totals.other_refunds = tally(1, 4_500);
    totals.parts_back = tally(2, 40_000);
    totals.paid_in = tally(1, 50_000);
    totals.paid_out = tally(3, 100_000_000);
    totals.voids = tally(14, 33_950);
    (totals.no_sales, totals.foreign) = (4, 1);
    let counted = totals.expected().minor + over_minor;
    screen(Page::Report(ReportPage {
        ended,
        since: "2026-11-20 08:02".into(),
        by: Some("王丽 Wang Li".into()),
        lines: report_lines(&totals, ended.then_some(counted)),
        over_minor: ended.then_some(over_minor),
        unsent: if over_minor == 0 { 0 } else { 128 },
        unknown: if over_minor == 0 { 0 } else { 2 },
        unknown_minor: 41_804,
        paper,
    }))
}

/// Every page, in the states that differ on screen.
pub fn all() -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut add = |name, screen| samples.push(Sample { name, screen });
    add("starting", screen(Page::Starting));
    add("enrol", form(None));
    add("enrol_wrong_code", form(Some(EnrolFailure::WrongCode { tries_left: Some(2) })));
    add("enrol_blocked", form(Some(EnrolFailure::Blocked { wait_seconds: Some(300) })));
    add("enrol_waiting", waiting());
    add("sale_empty", screen(Page::Sale(SalePage { favourites: goods(), ..SalePage::default() })));
    add("sale", screen(Page::Sale(sale())));
    add("sale_pictures", screen(Page::Sale(SalePage { favourites: pictured_goods(), ..sale() })));
    add("sale_offline", Screen { status: offline(), ..screen(Page::Sale(sale())) });
    let unknown = Some(Notice::UnknownBarcode { code: "6901234567892".into() });
    add("sale_unknown_barcode", Screen { notice: unknown, ..screen(Page::Sale(sale())) });
    add("sale_discounts", screen(Page::Sale(sale_discounted())));
    let gone = Some(Notice::DiscountGone);
    add("sale_discount_gone", Screen { notice: gone, ..screen(Page::Sale(sale())) });
    let gone = Some(Notice::PriceGone);
    add("sale_price_gone", Screen { notice: gone, ..screen(Page::Sale(sale())) });
    add("adjust_line", screen(Page::Adjust(adjust_line())));
    // The page begins anew only when another was shown before.
    add("held", held(116, 3));
    add("adjust_whole", screen(Page::Adjust(adjust_whole())));
    let much = Some(Notice::TooMuchOff);
    add("adjust_too_much", Screen { notice: much, ..screen(Page::Adjust(adjust_whole())) });
    add("held_free", held(0, 3));
    add("held_none", held(0, 0));
    let void = Some(Confirm::VoidSale { item_count: 116, total_minor: 20_902 });
    add("sale_void", Screen { confirm: void, ..screen(Page::Sale(sale())) });
    let (name, born_by) = ("Riesling 2023, dry, 0.75 l".into(), "2008-11-20".into());
    let old_enough = Some(Confirm::OldEnough { name, years: 18, born_by, waiting: 2 });
    add("sale_age", Screen { confirm: old_enough, ..screen(Page::Sale(sale())) });
    let not_sold = Some(Notice::NotSold { name: "Riesling 2023, dry, 0.75 l".into() });
    add("sale_not_sold", Screen { notice: not_sold, ..screen(Page::Sale(sale())) });
    let detail =
        "lang/de.po: line 11: 'Remove: {}': 'entfernen' must hold {0}, each once and as it is there".into();
    let broken = Some(Notice::LanguageUnusable { detail });
    add("sale_language_file", Screen { notice: broken, ..screen(Page::Sale(sale())) });
    add("sale_serials", screen(Page::Sale(sale_by_serial())));
    add("sale_one_piece", Screen { notice: Some(Notice::OnePiece), ..screen(Page::Sale(sale_by_serial())) });
    add("serial", serial(0, None));
    add("serial_waiting", serial(2, None));
    add("serial_not_one", serial(0, Some(Notice::NotASerial)));
    add("serial_twice", serial(0, Some(Notice::SerialTwice { serial: LONGEST_SERIAL.into() })));
    add("serial_payment_code", serial(0, Some(Notice::PaymentCodeNotSerial)));
    let wallets = vec![Wallet::WeChatPay, Wallet::Alipay];
    let awaiting = screen(Page::AwaitCode(AwaitCodePage {
        total_minor: 20_902,
        part_minor: 0,
        shows: wallets.clone(),
        wallets,
        drawer: DrawerState::NotAsked,
    }));
    add("await_code", awaiting.clone());
    add("await_code_shops", Screen { notice: Some(Notice::ShopCodeAtTender), ..awaiting.clone() });
    add("await_code_tried", Screen { notice: Some(Notice::CodeTriedBefore), ..awaiting.clone() });
    add("await_code_goods", Screen { notice: Some(Notice::GoodsCodeAtTender), ..awaiting.clone() });
    add("cash", cash(0, CashBalance::Missing { minor: 20_902 }));
    add("cash_change", cash(30_000, CashBalance::Change { minor: 9_098 }));
    let part = |given_minor, balance, rest| match cash(given_minor, balance).page {
        Page::Cash(page) => screen(Page::Cash(CashPage { rest, ..page })),
        page => screen(page),
    };
    let given = part(10_000, CashBalance::Missing { minor: 10_902 }, CashRest::ByWallet);
    add("cash_part", given);
    let in_place = screen(Page::Cash(CashPage {
        total_minor: 20_902,
        part_minor: 10_000,
        given_minor: 0,
        balance: CashBalance::Missing { minor: 10_902 },
        quick_amounts_minor: vec![10_902, 11_000, 11_500, 12_000, 15_000, 20_000],
        rest: CashRest::ByWallet,
        drawer: DrawerState::Opened,
    }));
    let Page::Cash(page) = in_place.page.clone() else { unreachable!("it is the page of a part") };
    let shut = CashPage { drawer: DrawerState::Shut(PrinterState::PaperOut), ..page };
    add("cash_part_drawer_shut", screen(Page::Cash(shut)));
    let notice = Some(Notice::CashInPlace { minor: 10_000 });
    add("cash_part_in_place", Screen { notice, ..in_place.clone() });
    let back = Some(Confirm::CashBack { minor: 10_000 });
    add("cash_part_back", Screen { confirm: back, ..in_place });
    let number = "202611201405123456781792".to_owned();
    let left = Some(Confirm::CashLeft { number: number.clone(), minor: 10_000 });
    add("cash_part_left", Screen { confirm: left, ..screen(Page::Sale(SalePage::default())) });
    let kept = Some(Confirm::CashKept { number, minor: 10_000 });
    add("cash_part_kept", Screen { confirm: kept, ..screen(Page::Sale(SalePage::default())) });
    let hand_back = |drawer| Some(Notice::HandBack { sale: 1, minor: 10_000, drawer });
    let notice = hand_back(DrawerState::Opened);
    add("cash_part_hand_back", Screen { notice, ..screen(Page::Sale(sale())) });
    let notice = hand_back(DrawerState::Unknown);
    add("cash_part_hand_back_drawer", Screen { notice, ..screen(Page::Sale(sale())) });
    let wallets = vec![Wallet::WeChatPay, Wallet::Alipay];
    let rest = |drawer| {
        let (shows, wallets) = (wallets.clone(), wallets.clone());
        screen(Page::AwaitCode(AwaitCodePage {
            total_minor: 20_902,
            part_minor: 10_000,
            wallets,
            shows,
            drawer,
        }))
    };
    add("await_code_rest", rest(DrawerState::Opened));
    add("await_code_rest_drawer", rest(DrawerState::Unknown));
    let ask = Confirm::LargeChange { given_minor: 6_901_234_567_892, change_minor: 6_901_234_546_990 };
    add("cash_confirm", Screen { confirm: Some(ask), ..cash(30_000, CashBalance::Change { minor: 9_098 }) });
    add("payment_sending", payment(PaymentState::Sending));
    add("payment_preparing_code", payment(PaymentState::PreparingCode));
    for (name, server_answers) in [("payment_showing_code", true), ("payment_showing_code_offline", false)] {
        let code = CODE_TO_PAY.into();
        add(name, payment(PaymentState::ShowingCode { code, remaining_seconds: 74, server_answers }));
    }
    let closing = PaymentState::Unknown {
        step: UnknownStep::ClosingCode,
        since_seconds: 4,
        deadline_seconds: Some(98),
        can_set_aside: true,
    };
    add("payment_closing_code", payment(closing));
    add("payment_confirming", payment(PaymentState::CustomerConfirming { since_seconds: 12 }));
    let step = UnknownStep::AskingWallet;
    let unknown =
        PaymentState::Unknown { step, since_seconds: 42, deadline_seconds: Some(78), can_set_aside: true };
    add("payment_unknown", payment(unknown));
    add("payment_declined", payment(PaymentState::Declined(DeclineReason::InsufficientFunds)));
    add("payment_declined_limits", payment(PaymentState::Declined(DeclineReason::OutsideLimits)));
    add("payment_reversed", payment(PaymentState::Reversed));
    if let Page::Payment(page) = payment(PaymentState::Reversed).page {
        add("payment_reversed_rest", screen(Page::Payment(PaymentPage { part_minor: 10_000, ..page })));
    }
    let by_cash = PaidBy::Cash { given_minor: 30_000, change_minor: 9_098 };
    add("done_cash", done(by_cash, None, ReceiptState::Printing));
    let number = Some("202611201405123456781792");
    let wallet = Wallet::Alipay;
    let split = PaidBy::Split { cash_minor: 10_000, wallet, wallet_minor: 10_902 };
    add("done_split", done(split, number, ReceiptState::Printed));
    let paper = ReceiptState::Failed { printer: PrinterState::PaperOut };
    for (name, drawer) in [
        ("done_drawer_shut", DrawerState::Shut(PrinterState::PaperOut)),
        ("done_drawer_unknown", DrawerState::Unknown),
    ] {
        let mut shown = done(by_cash, None, paper);
        if let Page::Done(page) = &mut shown.page {
            page.drawer = drawer;
        }
        add(name, shown);
    }
    add("done_no_paper", done(PaidBy::Wallet(Wallet::Alipay), number, paper));
    add("done_receipt_unknown", done(PaidBy::Wallet(Wallet::WeChatPay), number, ReceiptState::Unknown));
    sample_refunds::refunds().into_iter().for_each(|(name, screen)| add(name, screen));
    let arrived = Some(Notice::RefundsArrived { count: 2 });
    add("sale_refunds_arrived", Screen { notice: arrived, ..screen(Page::Sale(sale())) });
    let order_number = || "202611201405123456781792".to_owned();
    let approved = Some(Notice::RefundApproved { order_number: order_number(), by: "Li Na".into() });
    add("sale_refund_approved", Screen { notice: approved, ..screen(Page::Sale(sale())) });
    let expired = Some(Notice::RefundExpired { order_number: order_number() });
    add("sale_refund_expired", Screen { notice: expired, ..screen(Page::Sale(sale())) });
    add("orders", screen(Page::Orders(orders())));
    let by_amount = orders_found("797", OrdersHint::Amount { minor: 79_700 }, 2);
    add("orders_by_amount", screen(Page::Orders(by_amount)));
    let gone = Some("T0003-1-0000004811-0000009632.jsonl.gz".into());
    let gone = OrdersPage { archive_missing: gone, is_today: false, ..orders_found("", OrdersHint::Day, 0) };
    add("orders_archive_missing", screen(Page::Orders(gone)));
    let slip = orders_found("2026112002140512345678179", OrdersHint::Mistyped, 0);
    add("orders_mistyped", screen(Page::Orders(slip)));
    let paid = order(OrderState::Paid, OrderAdvice::Nothing);
    add("order", screen(Page::Order(Box::new(paid))));
    add("order_story", screen(Page::Order(Box::new(order_with_story()))));
    add("order_serials", screen(Page::Order(Box::new(order_by_serial()))));
    add("ask_refund_serials", ask_refund_by_serial());
    add("order_unsent", screen(Page::Order(Box::new(order_unsent()))));
    add("ask_refund", ask_refund(false, LockState::EnterPin, AskedSaid::Nothing));
    let refused = AskedSaid::Refused(RefundRefusal::OtherDay);
    add("ask_refund_refused", ask_refund(false, LockState::EnterPin, refused));
    add("ask_refund_pin", ask_refund(true, LockState::EnterPin, AskedSaid::Nothing));
    add("ask_refund_wrong_pin", ask_refund(true, LockState::Wrong { tries_left: 3 }, AskedSaid::Nothing));
    add("ask_refund_waits", ask_refund(true, LockState::EnterPin, AskedSaid::WaitsInConsole));
    add("ask_refund_no_answer", ask_refund(true, LockState::EnterPin, AskedSaid::NoAnswer));
    let holding = UnsentSales { count: 3, oldest_seconds: 900, entries: 12 };
    let status = StatusBar { unsent: Some(holding), ..status() };
    add("fault_blocked", Screen { status, ..screen(Page::Fault(FaultPage::Blocked)) });
    let status = StatusBar { unsent: None, ..screen(Page::Starting).status };
    let damaged = FaultPage::JournalDamaged { entry: Some(4711) };
    add("fault_journal", Screen { status, ..screen(Page::Fault(damaged)) });
    let about = AboutPage {
        version: "0.1.0".into(),
        server: "till.example.com:8443".into(),
        fingerprint: "4f1c 90aa 7be2 0d35 81c6 2e97 b3d0 55aa".into(),
        may_end: false,
    };
    add("about_kiosk", screen(Page::About(AboutPage { may_end: true, ..about.clone() })));
    add("about", screen(Page::About(about)));
    let wallet = |wallet, state| WalletLine { wallet, state };
    let day = DayPage {
        server: "https://till.example.com:8443".into(),
        wallets: vec![
            wallet(Wallet::WeChatPay, WalletAnswers::Well),
            wallet(Wallet::Alipay, WalletAnswers::Silent { since_seconds: 300 }),
        ],
        display: DisplayState::Ready,
        drawer: DrawerState::Opened,
        test: TestPrint::Printed,
    };
    let trouble = DayPage {
        wallets: vec![
            wallet(Wallet::WeChatPay, WalletAnswers::Unsteady),
            wallet(Wallet::Alipay, WalletAnswers::NotKnown),
        ],
        display: DisplayState::Disconnected,
        drawer: DrawerState::Shut(PrinterState::PaperOut),
        test: TestPrint::Failed(PrinterState::Disconnected),
        ..day.clone()
    };
    add("day", screen(Page::Day(day)));
    add("day_trouble", Screen { status: offline(), ..screen(Page::Day(trouble)) });
    add("scanners_none", Screen { status: offline(), ..screen(Page::Scanners(ScannersPage::default())) });
    add("scanners", screen(Page::Scanners(scanners())));
    let serial = ScannerProfile { kind: ScannerKind::Serial, baud: 115_200, ..profile() };
    let arrived = Arrived {
        text: "01••••<GS>21ABC123<GS>10LOT-2026-11-22-LONG-BATCH-NUMBER<GS>".into(),
        characters: 61,
        identifier: "]d2".into(),
        taken_for: TakenFor::Goods { name: "有机绿茶 Organic green tea".into() },
    };
    add(
        "scanners_goods",
        screen(Page::Scanners(ScannersPage { used: Some(serial), arrived: Some(arrived), ..with_com1() })),
    );
    add("sale_on_duty", Screen { status: on_duty(), ..screen(Page::Sale(sale())) });
    add("lock", lock(LockState::ChoosePerson, None));
    add("lock_enter", lock(LockState::EnterPin, None));
    add("lock_checking", lock(LockState::Checking, None));
    add("lock_not_a_pin", lock(LockState::NotAPin, None));
    add("lock_wrong", lock(LockState::Wrong { tries_left: 4 }, None));
    add("lock_wait", lock(LockState::Wait { seconds: 75 }, None));
    add("lock_scan", Screen { notice: Some(Notice::LockedScan), ..lock(LockState::EnterPin, None) });
    add("lock_card_only", lock(LockState::CardOnly, None));
    let unknown = Some(Notice::CardUnknown);
    add("lock_card_unknown", Screen { notice: unknown, ..lock(LockState::ChoosePerson, None) });
    let card = Some(Notice::CardApprovesNothing);
    add("approval_card", Screen { notice: card, ..approval(Right::NoSale, None, LockState::EnterPin) });
    let taken_over = Some(Notice::LoggedIn { name: "王丽 Wang Li".into() });
    add("sale_taken_over", Screen { notice: taken_over, ..screen(Page::Sale(sale())) });
    add("sale_card_not_now", Screen { notice: Some(Notice::CardNotNow), ..screen(Page::Sale(sale())) });
    add("lock_offline", Screen { status: offline(), ..lock(LockState::ChoosePerson, None) });
    add("lock_sale", lock_over(screen(Page::Sale(sale()))));
    add("lock_sending", lock_over(payment(PaymentState::Sending)));
    let unknown =
        PaymentState::Unknown { step, since_seconds: 42, deadline_seconds: Some(78), can_set_aside: true };
    add("lock_unknown", lock_over(payment(unknown)));
    add("lock_declined", lock_over(payment(PaymentState::Declined(DeclineReason::InsufficientFunds))));
    add("lock_paid", lock_over(done(by_cash, None, ReceiptState::Printed)));
    add("shift_none", drawer(false, false));
    add("shift_demanded", drawer(false, true));
    add("shift_open", drawer(true, false));
    add("drawer_float", amount(AmountPurpose::Float, 50_000, None));
    add("drawer_pay_out", amount(AmountPurpose::PayOut, 123_456_789, Some(CashReason::Supplier)));
    add("count", count(Currency::CNY));
    add("count_many", count("EUR".parse().unwrap()));
    let ask = Confirm::EndShift { counted_minor: 20_902 };
    add("count_confirm", Screen { confirm: Some(ask), ..count(Currency::CNY) });
    add("report_x", report(false, 0, ReceiptState::Printing));
    add("report_z_exact", report(true, 0, ReceiptState::Printed));
    let paper = ReceiptState::Failed { printer: PrinterState::PaperOut };
    add("report_z_short", report(true, -1_250, paper));
    let needed = Some(Notice::ShiftNeeded);
    add("sale_shift_needed", Screen { notice: needed, ..screen(Page::Sale(sale())) });
    add("drawer", Screen { status: on_duty(), ..screen(Page::Drawer) });
    add("approval", approval(Right::NoSale, None, LockState::ChoosePerson));
    let code = awaiting;
    let practised =
        |takes_code: bool, screen: Screen| Screen { training: Some(TrainingBar { takes_code }), ..screen };
    add("training_sale", practised(false, Screen { status: on_duty(), ..screen(Page::Sale(sale())) }));
    add("training_code", practised(true, code.clone()));
    add("training_lock", practised(false, lock(LockState::EnterPin, None)));
    let refused = Some(Notice::RealCodeInTraining);
    let refused = Screen { notice: refused, ..code.clone() };
    add("training_real_code", practised(true, refused));
    let mut paid = done(by_cash, None, ReceiptState::Printed);
    if let Page::Done(page) = &mut paid.page {
        page.drawer = DrawerState::InTraining;
    }
    add("training_done", practised(false, paid));
    add("training_count", practised(false, count(Currency::CNY)));
    add("approval_kiosk", approval(Right::LeaveKiosk, None, LockState::EnterPin));
    add("approval_amount", approval(Right::PayInOut, Some(123_456_789), LockState::EnterPin));
    sample_scans::scans().into_iter().for_each(|(name, screen)| add(name, screen));
    add("approval_wait", approval(Right::Discount, Some(12_900), LockState::Wait { seconds: 75 }));
    samples
}
