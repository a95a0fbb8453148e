//! What must hold when everything is healed and nothing is under way any more.

use super::Checker;
use super::rows::{entries_of, has_row, number_of_refund, payments_of, refunded_of, texts};
use crate::simulator::wechat::Order;
use crate::world::desks::Desks;
use evertill_shared::journal::Settled;
use std::collections::BTreeMap;

impl Checker {
    /// When everything is healed and drained.
    pub fn at_rest(&self, desks: &Desks) {
        self.after_wallet(desks);
        self.after_step();
        let orders = desks.orders();
        self.books_match(&orders);
        self.settlements_hold(&orders);
        self.nothing_lost(&orders);
        self.chain_held();
    }

    fn books_match(&self, orders: &[Order]) {
        let homes = self.homes();
        for (group, database) in self.groups().iter().enumerate() {
            for (order, number, state, amount) in database.look(payments_of) {
                if homes.of(&order) != Some(group) {
                    continue;
                }
                let wallet = orders.iter().find(|order| order.number == number);
                let net = wallet.map_or(0, Order::net_minor);
                let refunded = database.look(|c| refunded_of(c, &number));
                let how = |what: &str| format!("{number} in group {group} is {state}: {what} (net {net})");
                let mut model = self.model();
                match state.as_str() {
                    "paid" if net != amount - refunded => {
                        model.breaks(
                            "books-match",
                            how(&format!("{amount} less {refunded} is not the wallet's")),
                        );
                    }
                    "declined" | "reversed" if net != 0 => {
                        model.breaks("books-match", how("the wallet has money of it"));
                    }
                    "paid" | "declined" | "reversed" => {}
                    _ => model.breaks("known-or-unknown", how("its end is still not known")),
                }
            }
            let open = "SELECT id FROM refunds WHERE state IN ('sent', 'unknown')";
            let open_here = |id: &String| {
                database.look(|c| number_of_refund(c, id)).is_some_and(|n| homes.of(&n) == Some(group))
            };
            for refund in database.look(|c| texts(c, open)).into_iter().filter(open_here) {
                self.model().breaks("known-or-unknown", format!("{refund} still has no end"));
            }
        }
        // What was paid after it had ended was heard of in time, or went back by our own doing, and that is written down.
        const SETTLED: &str = "SELECT 1 FROM payments p LEFT JOIN give_backs g ON g.number = p.number \
             AND g.attempt = p.attempt WHERE p.channel_number = ?1 AND (p.state = 'paid' OR g.state <> 'open')";
        for order in orders.iter().filter(|order| order.was_paid_late()) {
            let settled =
                self.groups().iter().any(|group| group.look(|c| has_row(c, SETTLED, &order.number)));
            if !settled {
                let how = format!("{} was paid after its end, and nobody wrote that down", order.number);
                self.model().breaks("books-match", how);
            }
        }
        for order in orders.iter().filter(|order| order.net_minor() != 0) {
            let booked = self.groups().iter().any(|group| {
                group.look(|c| has_row(c, "SELECT 1 FROM payments WHERE channel_number = ?1", &order.number))
            });
            if !booked {
                let how = format!("{} is charged, and stands in no book", order.number);
                self.model().breaks("books-match", how);
            }
        }
    }

    /// What a till has written down as the end of an attempt is what happened.
    fn settlements_hold(&self, orders: &[Order]) {
        let mut model = self.model();
        let mut wrong = Vec::new();
        for (number, (sale, attempt, _)) in &model.by_channel_number {
            let end = model.sales.get(sale).and_then(|seen| seen.attempts.get(attempt)).cloned().flatten();
            let order = orders.iter().find(|order| order.number == *number);
            let charged = order.map_or(0, |order| order.charged_minor - order.reversed_minor);
            match end {
                Some(Settled::Paid { .. }) if charged <= 0 => {
                    wrong.push(format!("{number} was settled as paid, and the wallet has nothing"));
                }
                Some(Settled::Declined { .. } | Settled::Reversed)
                    if order.is_some_and(|order| order.net_minor() != 0) =>
                {
                    wrong.push(format!("{number} was settled as not paid, and the customer is charged"));
                }
                // Found later, and given back: but it was not true when the till was told.
                Some(Settled::Declined { .. } | Settled::Reversed)
                    if charged > 0 && order.is_some_and(|order| !order.was_paid_late()) =>
                {
                    wrong
                        .push(format!("{number} was settled as not paid, and the customer had been charged"));
                }
                _ => {}
            }
        }
        for how in wrong {
            model.breaks("known-or-unknown", how);
        }
    }

    fn nothing_lost(&self, orders: &[Order]) {
        let (rows, homes) = (self.orders(), self.homes());
        let mut model = self.model();
        let (mut lost, mut short) = (Vec::new(), Vec::new());
        for (sale, seen) in &model.sales {
            let till = model.tills.get(&sale.terminal);
            if !seen.is_paid() || till.is_some_and(|till| till.put_back) {
                continue;
            }
            let mut of = rows.iter().filter(|row| row.sale == *sale && row.state == "paid");
            let by_cash = match (of.next(), of.next()) {
                (Some(row), None) if row.paid_minor == seen.total_minor || row.quarantined => row.by_cash,
                (found, _) => {
                    lost.push(format!("{sale} is paid at the till, and in the groups: {found:?}"));
                    continue;
                }
            };
            let of_it = model.by_channel_number.iter().filter(|(_, (of, _, _))| of == sale);
            let at_wallet: Vec<&Order> =
                of_it.filter_map(|(number, _)| orders.iter().find(|order| order.number == *number)).collect();
            let charged: i64 = at_wallet.iter().map(|order| order.net_minor()).sum();
            if by_cash && charged != 0 {
                lost.push(format!("{sale} was paid in cash, and {charged} is charged too"));
            }
            // No goods without the money for them: what the wallets took and the drawer holds is all of it.
            let taken: i64 = at_wallet.iter().map(|order| order.charged_minor - order.reversed_minor).sum();
            let (total, cash) = (seen.total_minor, seen.cash_minor());
            if taken + cash < total {
                short.push(format!("{sale} is paid, costs {total}, and {taken} came and {cash} in cash"));
            }
        }
        if let Some(sale) = model.part_without_end() {
            lost.push(format!("{} of {sale}, which came to nothing, is in the drawer", model.cash_of(&sale)));
        }
        for how in short {
            model.breaks("known-or-unknown", how);
        }
        for (id, refund) in &model.refunds {
            let group = homes.of(refund.order.as_str()).and_then(|home| self.groups().get(home));
            let there =
                group.is_some_and(|g| g.look(|c| has_row(c, "SELECT 1 FROM refunds WHERE id = ?1", id)));
            if !there {
                lost.push(format!("{id} was promised to a manager, and is gone"));
            }
        }
        for how in lost {
            model.breaks("nothing-lost", how);
        }
    }

    /// No two entries for one place count, of whatever till.
    fn chain_held(&self) {
        let mut hashes: BTreeMap<(i64, i64, i64), String> = BTreeMap::new();
        for group in self.groups() {
            for (place, hash) in group.look(entries_of) {
                let first = hashes.entry(place).or_insert_with(|| hash.clone()).clone();
                if first != hash {
                    let how = format!("two entries count for the place {place:?}");
                    self.model().breaks("chain", how);
                }
            }
        }
    }
}
