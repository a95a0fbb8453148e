//! The comparison itself: both sides are brought together by movement and number, and each meeting is judged once.

use super::{
    BillRow, BookRow, CARRY_DAYS, Carried, Category, Either, FieldDiffers, Finding, Movement, Net, Progress,
    REVOKE_DAYS, Reconciled, SettledByBill, Standing,
};
use std::cmp::Ordering;
use std::iter::Peekable;
use std::vec::IntoIter;

/// All that both sides say about one number.
#[derive(Default)]
struct Meeting {
    books: Vec<(BookRow, u8)>,
    bill: Vec<(BillRow, u8)>,
}

/// Which movement a row tells of.
type Key<'a> = (Movement, &'a str);

/// Rows of one side in the order of their keys, with how many days each has been looked for. A day is long: rows are
/// sorted where they are, and each leaves as soon as it has met.
struct Side<T: Keyed> {
    old: Peekable<IntoIter<(T, u8)>>,
    new: Peekable<IntoIter<T>>,
}

trait Keyed {
    fn key(&self) -> Key<'_>;
    /// Which of two rows of one key comes first.
    fn among_equals(&self, other: &Self) -> Ordering;
}

impl Keyed for BookRow {
    fn key(&self) -> Key<'_> {
        (self.movement, &self.number)
    }

    fn among_equals(&self, other: &Self) -> Ordering {
        self.order.cmp(&other.order)
    }
}

impl Keyed for BillRow {
    fn key(&self) -> Key<'_> {
        (self.movement, &self.number)
    }

    fn among_equals(&self, other: &Self) -> Ordering {
        self.line.cmp(&other.line)
    }
}

impl<T: Keyed> Side<T> {
    fn new(mut old: Vec<(T, u8)>, mut new: Vec<T>) -> Self {
        old.sort_by(|(a, _), (b, _)| a.key().cmp(&b.key()));
        // In place: a day's rows are long, and a stable order would need room for half of them again.
        new.sort_unstable_by(|a, b| a.key().cmp(&b.key()).then_with(|| a.among_equals(b)));
        Self { old: old.into_iter().peekable(), new: new.into_iter().peekable() }
    }

    fn first(&mut self) -> Option<Key<'_>> {
        let old = self.old.peek().map(|(row, _)| row.key());
        let new = self.new.peek().map(Keyed::key);
        old.into_iter().chain(new).min()
    }

    /// The rows of that key, those from earlier days first.
    fn take(&mut self, movement: Movement, number: &str) -> Vec<(T, u8)> {
        let mut rows = Vec::new();
        while let Some(row) = self.old.next_if(|(row, _)| row.key() == (movement, number)) {
            rows.push(row);
        }
        while let Some(row) = self.new.next_if(|row| row.key() == (movement, number)) {
            rows.push((row, 0));
        }
        rows
    }
}

/// Compares a day's books with a day's bill. `carried` is what earlier days left over; it is used up, and what is
/// still without its counterpart comes back in [`Reconciled::carried`].
#[must_use]
pub fn reconcile(books: Vec<BookRow>, bill: Vec<BillRow>, carried: Vec<Carried>) -> Reconciled {
    let mut result = Reconciled::default();
    let (mut old_books, mut old_bill) = (Vec::new(), Vec::new());
    for Carried { row, days } in carried {
        match row {
            Either::Book(row) => old_books.push((row, days.saturating_add(1))),
            Either::Bill(row) => old_bill.push((row, days.saturating_add(1))),
        }
    }
    let (mut ours, mut theirs) = (Side::new(old_books, books), Side::new(old_bill, bill));
    loop {
        let next = ours.first().into_iter().chain(theirs.first()).min();
        let Some((movement, number)) = next.map(|(movement, number)| (movement, number.to_owned())) else {
            return result;
        };
        let meeting = Meeting { books: ours.take(movement, &number), bill: theirs.take(movement, &number) };
        for (row, _) in &meeting.books {
            result.difference.add(row.amount.currency, row.net());
        }
        for (row, _) in &meeting.bill {
            result.difference.add(row.amount.currency, -row.net());
        }
        judge(meeting, &mut result);
    }
}

fn judge(mut meeting: Meeting, result: &mut Reconciled) {
    forget_repetitions(&mut meeting, result);
    if meeting.bill.iter().any(|(row, _)| row.is_done()) {
        // That money was on its way adds nothing to the line that says that it moved.
        meeting.bill.retain(|(row, _)| row.is_done());
    } else if meeting.books.len() == 1 && !meeting.bill.is_empty() {
        return under_way(meeting, result);
    }
    let moved = meeting.bill.iter().filter(|(row, _)| !row.revoked).count();
    let revoked = meeting.bill.len() - moved;
    let settled_here = meeting.books.iter().filter(|(row, _)| row.standing == Standing::Moved).count();
    if moved > 1 || revoked > 1 || meeting.books.len() > 1 || settled_here > 1 {
        return result.findings.push(finding(Category::Duplicate, &meeting, Vec::new()));
    }
    match (meeting.books.first(), moved > revoked) {
        _ if meeting.bill.is_empty() => only_here(meeting, result),
        (None, _) => only_there(meeting, result),
        (Some(_), _) if revoked > moved => {
            result.findings.push(finding(Category::RevokedAlone, &meeting, Vec::new()));
        }
        (Some((row, _)), there) => match (row.standing, there) {
            (Standing::Moved, true) => both_moved(&meeting, result),
            (Standing::NotMoved, false) if difference(&meeting).is_zero() => result.agreed += 1,
            // A part of it was taken back: that is no agreement.
            (Standing::NotMoved, false) => {
                result.findings.push(finding(Category::AmountDiffers, &meeting, Vec::new()));
            }
            (Standing::NotMoved, true) => paid_there(meeting, result),
            (Standing::Moved, false) => {
                result.findings.push(finding(Category::PaidHereNotThere, &meeting, standing_differs(false)));
            }
            (Standing::Unknown, true) if row.taken_back => paid_while_taken_back(meeting, result),
            (Standing::Unknown, moved) => settle(&meeting, moved, result),
        },
    }
}

/// A carried row of ours that is told again today, with what is known today, is one row and not two.
fn forget_repetitions(meeting: &mut Meeting, result: &mut Reconciled) {
    if meeting.books.len() < 2 {
        return;
    }
    let Some(today) = meeting.books.iter().position(|(_, days)| *days == 0) else { return };
    let order = meeting.books.get(today).map(|(row, _)| row.order.clone());
    meeting.books.retain(|(row, days)| {
        let same = *days > 0 && Some(&row.order) == order.as_ref();
        if same {
            result.difference.add(row.amount.currency, -row.net());
        }
        !same
    });
}

fn only_here(meeting: Meeting, result: &mut Reconciled) {
    let Some((row, days)) = meeting.books.first().cloned() else { return };
    match (row.standing, days >= CARRY_DAYS) {
        (Standing::NotMoved, _) => result.agreed += 1,
        (Standing::Moved | Standing::Unknown, false) => {
            result.carried.push(Carried { row: Either::Book(row), days });
        }
        (Standing::Moved, true) => {
            result.findings.push(finding(Category::MissingAtChannel, &meeting, Vec::new()));
        }
        (Standing::Unknown, true) => nobody_knows(&meeting, result),
    }
}

/// Looked for long enough. It stays unknown, and is asked about on; but a person is told.
fn nobody_knows(meeting: &Meeting, result: &mut Reconciled) {
    let fields = vec![FieldDiffers { field: "standing", ours: "unknown".into(), theirs: "not moved".into() }];
    result.findings.push(finding(Category::UnknownHereNotThere, meeting, fields));
}

/// The bill has it, and does not say that it is done. Our own word came from the channel itself, and later.
fn under_way(mut meeting: Meeting, result: &mut Reconciled) {
    let (Some((row, _)), Some((line, _))) = (meeting.books.first(), meeting.bill.last()) else { return };
    match (row.standing, line.progress) {
        (Standing::NotMoved, _) => result.agreed += 1,
        (Standing::Moved, Progress::Failed) => {
            result.findings.push(finding(Category::PaidHereNotThere, &meeting, standing_differs(false)));
        }
        (Standing::Moved, _) => {
            let mut line = line.clone();
            line.progress = Progress::Done;
            result.difference.add(line.amount.currency, -line.net());
            meeting.bill = vec![(line, 0)];
            both_moved(&meeting, result);
        }
        (Standing::Unknown, _) => {
            let days =
                meeting.books.iter().map(|(_, days)| days).chain(meeting.bill.iter().map(|(_, days)| days));
            if days.max().is_some_and(|days| *days >= CARRY_DAYS) {
                return nobody_knows(&meeting, result);
            }
            carry(meeting, result);
        }
    }
}

/// Both sides wait for what the next days say.
fn carry(meeting: Meeting, result: &mut Reconciled) {
    let books = meeting.books.into_iter().map(|(row, days)| Carried { row: Either::Book(row), days });
    let bill = meeting.bill.into_iter().map(|(row, days)| Carried { row: Either::Bill(row), days });
    result.carried.extend(books.chain(bill));
}

fn only_there(meeting: Meeting, result: &mut Reconciled) {
    if meeting.bill.iter().any(|(_, days)| *days >= CARRY_DAYS) {
        return result.findings.push(finding(Category::MissingHere, &meeting, Vec::new()));
    }
    let rows = meeting.bill.into_iter();
    result.carried.extend(rows.map(|(row, days)| Carried { row: Either::Bill(row), days }));
}

/// The bill has money of a movement that is over here without any. A person is told; and what a payment took goes back by
/// itself, so it is handed on as a success that came after the end. Another amount than was asked for is no such success.
fn paid_there(meeting: Meeting, result: &mut Reconciled) {
    if !meeting.bill.iter().any(|(_, days)| *days >= REVOKE_DAYS) {
        return carry(meeting, result);
    }
    let mut fields = standing_differs(true);
    if let (Some((row, _)), Some(line)) = (meeting.books.first(), line_of(&meeting)) {
        let differing = amounts_differ(row, line);
        if differing.is_empty() && row.movement == Movement::Payment {
            // The finding says already by how much both sides differ.
            result.settled.push(settled(row, Some(line), true, Net::default()));
        }
        fields.extend(differing);
    }
    result.findings.push(finding(Category::PaidThereNotHere, &meeting, fields));
}

/// A line that says that money moved, and does not take it back.
fn line_of(meeting: &Meeting) -> Option<&BillRow> {
    meeting.bill.iter().map(|(line, _)| line).find(|line| !line.revoked)
}

/// The currency and the amount, where they differ.
fn amounts_differ(ours: &BookRow, theirs: &BillRow) -> Vec<FieldDiffers> {
    let both = [
        ("currency", ours.amount.currency.to_string(), theirs.amount.currency.to_string()),
        ("amount_minor", ours.amount.minor.to_string(), theirs.amount.minor.to_string()),
    ];
    let differing = both.into_iter().filter(|(_, ours, theirs)| ours != theirs);
    differing.map(|(field, ours, theirs)| FieldDiffers { field, ours, theirs }).collect()
}

fn both_moved(meeting: &Meeting, result: &mut Reconciled) {
    let (Some((ours, _)), Some(theirs)) = (meeting.books.first(), line_of(meeting)) else { return };
    let mut fields = amounts_differ(ours, theirs);
    if let Some(fee) = ours.fee_minor.filter(|fee| *fee != theirs.fee_minor) {
        let (ours, theirs) = (fee.to_string(), theirs.fee_minor.to_string());
        fields.push(FieldDiffers { field: "fee_minor", ours, theirs });
    }
    let category = match fields.first().map(|differs| differs.field) {
        None => return result.agreed += 1,
        Some("currency") => Category::CurrencyDiffers,
        Some("amount_minor") => Category::AmountDiffers,
        Some(_) => Category::FeeDiffers,
    };
    result.findings.push(finding(category, meeting, fields));
}

/// It was paid, and is being taken back: the line that says so may stand in a later bill, and finds its partner only if this
/// one waits for it.
fn paid_while_taken_back(meeting: Meeting, result: &mut Reconciled) {
    let mut days =
        meeting.books.iter().map(|(_, days)| days).chain(meeting.bill.iter().map(|(_, days)| days));
    if days.any(|days| *days >= CARRY_DAYS) {
        return settle(&meeting, true, result);
    }
    carry(meeting, result);
}

fn settle(meeting: &Meeting, moved: bool, result: &mut Reconciled) {
    let Some((row, _)) = meeting.books.first() else { return };
    let line = line_of(meeting);
    // The bill settles only what it agrees with: another amount is a difference that a person must see.
    if line.is_some_and(|line| moved && line.amount != row.amount) {
        return both_moved(meeting, result);
    }
    result.settled.push(settled(row, line, moved, difference(meeting)));
}

fn settled(row: &BookRow, line: Option<&BillRow>, moved: bool, difference: Net) -> SettledByBill {
    SettledByBill {
        movement: row.movement,
        number: row.number.clone(),
        order: row.order.clone(),
        moved,
        transaction: line.map(|line| line.transaction.clone()),
        difference,
    }
}

fn standing_differs(moved_there: bool) -> Vec<FieldDiffers> {
    let word = |moved: bool| if moved { "moved" } else { "not moved" }.to_owned();
    vec![FieldDiffers { field: "standing", ours: word(!moved_there), theirs: word(moved_there) }]
}

fn difference(meeting: &Meeting) -> Net {
    let mut net = Net::default();
    meeting.books.iter().for_each(|(row, _)| net.add(row.amount.currency, row.net()));
    meeting.bill.iter().for_each(|(row, _)| net.add(row.amount.currency, -row.net()));
    net
}

fn finding(category: Category, meeting: &Meeting, fields: Vec<FieldDiffers>) -> Finding {
    let book = meeting.books.first().map(|(row, _)| row);
    let bill = meeting.bill.first().map(|(row, _)| row);
    let movement = book.map(|row| row.movement).or(bill.map(|row| row.movement));
    let number = book.map(|row| &row.number).or(bill.map(|row| &row.number));
    Finding {
        category,
        movement: movement.unwrap_or(Movement::Payment),
        number: number.cloned().unwrap_or_default(),
        order: book.map(|row| row.order.clone()),
        fields,
        lines: meeting.bill.iter().map(|(row, _)| row.line).collect(),
        difference: difference(meeting),
    }
}
