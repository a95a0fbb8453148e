//! What a template makes of receipts, seen in a real browser while it is changed. The pictures are in `target/console`.

use super::browser::Browser;
use super::forgeries::{Forger, token};
use super::pictures::Photographer;
use super::shop::Shop;
use evertill_shared::receipt::template::DEFAULT;
use evertill_tests::process::wait_until;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

/// Types a template as a person does: the page hears of each change.
fn type_in(page: &Browser, template: &str) {
    let text = Value::from(template);
    page.script(&format!(
        "const it = document.querySelector('[name=text]'); it.value = {text};
         it.dispatchEvent(new Event('input', {{ bubbles: true }}));"
    ));
}

/// What stands on a paper, without its spaces.
fn on_paper(page: &Browser, paper: &str) -> String {
    let script = format!("return document.getElementById('{paper}').querySelector('svg').textContent");
    page.script(&script).as_str().unwrap().split_whitespace().collect()
}

fn expect_on(page: &Browser, paper: &str, text: &str) {
    let came = wait_until(Duration::from_secs(10), || on_paper(page, paper).contains(text));
    assert!(came, "{text:?} did not come on {paper}: {}", on_paper(page, paper));
}

/// Characters that do not stand in the middle of their columns, or not within the paper.
const MISPLACED: &str = "
    const wrong = [];
    let looked = 0;
    for (const paper of document.querySelectorAll('.paper svg')) {
        const dots = paper.viewBox.baseVal.width - 64;
        for (const run of paper.querySelectorAll('tspan')) {
            const wide = run.classList.contains('wide'), scale = run.ownerSVGElement && run.parentNode.transform.baseVal.consolidate().matrix;
            const middles = run.getAttribute('x').split(' ').map(Number);
            for (let at = 0; at < run.getNumberOfChars(); at++, looked++) {
                const box = run.getExtentOfChar(at);
                const middle = box.x + box.width / 2;
                const column = (middles[at] - (wide ? 12 : 6)) / 12;
                const right = scale.e + (middles[at] + (wide ? 12 : 6)) * scale.a;
                if (Math.abs(middle - middles[at]) > 1 || !Number.isInteger(column) || right > 32 + dots + 0.5 || box.width > (wide ? 25 : 13))
                    wrong.push([run.textContent, at, middle, middles[at], right, box.width]);
            }
        }
    }
    return [looked, wrong];";

#[test]
fn a_preview_follows_what_is_typed_and_a_wrong_line_is_told_in_its_place() {
    let shop = Shop::open();
    let page = shop.browser();
    page.log_in("it");
    page.go("/console/receipt");
    page.expect_count("#shown .paper", 6);
    for paper in ["sale-80", "sale-58"] {
        let text = on_paper(&page, paper);
        for said in [
            "冻顶乌龙茶",
            "Discount10%",
            "Regularcustomer",
            "Cash￥100.00",
            "￥160.00",
            "Taxincluded13%",
            "TOTAL￥260.00",
        ] {
            assert!(text.contains(said), "{paper} lacks {said}: {text}");
        }
        assert!(!text.contains("COPY"), "{text}");
    }
    assert!(on_paper(&page, "refund-58").contains("REFUND"));
    assert_eq!(on_paper(&page, "copy-80").matches("***COPY2***").count(), 2);
    let placed = page.script(MISPLACED);
    assert!(placed[0].as_u64().unwrap() > 1_000, "{placed}");
    assert_eq!(placed[1], json!([]));

    let own = DEFAULT.replace("\nqr", "\nqr 4\nbarcode\ntext center tall en \"Come again\" zh \"欢迎再来\"");
    type_in(&page, &own);
    for paper in ["sale-80", "sale-58", "refund-80", "refund-58", "copy-80", "copy-58"] {
        expect_on(&page, paper, "Comeagain");
    }
    page.press("[name=paper][value=zh]");
    expect_on(&page, "sale-58", "欢迎再来");
    assert!(on_paper(&page, "sale-80").contains("合计￥260.00"));
    assert_eq!(page.script(MISPLACED)[1], json!([]));

    let wrong = own.replace("\ntotal bold double\n", "\ntotl bold double\n");
    let line = wrong.lines().position(|line| line == "totl bold double").unwrap() + 1;
    type_in(&page, &wrong);
    page.expect_in("#fault", &format!("Line {line}: [sale] has no \"totl\""));
    page.expect_in("#fault", "totl bold double");
    page.expect_count("#shown.stale .paper", 6);
    page.expect_count("[name=text][aria-invalid=true]", 1);
    type_in(&page, &own);
    page.expect_count("#shown.stale", 0);
    assert_eq!((page.text("#fault").as_str(), page.count("[aria-invalid=true]")), ("", 0));

    // Without the script the button does it; nothing was kept by any of this.
    page.press("#preview");
    page.expect_count("#shown .paper", 6);
    expect_on(&page, "sale-58", "欢迎再来");
    page.go("/console/receipt");
    page.expect("This shop has no template of its own");
    assert!(!on_paper(&page, "sale-80").contains("Comeagain"));
    assert_eq!(page.complaints(), Vec::<String>::new());
}

#[test]
fn the_preview_fits_desks_and_phones_in_both_languages() {
    let shop = Shop::open();
    let page = shop.browser();
    page.log_in("it");
    for language in ["en", "zh"] {
        page.go(&format!("/console/language?to={language}&back=/console/receipt"));
        let eye = Photographer { page: &page, language };
        eye.visit("receipt-preview", "/console/receipt");
        eye.look_at("receipt-preview", (390, 844));
        page.script("document.getElementById('shown').scrollIntoView()");
        eye.look_at("receipt-preview-papers", (390, 844));
        eye.look_at("receipt-preview-papers", (1024, 768));
        type_in(&page, &DEFAULT.replace("\ntenders\n", "\ntenders bold centre\n"));
        page.expect_count("#fault .notice", 1);
        page.script("scrollTo(0, 0)");
        eye.look("receipt-wrong");
        eye.look_at("receipt-wrong", (390, 844));
    }
}

#[test]
fn a_preview_keeps_nothing_and_is_for_those_who_may_change_how_receipts_look() {
    let shop = Shop::open();
    let Shop { runtime, rig, till, .. } = &shop;
    runtime.block_on(async {
        let mut it = Forger::new(rig);
        it.log_in("it").await;
        let (_, _, page) = it.get("/console/receipt").await;
        let csrf = token(&page).to_owned();
        let ask = async |it: &mut Forger, text: &str, paper: &str| {
            let form = [("csrf", csrf.as_str()), ("what", "preview"), ("text", text), ("paper", paper)];
            let (status, _, page) = it.post("/console/receipt", &form).await;
            assert_eq!(status, StatusCode::OK);
            page
        };
        let own = DEFAULT.replace("\nfeed 1\nqr", "\ntext \"<script>alert(1)</script>\"\nqr");
        // As browsers send it.
        let page = ask(&mut it, &own.replace('\n', "\r\n"), "zh").await;
        assert_eq!(page.matches("<figure").count(), 6);
        assert!(page.contains("合计") && !page.contains("<script>alert"), "the shop's words are no markup");
        let page = ask(&mut it, &own.replace("\ngoods\n", "\n"), "zh").await;
        assert!(page.contains("[sale] lacks goods") && !page.contains("<figure"), "{page}");
        assert!(!page.contains("Nothing was kept"), "nothing was to be kept");
        let page = ask(&mut it, &"x".repeat(200_000), "??").await;
        assert!(page.contains("Line 1: the template is longer than"));
        assert_eq!(till.status().await.unwrap().receipt_template.unwrap(), "", "no till hears of it");
        let (_, _, trail) = it.get("/console/audit").await;
        assert!(!trail.contains("Changed how receipts look"));
        for stranger in ["li", "wang"] {
            let mut other = Forger::new(rig);
            other.log_in(stranger).await;
            let (_, _, page) = other.get("/console/orders").await;
            let form = [("csrf", token(&page)), ("what", "preview"), ("text", DEFAULT)];
            assert_eq!(other.post("/console/receipt", &form).await.0, StatusCode::FORBIDDEN, "{stranger}");
        }
        let form = [("csrf", "forged"), ("what", "preview"), ("text", DEFAULT)];
        assert_ne!(it.post("/console/receipt", &form).await.0, StatusCode::OK);
    });
}
