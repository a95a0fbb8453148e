//! What the base store promises, told once and held on every engine: one line at the end for each.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says what broke by panicking"
)]

#[path = "base/accounts.rs"]
mod accounts;
#[path = "base/bills.rs"]
mod bills;
#[path = "base/drawers.rs"]
mod drawers;
#[path = "base/goods.rs"]
mod goods;
#[path = "base/goods_edits.rs"]
mod goods_edits;
#[path = "base/journals.rs"]
mod journals;
#[path = "base/people.rs"]
mod people;
#[path = "base/pictures.rs"]
mod pictures;
#[path = "base/receipts.rs"]
mod receipts;
#[path = "base/refund_requests.rs"]
mod refund_requests;
#[allow(dead_code, reason = "other tests ask more of it")]
#[path = "postgres_engine/server.rs"]
mod server;
#[path = "base/shifts.rs"]
mod shifts;
#[path = "base/shop.rs"]
mod shop;
#[path = "base/starting.rs"]
mod starting;
#[path = "base/terminals.rs"]
mod terminals;
#[path = "base/trail.rs"]
mod trail;

use shop::{Postgres, Shop, Sqlite};

macro_rules! tests_of {
    ($engine:ident, $place:expr; $($file:ident: $($story:ident),+;)+) => {
        mod $engine {
            use super::*;
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    crate::$file::$story(Shop::new($place)).await;
                }
            )+)+
        }
    };
}

/// All stories, on the engine that the expression makes.
macro_rules! contract {
    ($engine:ident, $place:expr) => {
        tests_of! { $engine, $place;
            accounts:
                an_account_is_there_for_all_servers_with_its_secrets_sealed_and_each_change_in_the_trail,
                one_merchant_has_one_account_and_one_request_adds_one,
                a_rule_is_put_in_the_place_of_the_one_that_was_seen_at_once_or_not_at_all,
                whose_the_settings_files_account_is_stands_from_the_first_start_on,
                what_was_changed_in_the_meantime_is_not_overwritten,
                an_account_goes_only_when_it_is_disabled_long_enough_and_no_rule_names_it,
                secrets_are_sealed_anew_all_or_none;
            bills:
                a_day_is_there_as_a_whole_or_not_at_all_and_only_by_whoever_has_it_in_hand;
            drawers:
                the_drawers_account_is_what_the_shifts_say_and_whatever_is_altered_is_found,
                shifts_from_before_there_was_a_book_are_told_from_the_journal_however_often,
                a_shift_of_which_entries_are_nowhere_any_more_is_told_with_its_gap,
                a_record_that_cannot_be_read_hides_no_other_and_is_made_anew,
                a_shift_that_its_till_will_never_end_is_given_up_once_by_a_person_who_says_why,
                what_a_person_counted_is_not_taken_back_by_the_stolen_tills_own_end;
            goods:
                a_till_gets_only_what_changed_from_any_version_and_from_any_server,
                a_till_that_is_too_far_behind_or_ahead_gets_everything,
                a_till_gets_everything_from_a_server_that_was_put_back_to_an_older_state,
                goods_from_before_there_were_parts_are_given_on;
            goods_edits:
                an_edit_reaches_tills_as_what_changed_and_stands_in_the_trail,
                who_has_seen_another_state_of_a_product_changes_nothing,
                an_import_replaces_what_was_changed_by_hand,
                a_favourite_is_moved_among_those_to_tap,
                many_edits_are_written_anew_as_one_and_tills_on_their_way_go_on,
                goods_are_found_by_parts_of_names_letters_numbers_and_codes,
                a_page_of_very_many_goods_reads_its_own_rows,
                goods_of_a_store_from_before_are_taken_in_whatever_happens_on_the_way;
            journals:
                of_two_that_hand_in_at_the_same_time_one_is_told_to_come_again,
                every_entry_of_a_large_upload_is_known_afterwards,
                an_entry_that_differs_from_the_one_handed_in_is_found_among_many,
                a_gap_is_noted_once_and_over_when_the_entries_come,
                a_fork_blocks_the_till_and_stays,
                a_day_that_is_over_is_countersigned_once_whoever_is_asked,
                nothing_is_countersigned_that_is_not_here_or_not_over_or_not_in_order;
            people:
                who_left_cannot_log_in_loses_the_sessions_and_keeps_the_name,
                the_last_person_of_it_stays_whichever_server_is_asked,
                a_new_password_ends_the_other_sessions_and_an_outdated_one_changes_nothing,
                a_session_of_one_server_counts_on_the_other_and_grows_with_use,
                wrong_passwords_at_several_servers_are_counted_together,
                tills_get_those_with_a_pin_and_a_new_list_at_each_change,
                a_card_is_made_replaced_and_removed_and_tills_know_only_its_mark,
                who_is_on_the_staff_is_known_for_two_seconds_and_while_the_store_is_away;
            pictures:
                goods_have_the_picture_that_was_given_last_and_what_is_none_is_kept_nowhere;
            receipts:
                a_template_that_a_till_could_not_print_is_kept_nowhere_and_each_change_is_in_the_trail;
            refund_requests:
                of_many_who_decide_about_a_tills_refund_at_once_one_has_decided_whichever_server_is_asked,
                what_nobody_decided_about_on_its_day_has_ended_and_no_decision_comes_after_it;
            shifts:
                a_shift_is_told_once_from_what_is_handed_in_whichever_server_takes_it,
                a_shift_of_which_a_server_from_before_took_a_part_is_not_said_to_differ,
                an_end_that_names_a_shift_that_has_not_begun_stops_no_journal_and_hides_none,
                a_shift_that_was_left_without_an_end_takes_nothing_of_what_comes_later,
                a_right_that_nobody_held_is_told_and_the_entry_kept,
                a_right_that_a_till_uses_without_a_name_is_told_only_where_it_has_named_people,
                cash_that_a_drawer_does_not_hold_is_told_whichever_server_took_the_part,
                a_day_with_more_shifts_and_doubts_than_fit_is_turned_page_by_page_to_the_last,
                a_doubt_is_settled_once_by_whoever_came_first_and_stands_in_the_trail;
            starting:
                servers_that_start_on_one_new_base_make_one_store,
                a_bootstrap_file_that_would_lock_everyone_out_is_refused,
                an_order_group_is_known_to_all_servers_by_one_name,
                servers_whose_clocks_differ_go_by_the_one_that_they_share;
            terminals:
                a_block_made_at_one_server_counts_at_the_other_within_a_second,
                tills_that_are_heard_of_are_read_together_and_each_as_it_stands,
                what_is_known_counts_for_money_for_five_seconds_while_the_store_cannot_be_read,
                a_request_is_handled_once_by_all_servers_together,
                wrong_codes_at_several_servers_are_counted_together,
                a_code_that_ran_out_makes_room_for_a_new_one,
                a_retired_till_stays_retired_and_the_trail_says_why,
                when_a_till_was_last_heard_of_is_told_by_all_servers;
            trail:
                an_audit_trail_that_was_changed_is_found,
                what_two_servers_write_down_at_once_is_one_chain,
                a_catalogue_is_replaced_as_a_whole_and_counted;
        }
    };
}

contract!(base_on_sqlite, Sqlite::new());
contract!(base_on_postgres, Postgres::new());
