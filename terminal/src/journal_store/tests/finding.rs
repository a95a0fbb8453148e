//! Earlier sales are found by an index, however many there are.

use super::*;
use crate::journal_store::finding::{OF_ORDER, REFUNDS_OF, SalesWanted, find, of_order, prepare, text_of};

/// Sales as the journal derives them, one a minute, without the entries: only looking is measured here.
fn books(sales: u32) -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    schema::create(&mut connection).unwrap();
    prepare(&connection).unwrap();
    let transaction = connection.transaction().unwrap();
    let Body::Sale(sold) = sale(500) else { unreachable!() };
    for nth in 1..=sales {
        let mut record = records::SaleRecord::of_test(u64::from(nth), sold.clone());
        record.sale.at = Timestamp(NOW.0 + i64::from(nth) * 60_000);
        record.sale.total = cny(i64::from(nth % 997));
        let at = Timestamp(NOW.0 + i64::from(nth));
        let number = OrderNumber::new(at, nth, 1.try_into().unwrap()).unwrap();
        record.adopted = Some(records::Adoption { number, entry: 1 });
        projection::put_sale(&transaction, &record).unwrap();
    }
    transaction.commit().unwrap();
    connection
}

fn number_of(nth: u32) -> OrderNumber {
    OrderNumber::new(Timestamp(NOW.0 + i64::from(nth)), nth, 1.try_into().unwrap()).unwrap()
}

fn wanted(total: Option<i64>, from: Option<u32>, after: Option<u32>) -> SalesWanted {
    let at = |nth: u32| Timestamp(NOW.0 + i64::from(nth) * 60_000);
    SalesWanted {
        total_minor: total,
        from: from.map(at),
        until: from.map(|from| at(from + 1440)),
        after: after.map(|nth| (at(nth), u64::from(nth))),
        limit: 41,
    }
}

#[test]
fn every_way_of_looking_goes_by_an_index() {
    let connection = books(50);
    let plan = |text: &str| -> String {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
        let mut rows = statement.raw_query();
        let mut plan = String::new();
        while let Some(row) = rows.next().unwrap() {
            plan.push_str(&row.get::<_, String>(3).unwrap());
            plan.push('\n');
        }
        plan
    };
    let by = |name: &str, text: String| {
        let plan = plan(&text);
        assert!(plan.contains(name) && !plan.contains("SCAN") && !plan.contains("B-TREE"), "{text}: {plan}");
    };
    by("sale_time", text_of(&wanted(None, Some(1), None)));
    by("sale_total", text_of(&wanted(Some(5), None, None)));
    by("sale_number", OF_ORDER.clone());
    by("refund_number", REFUNDS_OF.clone());
}

#[test]
fn pages_join_without_a_gap_or_a_sale_twice_whatever_the_clock_did() {
    let connection = books(0);
    let Body::Sale(sold) = sale(500) else { unreachable!() };
    // Set back, and standing still.
    for (nth, minute) in [1_i64, 2, 2, 2, 1, 3, 3, 0, 2].into_iter().enumerate() {
        let mut record = records::SaleRecord::of_test(nth as u64 + 1, sold.clone());
        record.sale.at = Timestamp(NOW.0 + minute * 60_000);
        projection::put_sale(&connection, &record).unwrap();
    }
    let all = SalesWanted { limit: 100, ..SalesWanted::default() };
    let all: Vec<u64> = find(&connection, &all).unwrap().iter().map(|s| s.record.sequence).collect();
    assert_eq!(all, [7, 6, 9, 4, 3, 2, 5, 1, 8]);
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = find(&connection, &SalesWanted { after, limit: 2, ..SalesWanted::default() }).unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.record.sale.at, last.record.sequence));
        seen.extend(page.iter().map(|s| s.record.sequence));
    }
    assert_eq!(seen, all);
}

#[test]
fn a_hundred_thousand_sales_are_searched_without_reading_them_all() {
    let clock = evertill_shared::clock::SystemClock;
    let connection = books(100_000);
    let time = |what: &str, look: &dyn Fn() -> usize| {
        let begun = evertill_shared::clock::Clock::monotonic(&clock);
        let found: usize = (0..100).map(|_| look()).sum();
        let took = evertill_shared::clock::Clock::monotonic(&clock) - begun;
        println!("{what}: {} µs each, {} found", took.as_micros() / 100, found / 100);
        found / 100
    };
    let page = |wanted: SalesWanted| find(&connection, &wanted).unwrap().len();
    assert_eq!(time("by number", &|| of_order(&connection, number_of(77_777)).unwrap().iter().count()), 1);
    assert_eq!(time("by total", &|| page(wanted(Some(123), None, None))), 41);
    assert_eq!(time("a day, its first page", &|| page(wanted(None, Some(50_000), None))), 41);
    assert_eq!(time("a day, its last page", &|| page(wanted(None, Some(50_000), Some(50_030)))), 30);
}

#[test]
fn five_thousand_unsent_sales_are_counted_without_reading_them() {
    let connection = books(5_000);
    connection.execute_batch("UPDATE sale SET in_cash = 1, confirmed = 0").unwrap();
    let first: i64 = connection
        .query_row("SELECT at_ms FROM sale ORDER BY sequence LIMIT 1", [], |row| row.get(0))
        .unwrap();
    let unsent = projection::unsent(&connection).unwrap();
    assert_eq!(unsent, Unsent { sales: 5_000, oldest: Some(Timestamp(first)) });
    let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", projection::UNSENT)).unwrap();
    let steps: Vec<String> = plan.query_map([], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
    let scans = steps.iter().filter(|step| step.starts_with("SCAN sale") || step.starts_with("SEARCH sale"));
    assert!(scans.clone().count() == 2 && scans.clone().all(|step| step.contains("sale_queue")), "{steps:?}");
    connection.execute_batch("UPDATE sale SET confirmed = 1").unwrap();
    assert_eq!(projection::unsent(&connection).unwrap(), Unsent::default());
}
