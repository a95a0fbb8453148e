//! What is kept, and when everything is written anew.

use super::*;
use evertill_shared::money::Amount;
use evertill_shared::order::line::TaxRate;
use proptest::prelude::*;
use stored::Sum;

fn product(id: u8, price: u8) -> Product {
    Product {
        id: format!("p{id}"),
        name: "Goods".into(),
        barcodes: vec![],
        price: Amount::new(i64::from(price), Currency::CNY),
        tax_rate: TaxRate(0),
        favourite: false,
        sold_by_weight: false,
        least_age: None,
        needs_serial: false,
    }
}

fn step(version: u64, items: u64) -> Step {
    Step { version, upload: Upload { name: format!("s{version}"), parts: 1 }, items }
}

fn contents(base_version: u64, steps: &[(u64, u64)]) -> Contents {
    Contents {
        version: steps.last().map_or(base_version, |(version, _)| *version),
        base_version,
        base: Upload { name: "b".into(), parts: 3 },
        steps: steps.iter().map(|(version, items)| step(*version, *items)).collect(),
        favourites: None,
    }
}

#[test]
fn a_base_is_written_when_the_steps_after_it_have_grown_or_are_many() {
    assert!(!wants_base(&contents(7, &[(8, 900)]), &step(9, 50), 100_000));
    assert!(wants_base(&contents(7, &[(8, 20_000)]), &step(9, 9_000), 100_000));
    assert!(!wants_base(&contents(8, &[(8, 20_000)]), &step(9, 9_000), 100_000), "only those after it count");
    let many: Vec<(u64, u64)> = (8..58).map(|version| (version, 1)).collect();
    assert!(wants_base(&contents(7, &many), &step(58, 1), 100_000));
    let lump = Contents { base: Upload { name: "before".into(), parts: 1 }, ..contents(7, &[]) };
    assert!(wants_base(&lump, &step(8, 1), 100_000), "one from before there were parts");
}

#[test]
fn steps_are_kept_while_they_are_cheaper_than_everything_and_always_after_the_base() {
    let all = contents(1, &[(2, 600), (3, 300), (4, 300)]);
    assert_eq!(kept_from(&all, &step(5, 10), 5, 1_000), 3);
    assert_eq!(kept_from(&all, &step(5, 10), 1, 1_000), 2, "the base needs them");
    assert_eq!(kept_from(&contents(0, &[]), &step(1, 5_000), 1, 5_000), 1);
    let many: Vec<(u64, u64)> = (2..400).map(|version| (version, 1)).collect();
    assert_eq!(kept_from(&contents(1, &many), &step(400, 1), 400, 10_000), 201, "200 with the new one");
}

proptest! {
    /// However the goods change: a difference, cut into parts, leads from the one to the other.
    #[test]
    fn differences_add_up(
        states in prop::collection::vec(prop::collection::btree_map(0_u8..9, 1_u8..4, 0..9), 1..8),
    ) {
        let mut sum = Sum::default();
        let mut old = Vec::new();
        for state in states {
            let new: Vec<Product> = state.iter().map(|(id, price)| product(*id, *price)).collect();
            in_parts(&difference(&old, &new)).into_iter().for_each(|part| sum.add(part));
            old = new;
        }
        let mut got = sum.into_products();
        got.sort_by(|a, b| a.id.cmp(&b.id));
        prop_assert_eq!(got, old);
    }
}

#[test]
fn goods_to_tap_keep_their_order_and_are_as_many_as_a_till_shows() {
    let all: Vec<Product> = (0..=255).map(|id| Product { favourite: true, ..product(id, 1) }).collect();
    let order = favourites(&all);
    assert_eq!(order.len(), Catalogue::FAVOURITES);
    assert_eq!((order[0].as_str(), order[119].as_str()), ("p0", "p119"));
    let mut mixed = vec![product(7, 1), all[3].clone(), product(1, 1), all[2].clone()];
    favourites_first(&mut mixed, &order);
    let ids: Vec<&str> = mixed.iter().map(|product| product.id.as_str()).collect();
    assert_eq!(ids, ["p2", "p3", "p7", "p1"], "what is no favourite any more stays where it is");
}
