//! Lists on screen, changed in place.

use slint::{Model, ModelRc, VecModel};
use std::rc::Rc;

/// Makes the list on screen equal to `rows`, touching only rows that differ. A row that stays keeps its elements, and
/// with them a finger that is pressing one of its buttons. Gives a list to set if there is none to change yet.
pub fn update<T: Clone + PartialEq + 'static>(current: &ModelRc<T>, rows: Vec<T>) -> Option<ModelRc<T>> {
    let Some(list) = current.as_any().downcast_ref::<VecModel<T>>() else {
        return Some(ModelRc::from(Rc::new(VecModel::from(rows))));
    };
    while list.row_count() > rows.len() {
        list.remove(list.row_count() - 1);
    }
    for (index, row) in rows.into_iter().enumerate() {
        match list.row_data(index) {
            Some(old) if old == row => {}
            Some(_) => list.set_row_data(index, row),
            None => list.push(row),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(list: &ModelRc<i32>) -> Vec<i32> {
        list.iter().collect()
    }

    #[test]
    fn an_empty_property_gets_a_list_that_can_be_changed_later() {
        let list = update(&ModelRc::default(), vec![1, 2, 3]).unwrap_or_default();
        assert_eq!(read(&list), [1, 2, 3]);
        assert!(update(&list, vec![1, 5]).is_none(), "the same list is changed in place");
        assert_eq!(read(&list), [1, 5]);
        assert!(update(&list, vec![1, 5, 6, 7]).is_none());
        assert_eq!(read(&list), [1, 5, 6, 7]);
    }
}
