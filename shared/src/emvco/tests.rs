use super::*;
use proptest::prelude::*;

/// The example of EMVCo's specification.
const EXAMPLE: &str = "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN\
    5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A6008667\
    0902ME91320016A0112233449988770708123456786304A13A";

fn parts<'a>(accounts: &'a [(u8, &'a [Object])]) -> ShopCodeParts<'a> {
    ShopCodeParts {
        accounts,
        category: "5411",
        currency: Currency::CNY,
        amount: Some(Amount::new(550, Currency::CNY)),
        country: "CN",
        name: "常开便利店",
        city: "Shanghai",
        reference: Some("E000007000100001000000000012001"),
    }
}

fn account() -> Vec<Object> {
    vec![object(0, "cn.example.pay"), object(1, "1900000109")]
}

#[test]
fn the_checksum_is_the_one_that_the_specification_means() {
    assert_eq!(checksum(b"123456789"), 0x29B1);
}

#[test]
fn the_specifications_example_is_read_and_written_back_unchanged() {
    let code = ShopCode::parse(EXAMPLE).unwrap();
    assert_eq!(code.name(), "BEST TRANSPORT");
    assert_eq!(code.currency(), Some(Currency::CNY));
    assert_eq!(code.amount(), Ok(Some(Amount::new(2372, Currency::CNY))));
    assert!(!code.is_static());
    let local = code.objects().iter().find(|object| object.id == 64).unwrap().inside().unwrap();
    assert_eq!(local[2], object(2, "北京"), "lengths count characters");
    assert_eq!(code.to_string(), EXAMPLE);
}

#[test]
fn the_published_samples_end_with_the_checksums_that_they_come_to() {
    // Of the README of `emvqr`, which is the specification's; and of a library for another country's codes.
    let other = "00020101021252044131153137210116372101160123456789ABCDE6010Phnom Penh5913Merchant Shop5802KH540510.00\
        5303840622501081234567802090124444446304A0BA";
    assert!(EXAMPLE.ends_with("6304A13A"));
    for sample in [EXAMPLE, other] {
        let (text, sum) = sample.split_at(sample.len() - 4);
        assert_eq!(format!("{:04X}", checksum(text.as_bytes())), sum);
        assert!(ShopCode::parse(sample).is_ok(), "{sample}");
        let spoilt = sample.replace("BEST", "BESS").replace("Shop", "Shot");
        assert!(matches!(ShopCode::parse(&spoilt), Err(EmvError::Checksum { .. })), "{spoilt}");
    }
}

#[test]
fn a_code_with_an_amount_is_for_one_payment_and_one_without_may_hang_on_the_wall() {
    let account = account();
    let accounts: [(u8, &[Object]); 1] = [(26, &account)];
    let short = ShopCodeParts { reference: Some("E7-12"), ..parts(&accounts) };
    let code = ShopCode::new(&short).unwrap();
    let read = ShopCode::parse(&code.to_string()).unwrap();
    assert_eq!(read, code);
    assert_eq!((read.is_static(), read.reference().as_deref()), (false, Some("E7-12")));
    assert_eq!(read.amount(), Ok(short.amount));
    let on_the_wall = ShopCode::new(&ShopCodeParts { amount: None, reference: None, ..short }).unwrap();
    let read = ShopCode::parse(&on_the_wall.to_string()).unwrap();
    assert_eq!((read.is_static(), read.amount(), read.reference()), (true, Ok(None), None));
}

#[test]
fn what_does_not_fit_is_named() {
    let account = account();
    let accounts: [(u8, &[Object]); 1] = [(26, &account)];
    let fine = ShopCodeParts { reference: None, ..parts(&accounts) };
    let what = |parts: ShopCodeParts<'_>| match ShopCode::new(&parts) {
        Err(EmvError::Value { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    let dollars = Amount::new(1, "USD".parse().unwrap());
    assert_eq!(what(parts(&accounts)), "the reference", "31 characters");
    assert_eq!(what(ShopCodeParts { name: "", ..fine.clone() }), "the name");
    assert_eq!(what(ShopCodeParts { city: "a city of 16 let", ..fine.clone() }), "the city");
    assert_eq!(what(ShopCodeParts { country: "cn", ..fine.clone() }), "the country");
    assert_eq!(what(ShopCodeParts { category: "541", ..fine.clone() }), "the category");
    assert_eq!(what(ShopCodeParts { amount: Some(dollars), ..fine.clone() }), "the amount");
    assert_eq!(
        what(ShopCodeParts { amount: Some(Amount::zero(Currency::CNY)), ..fine.clone() }),
        "the amount"
    );
    assert_eq!(ShopCode::new(&ShopCodeParts { accounts: &[], ..fine }), Err(EmvError::Missing(26)));
}

#[test]
fn a_damaged_code_is_refused_wherever_it_is_damaged() {
    for (at, old) in EXAMPLE.char_indices() {
        let new = if old == '7' { "8" } else { "7" };
        let damaged = format!("{}{new}{}", &EXAMPLE[..at], &EXAMPLE[at + old.len_utf8()..]);
        assert!(ShopCode::parse(&damaged).is_err(), "taken: {damaged}");
        assert!(ShopCode::parse(&EXAMPLE[..at]).is_err(), "taken: {}", &EXAMPLE[..at]);
    }
    let with_checksum = |body: &str| format!("{body}{:04X}", checksum(body.as_bytes()));
    let twice = with_checksum("000201520441115204411153031565802CN5901A6001B26040000 6304");
    assert_eq!(ShopCode::parse(&twice), Err(EmvError::Twice(52)));
    let nameless = with_checksum("0002012604 00052044111530315658 02CN6001B6304");
    assert!(ShopCode::parse(&nameless).is_err());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(000201)?[0-9A-Z最 ]{0,60}(6304[0-9A-F]{4})?") {
        let _ = ShopCode::parse(&text);
    }

    #[test]
    fn what_is_made_is_read_alike(minor in 1..1_000_000_000i64, name in "[^\\p{C}]{1,25}", city in "[A-Za-z ]{1,15}") {
        let account = account();
        let accounts: [(u8, &[Object]); 1] = [(51, &account)];
        let amount = Some(Amount::new(minor, Currency::CNY));
        let made = ShopCode::new(&ShopCodeParts { amount, name: &name, city: &city, reference: None, ..parts(&accounts) });
        let made = made.unwrap();
        let read = ShopCode::parse(&made.to_string()).unwrap();
        prop_assert_eq!(read.amount(), Ok(amount));
        prop_assert_eq!(read, made);
    }
}
