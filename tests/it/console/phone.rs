//! The training phones in a real browser, in front of a real shop. The pictures are in `target/console`.

use super::browser::Browser;
use super::shop::Shop;
use evertill_hardware::escpos::barcode::WIDTHS;
use evertill_shared::payment::{PaymentState, Policy};
use evertill_shared::wallet::Wallet;
use evertill_tests::process::wait_until;
use evertill_tests::scripted_till::AdoptedSale;
use evertill_tests::store_rig::RigOptions;
use evertill_tests::workspace;
use std::path::PathBuf;
use std::time::Duration;

/// What a finger cannot hit, or is beyond the edge.
const FLAWS: &str = "
    const flaws = [];
    if (document.documentElement.scrollWidth > innerWidth) flaws.push('the page is too wide');
    for (const it of document.querySelectorAll('button, nav a, input:not([type=hidden])')) {
        const box = it.getBoundingClientRect();
        if (box.height < 48 || box.width < 48) flaws.push(it.outerHTML + ' ' + box.width + 'x' + box.height);
    }
    return flaws;";

struct Scene {
    shop: Shop,
    phone: Browser,
}

impl Scene {
    fn open() -> Self {
        let policy = Policy {
            give_up_after_ms: 60_000,
            query_every_ms: 500,
            show_for_ms: 60_000,
            ..RigOptions::default().policy
        };
        let shop = Shop::with(policy);
        let phone = Browser::open(shop.rig.phones_url());
        phone.resize(420, 1080);
        Self { shop, phone }
    }

    /// Presses something that may be drawn anew at that very moment.
    fn press(&self, css: &str) {
        let css = serde_json::Value::from(css);
        let script =
            format!("const it = document.querySelector({css}); if (it) it.click(); return it !== null");
        let pressed = wait_until(Duration::from_secs(10), || self.phone.script(&script) == true);
        assert!(pressed, "{css} is not there:\n{}", self.phone.text("body"));
    }

    /// Pastes what a code says, and scans it.
    fn scan(&self, content: &str) {
        let content = serde_json::Value::from(content);
        self.phone.script(&format!("document.querySelector('#content').value = {content}"));
        self.press("#scan");
    }

    fn code(&self) -> String {
        self.phone.text("#code").replace(' ', "")
    }

    /// A sale that is charged to what the phone shows.
    fn charged(&mut self, minor: i64) -> (AdoptedSale, PaymentState) {
        let code = self.code();
        let Shop { runtime, till, .. } = &mut self.shop;
        runtime.block_on(async {
            let order = till.sell_and_choose(minor).await.unwrap();
            let view = till.pay(&order, 1, &code).await.unwrap();
            (order, view.state)
        })
    }

    fn comes_to(&self, order: &AdoptedSale, wanted: PaymentState) -> bool {
        wait_until(Duration::from_secs(20), || {
            let asked = self.shop.till.payment(order.number, 1);
            self.shop.runtime.block_on(asked).is_ok_and(|view| view.state == wanted)
        })
    }

    /// What can be seen, as a file, as shades of grey, and its width. Nothing may be wrong with it.
    fn seen(&self, name: &str) -> (Vec<u8>, usize) {
        let flaws = self.phone.script(FLAWS);
        assert_eq!(flaws, serde_json::json!([]), "{name}");
        let folder = workspace::target().join("console");
        std::fs::create_dir_all(&folder).unwrap();
        let file: PathBuf = folder.join(format!("phone-{name}.png"));
        self.phone.picture(&file);
        let decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(file).unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let grey = pixels.chunks_exact(info.color_type.samples()).map(|pixel| pixel[1]).collect();
        (grey, usize::try_from(info.width).unwrap())
    }

    /// The digits that the picture's barcode and QR code hold.
    fn read_back(&self, name: &str) -> (String, String) {
        let (grey, width) = self.seen(name);
        let (at, height) = (|x: usize, y: usize| grey[y * width + x], grey.len() / width);
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, at);
        let found = image.detect_grids();
        let row = self.phone.script(
            "const box = document.querySelector('#barcode svg').getBoundingClientRect();
             return Math.round(box.top + box.height / 2)",
        );
        let row = usize::try_from(row.as_u64().unwrap()).unwrap();
        (code_128(&grey[row * width..(row + 1) * width]), found[0].decode().unwrap().1)
    }
}

/// Reads one line across a barcode of pairs of digits, as a scanner does: by how wide bars and spaces are.
fn code_128(row: &[u8]) -> String {
    let is_dark = |grey: &u8| *grey < 128;
    // The phone's frame is dark, too: its code begins and ends with a wide light margin.
    let runs: Vec<(bool, usize)> =
        row.chunk_by(|a, b| is_dark(a) == is_dark(b)).map(|run| (is_dark(&run[0]), run.len())).collect();
    let margins: Vec<usize> =
        runs.iter().enumerate().filter(|(_, (dark, wide))| !dark && *wide >= 20).map(|(n, _)| n).collect();
    let inside =
        margins.windows(2).find(|pair| pair[1] - pair[0] > 20).expect("a barcode between its margins");
    let bars: Vec<usize> = runs[inside[0] + 1..inside[1]].iter().map(|(_, wide)| *wide).collect();
    let unit = bars.iter().min().unwrap();
    let widths: String = bars.iter().map(|wide| (wide / unit).to_string()).collect();
    let (symbols, stop) = widths.split_at(widths.len() - 7);
    assert_eq!(stop, WIDTHS[106], "{widths}");
    let values = symbols.as_bytes().chunks(6).map(|symbol| {
        let symbol = std::str::from_utf8(symbol).unwrap();
        WIDTHS.iter().position(|known| *known == symbol).unwrap_or_else(|| panic!("{symbol} in {widths}"))
    });
    let values: Vec<usize> = values.collect();
    let (check, read) = values.split_last().unwrap();
    assert_eq!(read[0], 105, "pairs of digits");
    let sum = read.iter().enumerate().fold(0, |sum, (n, value)| sum + n.max(1) * value);
    assert_eq!(sum % 103, *check, "{values:?}");
    read[1..].iter().map(|pair| format!("{pair:02}")).collect()
}

#[test]
fn a_scanner_reads_the_phone_and_its_customer_pays_is_asked_or_is_poor() {
    let mut scene = Scene::open();
    scene.phone.go("/?wallet=wechat_pay&lang=en");
    let first = scene.code();
    assert_eq!(scene.read_back("wechat-code-en"), (first.clone(), first.clone()));
    let (_, state) = scene.charged(1_280);
    assert_eq!(state, PaymentState::Paid);
    scene.phone.expect_in("main", "Paid");
    scene.phone.expect_in("main", "¥12.80");
    scene.seen("wechat-paid-en");
    scene.press("main form button");
    assert_ne!(scene.code(), first, "good once");

    // A minute later it shows another one by itself.
    let second = scene.code();
    let wechat = scene.shop.rig.wallet_control();
    scene.shop.runtime.block_on(wechat.turn_clock(Duration::from_secs(56))).unwrap();
    assert!(wait_until(Duration::from_secs(20), || scene.code() != second), "still {second}");

    scene.press("button[value=is_asked]");
    let (order, state) = scene.charged(660);
    assert_eq!(state, PaymentState::Waiting);
    scene.phone.expect_in("main", "Pay this?");
    scene.seen("wechat-asked-en");
    scene.press(".confirm");
    scene.phone.expect_in("main", "Paid");
    assert!(scene.comes_to(&order, PaymentState::Paid));

    scene.press("main form button");
    let (order, _) = scene.charged(670);
    scene.phone.expect_in("main", "Pay this?");
    scene.press(".cancel");
    scene.phone.expect_in("main", "Not paid");
    assert!(scene.comes_to(&order, PaymentState::Reversed));

    scene.press("button[value=is_poor]");
    let (_, state) = scene.charged(680);
    assert_eq!(state, PaymentState::Declined);
    scene.phone.expect_in("main", "Not enough money");
    assert_eq!(scene.phone.complaints(), Vec::<String>::new());
    let orders = scene.shop.runtime.block_on(wechat.orders()).unwrap();
    assert_eq!(orders.iter().map(|order| order.net_minor()).sum::<i64>(), 1_280 + 660);
}

#[test]
fn a_phone_scans_what_the_till_shows_and_nothing_else() {
    let mut scene = Scene::open();
    scene.phone.go("/?wallet=alipay&lang=zh");
    let code = scene.code();
    assert_eq!(scene.read_back("alipay-code-zh"), (code.clone(), code));
    let Shop { runtime, till, .. } = &mut scene.shop;
    let (order, view) = runtime.block_on(async {
        let order = till.sell_and_choose(4_560).await.unwrap();
        let view = till.show(Wallet::Alipay, &order, 1).await.unwrap();
        (order, view)
    });
    let shown = view.shown.unwrap().content.unwrap();
    scene.phone.expect_in(".offered", "¥45.60");
    scene.seen("alipay-offered-zh");
    scene.scan("https://qr.alipay.com/bax-nobody-shows-this");
    scene.phone.expect_in("main", "此码无效");
    scene.seen("alipay-no-good-zh");
    // Asked first, the customer goes away; then scans it again, and pays.
    scene.press("button[value=is_asked]");
    scene.scan(&shown);
    scene.phone.expect_in("main", "确认支付？");
    scene.press(".cancel");
    scene.press("button[value=pays]");
    scene.phone.expect_count(".offered", 1);
    scene.press(".offered");
    scene.phone.expect_in("main", "支付成功");
    scene.seen("alipay-paid-zh");
    assert!(scene.comes_to(&order, PaymentState::Paid));
    scene.phone.expect_count(".offered", 0);
    // Paid is paid: nobody pays it again.
    scene.scan(&shown);
    scene.phone.expect_in("main", "此码无效");
    assert_eq!(scene.phone.complaints(), Vec::<String>::new());
}
