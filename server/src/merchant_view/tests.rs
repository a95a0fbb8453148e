//! The view on both engines, over groups on both engines.

#[path = "tests/feeding.rs"]
mod feeding;
#[path = "tests/hidden.rs"]
mod hidden;
#[path = "tests/moved.rs"]
mod moved;
#[allow(dead_code, reason = "the engine's own tests use the rest of it")]
#[path = "../../tests/postgres_engine/server.rs"]
mod postgres;
#[path = "tests/rebuilding.rs"]
mod rebuilding;
#[path = "tests/searching.rs"]
mod searching;
#[path = "tests/shop.rs"]
mod shop;

use shop::Shop;

macro_rules! told_to {
    ($engine:ident, $shop:expr; $($file:ident: $($story:ident),+;)+) => {
        mod $engine {
            use super::*;
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    $file::$story($shop.await).await;
                }
            )+)+
        }
    };
}

macro_rules! contract {
    ($engine:ident, $shop:expr) => {
        told_to! { $engine, $shop;
            feeding:
                whatever_comes_late_twice_or_never_the_view_is_what_the_groups_say,
                a_feeder_that_dies_between_copy_and_forgetting_changes_nothing,
                sales_from_before_the_outbox_are_copied_newest_first,
                a_group_that_cannot_be_read_holds_the_time_back_and_no_other,
                an_order_that_cannot_be_read_keeps_no_other_from_the_view_and_nothing_is_promised,
                an_old_order_that_cannot_be_read_is_still_owed,
                a_fresh_sale_is_there_when_somebody_looks,
                one_server_feeds_and_another_takes_over;
            moved:
                a_view_that_was_fed_through_a_move_is_what_a_rebuilt_one_is;
            searching:
                sales_are_found_by_number_till_amount_time_code_and_state,
                a_day_is_added_up_by_cashier_and_a_stranger_is_marked,
                a_wallets_number_finds_its_order_on_any_day,
                what_went_back_counts_where_it_went_whatever_came_first;
            rebuilding:
                a_rebuilt_view_is_what_was_there,
                what_was_wrong_in_the_view_is_named_and_mended,
                a_view_from_before_copies_orders_paid_in_parts_once_more,
                a_view_is_rebuilt_while_sales_go_on,
                an_order_that_cannot_be_read_is_named_and_the_others_are_copied,
                a_group_that_is_away_leaves_the_view_as_it_was,
                of_two_that_rebuild_the_later_one_goes_on;
        }
    };
}

contract!(on_sqlite, Shop::on_sqlite());
contract!(on_postgres, Shop::on_postgres());
