//! The tills' shifts, as the servers see them.

use crate::shop::{Place, Shop, add, till};
use evertill_server::base_store::{
    AuditKind, BaseError, BaseStore, DOUBTS_PAGE, Doubt, DoubtKey, Doubted, HandInTaken, SHIFTS_PAGE,
    ShiftRecord,
};
use evertill_shared::cashier::Cashier;
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::id::TerminalId;
use evertill_shared::journal::{Body, CashReason, DrawerReason, Entry, EntryHash, Head};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::protocol::staff::Role;
use evertill_shared::rights::{Right, Used};
use evertill_shared::shift::{Counted, Fact, Pending, Shift};

pub fn yuan(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

fn person(login: &str) -> Option<Cashier> {
    Some(Cashier { login: login.into(), name: login.into() })
}

fn hash(sequence: u64) -> EntryHash {
    let mut bytes = [3; 32];
    bytes[..8].copy_from_slice(&sequence.to_be_bytes());
    EntryHash(bytes)
}

/// What a till hands in.
pub struct Hands {
    pub head: Head,
    pub at: Timestamp,
    requests: u32,
}

impl Hands {
    pub fn new(terminal: TerminalId, at: Timestamp) -> Self {
        Self { head: Head::start(terminal, 1), at, requests: 0 }
    }

    pub fn taken(&mut self, bodies: Vec<Body>) -> HandInTaken {
        let from = self.head;
        let Head { terminal, epoch, sequence, .. } = from;
        let entry = |(body, sequence)| Entry {
            terminal,
            epoch,
            sequence,
            previous: hash(sequence - 1),
            at: self.at,
            body,
        };
        let told: Vec<Entry> = bodies.into_iter().zip(sequence + 1..).map(entry).collect();
        let entries = told.iter().map(|entry| (entry.sequence, hash(entry.sequence))).collect();
        self.requests += 1;
        let request_id = format!("{terminal} {}", self.requests);
        HandInTaken { from, entries, told, quarantined: false, request_id }
    }

    pub async fn give(&mut self, base: &BaseStore, bodies: Vec<Body>) {
        let taken = self.taken(bodies);
        self.head = base.take_hand_in(taken).await.unwrap();
    }
}

pub fn begin() -> Body {
    Body::ShiftOpened { float: yuan(20_000), cashier: person("mei"), approved_by: None }
}

pub fn cash(minor: i64) -> Body {
    Body::CashTaken { sale: 2, given: yuan(minor + 500), change: yuan(500) }
}

pub fn out(minor: i64, approver: Option<Cashier>) -> Body {
    let (amount, reason) = (yuan(minor), CashReason::Supplier);
    Body::CashPaidOut { amount, reason, cashier: person("mei"), approved_by: approver }
}

pub fn end(at: Timestamp, facts: &[Fact], counted: u32) -> Body {
    let mut shift = Shift::open(1, at, yuan(20_000), person("mei")).unwrap();
    facts.iter().for_each(|fact| shift.take(fact));
    let counted = vec![Counted { value_minor: 100, pieces: counted }];
    Body::ShiftClosed(Box::new(shift.closing(counted, Pending::default())))
}

pub fn sold(minor: i64) -> Fact {
    Fact::Sold { wallet: None, amount: yuan(minor), tax: yuan(0) }
}

pub async fn only(base: &BaseStore, at: Timestamp) -> ShiftRecord {
    let shifts = base.shifts(base.business_day(at), true, None).await.unwrap();
    assert_eq!(shifts.len(), 1, "{shifts:?}");
    shifts.into_iter().next().unwrap()
}

pub async fn a_shift_is_told_once_from_what_is_handed_in_whichever_server_takes_it<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let terminal = till(&here, 1).await;
    let at = shop.clock.now();
    let mut hands = Hands::new(terminal, at);
    hands.give(&here, vec![begin(), cash(1_200)]).await;
    let again = hands.taken(vec![cash(800)]);
    hands.head = there.take_hand_in(again.clone()).await.unwrap();
    for base in [&here, &there] {
        let twice = base.take_hand_in(again.clone()).await;
        assert!(matches!(twice, Err(BaseError::Replayed | BaseError::HeadMoved)), "{twice:?}");
        let mut other_request = again.clone();
        other_request.request_id = "another".into();
        let twice = base.take_hand_in(other_request).await;
        assert!(matches!(twice, Err(BaseError::HeadMoved)), "{twice:?}");
    }
    // Of a wallet's payment nothing is seen here: it is no gap.
    hands.give(&here, vec![Body::Adopted { sale: 2, number: number(at) }]).await;
    let open = only(&there, at).await;
    assert!(open.book.is_open() && !open.book.has_gap && !open.quarantined);
    assert_eq!((open.book.cash_sales.count, open.book.drawer_minor()), (2, 22_000));
    let mut last = hands.taken(vec![end(at, &[sold(1_200), sold(800)], 219)]);
    last.quarantined = true;
    hands.head = here.take_hand_in(last).await.unwrap();
    let ended = there.shift(terminal, 1, 1).await.unwrap().unwrap();
    assert_eq!((ended.book.differs(), ended.quarantined), (vec![], true));
    assert_eq!(ended.book.closed.as_ref().unwrap().closing.over_minor(), -100);
    assert_eq!(only(&here, at).await, ended);
    // Somebody puts money in: that is no shift's any more. An end that comes twice changes nothing.
    hands.give(&there, vec![out(5, None), end(at, &[], 0)]).await;
    assert_eq!(only(&here, at).await, ended);
    assert_eq!(here.shift(terminal, 2, 1).await.unwrap(), None);
    let next_day = here.business_day(at).next();
    assert_eq!(here.shifts(next_day, true, None).await.unwrap(), []);
    hands.give(&here, vec![begin()]).await;
    assert_eq!(here.shifts(next_day, false, None).await.unwrap(), []);
    assert_eq!(here.shifts(next_day, true, None).await.unwrap().len(), 1, "it has not ended");
}

fn number(at: Timestamp) -> evertill_shared::order_number::OrderNumber {
    evertill_shared::order_number::OrderNumber::new(at, 48_151, 92.try_into().unwrap()).unwrap()
}

pub async fn a_shift_of_which_a_server_from_before_took_a_part_is_not_said_to_differ<P: Place>(
    shop: Shop<P>,
) {
    let base = shop.open().await;
    let terminal = till(&base, 1).await;
    let at = shop.clock.now();
    let mut hands = Hands::new(terminal, at);
    hands.give(&base, vec![begin()]).await;
    let unseen = hands.taken(vec![cash(700)]);
    let old = shop.place.database().await;
    let Head { sequence, .. } = hands.head;
    let (upto, last) = (sequence + 1, hash(sequence + 1));
    old.write(move |sql| -> Result<(), evertill_server::database::DbError> {
        let values = [i64::try_from(upto).unwrap().into(), last.to_string().into()];
        sql.execute("UPDATE journal_heads SET sequence = ?1, hash = ?2", &values).map(drop)
    })
    .await
    .unwrap();
    old.close().await;
    hands.head = Head { sequence: upto, hash: unseen.entries[0].1, ..hands.head };
    hands.give(&base, vec![cash(100), end(at, &[sold(700), sold(100)], 208)]).await;
    let shift = only(&base, at).await;
    assert!(shift.book.has_gap);
    assert_eq!((shift.book.cash_sales.minor, shift.book.differs()), (100, vec![]));
    // And one of which only the end was seen.
    let other = till(&base, 2).await;
    let mut hands = Hands::new(other, at);
    hands.give(&base, vec![cash(5), end(at, &[sold(9)], 0)]).await;
    let shift = base.shift(other, 1, 1).await.unwrap().unwrap();
    assert_eq!((shift.book.at, shift.book.float.minor, shift.book.differs()), (None, 20_000, vec![]));
}

pub async fn an_end_that_names_a_shift_that_has_not_begun_stops_no_journal_and_hides_none<P: Place>(
    shop: Shop<P>,
) {
    let base = shop.open().await;
    let terminal = till(&base, 1).await;
    let at = shop.clock.now();
    let mut hands = Hands::new(terminal, at);
    for named in [u64::MAX, 3] {
        let Body::ShiftClosed(mut closing) = end(at, &[], 200) else { panic!() };
        closing.shift = named;
        hands.give(&base, vec![Body::ShiftClosed(closing)]).await;
    }
    // The third entry begins a real one.
    hands.give(&base, vec![begin(), cash(500)]).await;
    let real = base.shift(terminal, 1, 3).await.unwrap().unwrap();
    assert!(real.book.is_open());
    assert_eq!(real.book.cash_sales.minor, 500);
}

pub async fn a_shift_that_was_left_without_an_end_takes_nothing_of_what_comes_later<P: Place>(shop: Shop<P>) {
    let base = shop.open().await;
    let terminal = till(&base, 1).await;
    let at = shop.clock.now();
    let mut hands = Hands::new(terminal, at);
    hands.give(&base, vec![begin(), cash(100), begin()]).await;
    let Body::ShiftClosed(mut closing) = end(at, &[], 200) else { panic!() };
    closing.shift = 3;
    hands.give(&base, vec![Body::ShiftClosed(closing)]).await;
    hands.give(&base, vec![cash(900)]).await;
    let sums = async |opened| base.shift(terminal, 1, opened).await.unwrap().unwrap().book.cash_sales.minor;
    assert_eq!((sums(1).await, sums(3).await), (100, 0));
}

pub async fn a_right_that_nobody_held_is_told_and_the_entry_kept<P: Place>(shop: Shop<P>) {
    let base = shop.open().await;
    let terminal = till(&base, 1).await;
    add(&base, "mei", Role::Cashier).await;
    add(&base, "li", Role::Manager).await;
    let at = shop.clock.now();
    let drawer = |login: &str, approved_by| Body::DrawerOpened {
        reason: DrawerReason::ChangeMoney,
        cashier: person(login),
        approved_by,
    };
    let mut hands = Hands::new(terminal, at);
    let bodies = vec![
        begin(),
        out(1_000, person("li")),
        out(2_000, None),
        drawer("li", None),
        drawer("mei", person("ivy")),
        drawer("nobody", None),
    ];
    hands.give(&base, bodies).await;
    let doubts = base.doubts_of(base.business_day(at), None).await.unwrap();
    let said: Vec<_> = doubts.iter().map(|doubt| (doubt.key.sequence, right(doubt).right)).collect();
    assert_eq!(said, [(3, Right::PayInOut), (5, Right::NoSale), (6, Right::NoSale)]);
    assert_eq!(right(&doubts[1]).approved_by, person("ivy"), "IT moves no money");
    assert_eq!(base.journal_head(terminal, 1).await.unwrap().sequence, 6, "all was taken");
    let shift = only(&base, at).await;
    assert_eq!((shift.book.paid_out.minor, shift.book.no_sales), (3_000, 3), "and counts");
    assert_eq!(base.doubts_in(&shift).await.unwrap(), doubts);
    // Who left afterwards had the right while they were there.
    shop.clock.forward(60_000);
    base.person_left("li", "moved away", "ivy".into()).await.unwrap();
    hands.give(&base, vec![out(10, person("li"))]).await;
    assert_eq!(base.doubts_in(&shift).await.unwrap().len(), 3);
    hands.at = shop.clock.now();
    hands.give(&base, vec![out(10, person("li"))]).await;
    assert_eq!(base.doubts_in(&shift).await.unwrap().len(), 4);
}

pub async fn a_right_that_a_till_uses_without_a_name_is_told_only_where_it_has_named_people<P: Place>(
    shop: Shop<P>,
) {
    let base = shop.open().await;
    add(&base, "mei", Role::Cashier).await;
    add(&base, "li", Role::Manager).await;
    let at = shop.clock.now();
    let nameless =
        || Body::DrawerOpened { reason: DrawerReason::ChangeMoney, cashier: None, approved_by: None };
    let told = async || {
        let doubts = base.doubts_of(base.business_day(at), None).await.unwrap();
        doubts.iter().map(|doubt| (doubt.key.terminal.get(), doubt.key.sequence)).collect::<Vec<_>>()
    };
    let (old, new) = (till(&base, 1).await, till(&base, 2).await);
    let (mut old, mut new) = (Hands::new(old, at), Hands::new(new, at));
    // Nobody logs in: nobody is named, and nothing is doubted.
    new.give(&base, vec![nameless(), nameless()]).await;
    base.set_pin("li", Some("hash".into()), "ivy".into()).await.unwrap();
    // A till that is older than logging in, or has not heard of it yet, names nobody as before.
    old.give(&base, vec![nameless(), nameless()]).await;
    new.give(&base, vec![nameless()]).await;
    assert_eq!(told().await, []);
    // It has named somebody: what it does without a name from there on is told, in this hand-in and in later ones.
    new.give(&base, vec![nameless(), out(100, person("li")), nameless()]).await;
    new.give(&base, vec![begin(), nameless()]).await;
    old.give(&base, vec![nameless()]).await;
    assert_eq!(told().await, [(2, 6), (2, 8)]);
    // Another key of that till has another journal, and begins as one that has named nobody.
    let mut other = Hands::new(new.head.terminal, at);
    (other.head.epoch, other.requests) = (2, new.requests);
    other.give(&base, vec![nameless()]).await;
    new.requests = other.requests;
    assert_eq!(told().await.len(), 2);
    // Nobody logs in any more.
    base.set_pin("li", None, "ivy".into()).await.unwrap();
    new.give(&base, vec![nameless()]).await;
    assert_eq!(told().await.len(), 2, "{} entries are in", new.head.sequence);
}

fn right(doubt: &Doubt) -> &Used {
    match &doubt.what {
        Doubted::Right(used) => used,
        other @ Doubted::Cash(_) => panic!("{other:?}"),
    }
}

pub async fn cash_that_a_drawer_does_not_hold_is_told_whichever_server_took_the_part<P: Place>(
    shop: Shop<P>,
) {
    let (here, there) = shop.two_servers().await;
    let terminal = till(&here, 1).await;
    add(&here, "mei", Role::Cashier).await;
    let at = shop.clock.now();
    let part = |sale, minor| Body::CashPart { sale, amount: yuan(minor), cashier: None };
    let back = |sale, minor| Body::CashPartBack {
        sale,
        amount: yuan(minor),
        later: false,
        cashier: None,
        approved_by: None,
    };
    let rest = |sale, part| Body::CashRest { sale, given: yuan(900), change: yuan(0), part: yuan(part) };
    let mut hands = Hands::new(terminal, at);
    hands.give(&here, vec![begin(), part(1, 400), part(2, 500), part(3, 600)]).await;
    // What one server took the other knows; of a part that went back nothing is left to name.
    hands.give(&there, vec![rest(1, 400), back(2, 500), part(2, 300)]).await;
    hands.give(&here, vec![rest(2, 300), rest(3, 600), cash(700)]).await;
    let doubts = async || here.doubts_of(here.business_day(at), None).await.unwrap();
    assert_eq!(doubts().await, []);
    // Paid, and named once more; never taken; another sum; gone back before.
    let lies =
        vec![rest(1, 400), rest(7, 800), part(8, 100), rest(8, 101), part(9, 50), back(9, 50), rest(9, 50)];
    hands.give(&there, lies).await;
    let said = |doubt: &Doubt| match &doubt.what {
        Doubted::Cash(of) => (doubt.key.sequence, of.sale, of.said.minor, of.held.minor),
        other @ Doubted::Right(_) => panic!("{other:?}"),
    };
    let told: Vec<_> = doubts().await.iter().map(said).collect();
    assert_eq!(told, [(11, 1, 400, 0), (12, 7, 800, 0), (14, 8, 101, 100), (17, 9, 50, 0)]);
    let shift = only(&here, at).await;
    assert_eq!(here.doubts_in(&shift).await.unwrap().len(), 4, "on the shift's own page too");
    assert_eq!(here.journal_head(terminal, 1).await.unwrap().sequence, 17, "all was taken");
    // Another key's sales have the same numbers and are others.
    let mut other = Hands::new(terminal, at);
    (other.head.epoch, other.requests) = (2, hands.requests);
    other.give(&here, vec![part(1, 400), rest(1, 400)]).await;
    let key = doubts().await[0].key;
    here.settle_doubt(key, "li".into(), "counted the drawer".into()).await.unwrap();
    let settled: Vec<bool> = doubts().await.iter().map(|doubt| doubt.settled.is_some()).collect();
    assert_eq!(settled, [true, false, false, false]);
}

pub async fn a_day_with_more_shifts_and_doubts_than_fit_is_turned_page_by_page_to_the_last<P: Place>(
    shop: Shop<P>,
) {
    let base = shop.open().await;
    let (first, second) = (till(&base, 1).await, till(&base, 2).await);
    let at = shop.clock.now();
    let day = base.business_day(at);
    let mut began = Vec::new();
    for (terminal, count) in [(first, 130), (second, 90)] {
        let mut hands = Hands::new(terminal, at);
        // Nobody of this staff may open the drawer so: one doubt each.
        let drawer = || Body::DrawerOpened {
            reason: DrawerReason::ChangeMoney,
            cashier: person("nobody"),
            approved_by: None,
        };
        for nth in 0..count {
            let opened = hands.head.sequence + 1;
            began.push((terminal, opened));
            // Nobody ends them: the next one begins all the same.
            hands.give(&base, vec![begin(), drawer()]).await;
            assert_eq!(hands.head.sequence, opened + 1, "{nth}");
        }
    }
    let page = usize::try_from(SHIFTS_PAGE).unwrap();
    let (mut shifts, mut after) = (Vec::new(), None);
    loop {
        let mut found = base.shifts(day, false, after).await.unwrap();
        let more = found.len() > page;
        found.truncate(page);
        after = found.last().map(|last| (last.terminal, last.epoch, last.book.opened));
        shifts.extend(found.into_iter().map(|shift| (shift.terminal, shift.book.opened)));
        if !more {
            break;
        }
    }
    assert_eq!(shifts, began);
    let page = usize::try_from(DOUBTS_PAGE).unwrap();
    let (mut doubts, mut after) = (Vec::new(), None);
    loop {
        let mut found = base.doubts_of(day, after).await.unwrap();
        let drawers = |doubt: &Doubt| right(doubt).right == Right::NoSale;
        let more = found.len() > page;
        found.truncate(page);
        after = found.last().map(|last| last.key);
        doubts.extend(found.iter().filter(|doubt| drawers(doubt)).map(|d| (d.key.terminal, d.key.sequence)));
        if !more {
            break;
        }
    }
    let expected: Vec<_> = began.iter().map(|(terminal, opened)| (*terminal, opened + 1)).collect();
    assert_eq!(doubts, expected);
}

pub async fn a_doubt_is_settled_once_by_whoever_came_first_and_stands_in_the_trail<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let terminal = till(&here, 1).await;
    let at = shop.clock.now();
    let drawer = Body::DrawerOpened {
        reason: DrawerReason::ChangeMoney,
        cashier: person("nobody"),
        approved_by: None,
    };
    Hands::new(terminal, at).give(&here, vec![drawer]).await;
    let key = DoubtKey { terminal, epoch: 1, sequence: 1, place: 0 };
    let day = here.business_day(at);
    let read = async || here.doubts_of(day, None).await.unwrap().remove(0);
    assert_eq!((read().await.key, read().await.settled), (key, None));
    let (a, b) = tokio::join!(
        here.settle_doubt(key, "li".into(), "asked her".into()),
        there.settle_doubt(key, "wang".into(), "asked him".into())
    );
    a.unwrap();
    b.unwrap();
    let settled = read().await.settled.unwrap();
    assert_eq!(settled.at, at);
    assert!([("li", "asked her"), ("wang", "asked him")].contains(&(&*settled.who, &*settled.why)));
    here.settle_doubt(key, "ivy".into(), "once more".into()).await.unwrap();
    assert_eq!(read().await.settled, Some(settled.clone()), "the first stands");
    let trail = here.audit_rows(None, 50).await.unwrap();
    let told: Vec<_> = trail.iter().filter(|row| row.what == AuditKind::DoubtSettled).collect();
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0].who, &told[0].why), (&settled.who, &settled.why));
    let nothing = DoubtKey { place: 1, ..key };
    let refused = here.settle_doubt(nothing, "li".into(), "no".into()).await;
    assert!(matches!(refused, Err(BaseError::NotFound(_))), "{refused:?}");
}
