//! Secret codes in the search boxes. What is typed there reaches the till letter by letter, so a payment code is one before it
//! has come to its end: some are longer than others. It is hidden as soon as it may be one, and the box is emptied when it was
//! typed to its end; what a box would still get of it would be looked for as if somebody had typed it.

use super::{Controller, OrdersDesk};
use crate::secret_code;
use crate::view::Notice;
use std::time::Duration;

/// What a search box has in the place of a code that nobody may see.
const HIDDEN: &str = "…";
/// So long after its last letter a code was typed to its end. A scanner takes milliseconds for each.
const ENDED: Duration = Duration::from_secs(1);

impl Controller {
    /// The text in the search of goods has changed.
    pub(super) fn set_search(&mut self, text: String) {
        if secret_code::holds_whole(&text) {
            return self.forget_typed_code();
        }
        if secret_code::holds_payment(&text) && !self.may_be_goods(&text) {
            self.typed_code = Some(self.now.monotonic);
            self.search = HIDDEN.into();
        } else {
            self.typed_code = None;
            self.search = text;
        }
    }

    /// The text in the search of orders has changed. No order has a number that is a payment code.
    pub(super) fn set_order_search(&mut self, text: &str) {
        if secret_code::holds_whole(text) {
            return self.forget_typed_code();
        }
        if secret_code::holds_payment(text) {
            self.typed_code = Some(self.now.monotonic);
            self.hide_order_search(HIDDEN);
        } else {
            self.typed_code = None;
            self.search_orders(text);
        }
    }

    /// Whether digits that look like a payment code are those of goods of this store, or their beginning.
    pub(super) fn may_be_goods(&self, text: &str) -> bool {
        let text = text.trim();
        self.weighed(text).is_some() || !self.goods.search(text).is_empty()
    }

    /// A scanner that nobody has set up has typed a secret code into a search: whoever reads it on the screen could use it
    /// elsewhere.
    pub(super) fn forget_typed_code(&mut self) {
        self.typed_code = None;
        self.search.clear();
        self.orders = OrdersDesk::default();
        self.tell(Notice::SecretTyped);
    }

    /// Of a code that nothing has ended the box is emptied all the same.
    pub(super) fn drop_typed_code(&mut self) {
        let ended = |since: Duration| self.now.monotonic.saturating_sub(since) >= ENDED;
        if self.typed_code.is_some_and(ended) {
            self.forget_typed_code();
        }
    }
}
