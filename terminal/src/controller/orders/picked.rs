//! Goods that come back, scanned: each scan picks one piece of their line on the form of a refund.

use super::super::Controller;
use crate::view::Notice;
use evertill_hardware::label::Label;
use evertill_shared::order::line::Line;
use evertill_shared::order::serial;

/// What a scan is to the lines of an order.
#[derive(Debug, PartialEq, Eq)]
enum Meant {
    /// A piece of this one comes back.
    One(usize),
    /// All that the order has of them do already.
    AllPicked,
    /// Several pieces with a serial number: it is to be scanned.
    WhichPiece,
    /// There is none.
    None,
}

impl Controller {
    /// Goods, or the serial number of a piece, were scanned on the form of a refund.
    pub(in crate::controller) fn scan_for_refund(&mut self, label: &Label) {
        let Some((sale, picked)) = self.choosing().map(|asking| (asking.sale, asking.picked.clone())) else {
            return self.tell(Notice::ScanNotUsed);
        };
        let lines = self.lines_of(sale).unwrap_or_default();
        let code = label.code();
        let inside = label.gs1.as_ref().and_then(|gs1| gs1.serial.as_deref());
        let by_number = [inside, Some(label.text.expose().trim())].into_iter().flatten();
        let by_number = by_number.filter_map(|number| of_serial(&lines, &picked, number)).next();
        let weighed = self.weighed(&code).map(|(product, piece)| (product, Some(piece.price_minor)));
        let goods = self.goods.by_barcode(&code).map(|product| (product, None)).or(weighed);
        let (found, name) = match (by_number, goods) {
            (Some((found, name)), _) => (found, name),
            (None, Some((product, price))) => (of_goods(&lines, &picked, &product.id, price), product.name),
            (None, None) => return self.tell(Notice::ScanNotUsed),
        };
        match found {
            Meant::One(line) => {
                self.notices.over();
                self.pick_for_refund(line, 1);
            }
            Meant::AllPicked => self.tell(Notice::AllPicked { name }),
            Meant::WhichPiece => self.tell(Notice::NotASerial),
            Meant::None => self.tell(Notice::NotInOrder { name }),
        }
    }
}

/// The line of the piece with this serial number, and the name of the goods.
fn of_serial(lines: &[Line], picked: &[u32], number: &str) -> Option<(Meant, String)> {
    let same = |line: &Line| line.serial.as_deref().is_some_and(|own| serial::same(own, number));
    let place = lines.iter().position(same)?;
    let line = lines.get(place)?;
    let all = picked.get(place).is_none_or(|picked| *picked >= line.quantity);
    Some((if all { Meant::AllPicked } else { Meant::One(place) }, line.name.clone()))
}

/// The first line of these goods of which a piece is left; of a weighed piece, the line that cost so much.
fn of_goods(lines: &[Line], picked: &[u32], product: &str, price_minor: Option<i64>) -> Meant {
    let fits = |line: &&(usize, &Line, &u32)| {
        line.1.product == product && price_minor.is_none_or(|price| line.1.unit_price.minor == price)
    };
    let all = lines.iter().zip(picked).enumerate().map(|(place, (line, picked))| (place, line, picked));
    let all: Vec<(usize, &Line, &u32)> = all.collect();
    let mut left = all.iter().filter(fits).filter(|(_, line, picked)| **picked < line.quantity);
    match (left.next(), left.next()) {
        (Some((_, first, _)), Some(_)) if first.serial.is_some() => Meant::WhichPiece,
        (Some((place, ..)), _) => Meant::One(*place),
        (None, _) if all.iter().any(|line| fits(&line)) => Meant::AllPicked,
        (None, _) => Meant::None,
    }
}
