use super::*;
use crate::order::discount::{Off, Percent, Reason, ReasonKind};
use crate::order::line::TaxRate;
use proptest::prelude::*;

fn cny(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

fn store() -> StoreId {
    StoreId::try_from(7).unwrap()
}

fn line(product: &str, quantity: u32, price: i64, rate: u16) -> Line {
    Line::new(product.into(), product.into(), quantity, cny(price), TaxRate(rate)).unwrap()
}

fn off(off: Off) -> Discount {
    let amount = match off {
        Off::Amount(amount) => amount,
        Off::Percent(_) => cny(0),
    };
    let percent = if let Off::Percent(percent) = off { Some(percent) } else { None };
    Discount { amount, percent, reason: Reason::usual(ReasonKind::Regular), approved_by: None }
}

fn sale(lines: Vec<Line>, discount: Option<Discount>) -> Result<Sale, SaleError> {
    Sale::discounted(store(), Timestamp(7), Currency::CNY, lines, discount)
}

#[test]
fn what_is_taken_off_the_whole_is_divided_to_the_last_unit_and_taxed_where_it_falls() {
    let lines = vec![line("tea", 1, 333, 1_300), line("milk", 1, 333, 900), line("bag", 1, 334, 1_300)];
    let sale = sale(lines, Some(off(Off::Amount(cny(100))))).unwrap();
    let shares: Vec<i64> = sale.lines.iter().map(|line| line.share.unwrap().minor).collect();
    assert_eq!((shares, sale.total), (vec![33, 33, 34], cny(900)));
    let tax = [(300, 1_300), (300, 900), (300, 1_300)];
    let tax: i64 = tax.iter().map(|(minor, rate)| TaxRate(*rate).inside(cny(*minor)).unwrap().minor).sum();
    assert_eq!(sale.tax, cny(tax));
    assert_eq!(sale.before_discount(), Ok(cny(1_000)));
}

#[test]
fn nothing_is_sold_for_nothing_or_for_less() {
    let goods = || vec![line("tea", 2, 450, 1_300)];
    let whole = sale(goods(), Some(off(Off::Percent(Percent::WHOLE))));
    assert_eq!(whole, Err(SaleError::NothingToPay));
    let too_much = sale(goods(), Some(off(Off::Amount(cny(901)))));
    assert!(matches!(too_much, Err(SaleError::Discount(DiscountError::TooLarge { .. }))), "{too_much:?}");
    assert_eq!(sale(goods(), Some(off(Off::Amount(cny(899))))).unwrap().total, cny(1));
}

#[test]
fn whoever_moves_a_share_changes_a_discount_or_a_sum_is_found() {
    let lines = vec![line("tea", 1, 333, 1_300), line("milk", 1, 333, 900), line("bag", 1, 334, 1_300)];
    let good = sale(lines, Some(off(Off::Percent(Percent(1_000))))).unwrap();
    assert_eq!(good.check(), Ok(()));
    let wrong = |change: fn(&mut Sale)| {
        let mut sale = good.clone();
        change(&mut sale);
        sale.check().unwrap_err()
    };
    // From the line with much tax to the one with little: the total stays, the tax does not.
    let moved = wrong(|sale| {
        for (index, by) in [(0, 1), (1, -1)] {
            let line = sale.lines[index].clone();
            let share = line.share.unwrap();
            sale.lines[index] = line.with_share(cny(share.minor + by)).unwrap();
        }
    });
    assert_eq!(moved, SaleError::ShareDiffers(1));
    assert_eq!(wrong(|sale| sale.discount = None), SaleError::ShareDiffers(1));
    let more = |sale: &mut Sale| sale.discount.as_mut().unwrap().amount = cny(101);
    assert!(matches!(wrong(more), SaleError::Discount(DiscountError::AmountDiffers { .. })));
    assert!(matches!(wrong(|sale| sale.total = cny(901)), SaleError::TotalDiffers { .. }));
    assert!(matches!(wrong(|sale| sale.tax = cny(1)), SaleError::TotalDiffers { .. }));
    assert_eq!(wrong(|sale| sale.note = Some(String::new())), SaleError::Note);
}

#[test]
fn a_share_on_a_line_without_a_discount_of_the_whole_is_refused() {
    let mut sale = sale(vec![line("tea", 1, 450, 1_300)], None).unwrap();
    sale.lines[0] = sale.lines[0].clone().with_share(cny(50)).unwrap();
    (sale.total, sale.tax) = (cny(400), TaxRate(1_300).inside(cny(400)).unwrap());
    assert_eq!(sale.check(), Err(SaleError::ShareDiffers(1)));
}

#[test]
fn not_every_line_of_a_large_sale_can_be_changed_by_hand() {
    let noted = |index: usize| Line { note: Some("blue".into()), ..line(&index.to_string(), 1, 100, 0) };
    let most = Sale::MAX_ADJUSTED;
    assert!(sale((0..most).map(noted).collect(), None).is_ok());
    assert_eq!(sale((0..=most).map(noted).collect(), None), Err(SaleError::TooManyAdjusted(most + 1)));
}

#[test]
fn what_was_not_changed_is_not_written() {
    let text = serde_json::to_string(&sale(vec![line("tea", 1, 450, 1_300)], None).unwrap()).unwrap();
    for field in ["discount", "share", "note", "lines_voided", "price_change", "serial"] {
        assert!(!text.contains(field), "{field} in {text}");
    }
}

fn any_off(most: i64) -> impl Strategy<Value = Off> {
    prop_oneof![
        (1_i64..=most.max(1)).prop_map(|minor| Off::Amount(cny(minor))),
        (1_u16..=10_000).prop_map(|points| Off::Percent(Percent(points)))
    ]
}

/// Few products, prices and rates, so that claims are often equal.
fn any_line() -> impl Strategy<Value = Line> {
    let price = prop_oneof![1_i64..20, Just(333), Just(999), 1_i64..1_000_000];
    let rate = prop_oneof![Just(0_u16), Just(900), Just(1_300)];
    (0_u8..4, 1_u32..5, price, rate, prop::option::of(any_off(1_000))).prop_map(
        |(product, quantity, price, rate, discount)| {
            let line = line(&product.to_string(), quantity, price, rate);
            let gross = line.gross().unwrap();
            let discount = discount
                .and_then(|off| Discount::new(off, gross, Reason::usual(ReasonKind::Staff), None).ok());
            line.with_discount(discount).unwrap()
        },
    )
}

/// All that anybody counts of the lines, whatever their order.
fn counted(sale: &Sale) -> Vec<(String, u16, i64, i64)> {
    let of =
        |line: &Line| (line.product.clone(), line.tax_rate.0, line.net().unwrap().minor, line.total.minor);
    let mut all: Vec<_> = sale.lines.iter().map(of).collect();
    all.sort();
    all
}

proptest! {
    #[test]
    fn whatever_is_taken_off_adds_up_and_the_order_of_the_lines_decides_nothing(
        lines in prop::collection::vec(any_line(), 1..12),
        discount in prop::option::of(any_off(200_000)),
        turned in any::<prop::sample::Index>(),
    ) {
        let mut other = lines.clone();
        other.rotate_left(turned.index(lines.len()));
        other.reverse();
        let (first, second) = (sale(lines.clone(), discount.map(off)), sale(other, discount.map(off)));
        match (first, second) {
            (Ok(first), Ok(second)) => {
                prop_assert_eq!((first.total, first.tax), (second.total, second.tax));
                prop_assert_eq!(counted(&first), counted(&second));
                let taken = first.discount.as_ref().map_or(0, |discount| discount.amount.minor);
                let shares: i64 = first.lines.iter().filter_map(|line| line.share).map(|share| share.minor).sum();
                prop_assert_eq!(shares, taken);
                prop_assert_eq!(first.before_discount().unwrap().minor - taken, first.total.minor);
                prop_assert!(first.total.minor > 0 && first.lines.iter().all(|line| line.total.minor >= 0));
                let tax: i64 = first.lines.iter().map(|l| l.tax_rate.inside(l.total).unwrap().minor).sum();
                prop_assert_eq!(first.tax.minor, tax);
                prop_assert!(first.tax.minor <= first.total.minor);
                prop_assert_eq!(first.check(), Ok(()));
                let text = serde_json::to_string(&first).unwrap();
                prop_assert_eq!(serde_json::from_str::<Sale>(&text).unwrap(), first);
            }
            // Both are refused, for one reason: nothing is left, or more was to be taken off than there is.
            (first, second) => {
                prop_assert!(first.is_err() && second.is_err(), "{:?} {:?}", first, second);
                let nets: i64 = lines.iter().map(|line| line.net().unwrap().minor).sum();
                let most = match discount {
                    Some(Off::Amount(amount)) => amount.minor,
                    Some(Off::Percent(percent)) => percent.of(cny(nets)).unwrap().minor,
                    None => 0,
                };
                prop_assert!(most >= nets, "{:?}: {} of {}", first, most, nets);
            }
        }
    }

    #[test]
    fn no_changed_number_in_a_sale_passes(
        lines in prop::collection::vec(any_line(), 1..6),
        points in 1_u16..9_000,
        which in any::<prop::sample::Index>(),
        what in 0_u8..5,
        by in prop_oneof![Just(-1_i64), Just(1), -500_i64..500],
    ) {
        prop_assume!(by != 0);
        let Ok(mut sale) = sale(lines, Some(off(Off::Percent(Percent(points))))) else { return Ok(()) };
        let index = which.index(sale.lines.len());
        let line = &mut sale.lines[index];
        match what {
            0 => sale.total.minor += by,
            1 => sale.tax.minor += by,
            2 => line.total.minor += by,
            3 => line.share = Some(cny(line.share.map_or(0, |share| share.minor) + by)),
            _ => sale.discount.as_mut().unwrap().amount.minor += by,
        }
        prop_assert!(sale.check().is_err(), "{sale:?}");
    }
}

#[test]
fn one_piece_is_sold_once() {
    let piece = |product: &str, serial: &str| {
        let line = Line::new(product.into(), "Phone".into(), 1, cny(100), TaxRate(0)).unwrap();
        line.with_serial(serial.into()).unwrap()
    };
    let sold = sale(vec![piece("a", "1"), piece("a", "2"), piece("b", "3")], None).unwrap();
    assert_eq!(sold.lines[1].serial.as_deref(), Some("2"));
    let twice = sale(vec![piece("a", "sn1"), piece("b", "2"), piece("a", "SN1")], None);
    assert_eq!(twice, Err(SaleError::SerialTwice(3)));
    let tea = Line::new("t".into(), "Tea".into(), 2, cny(100), TaxRate(0)).unwrap();
    assert!(tea.with_serial("1".into()).is_err(), "one number is that of one piece");
}
