//! What the store promises. The conformance suite runs every promise that both can keep on a store in memory and on one in
//! a file; the other modules are about files: damage, power cuts, full disks, older versions.

mod carrying;
mod conversation;
mod damage;
mod disk_full;
mod file;
mod garbage;
mod keeping;
mod known_load;
mod migrating;
mod outbox_rules;
mod power_cut;
mod receipts_and_unread;
mod searching;
mod timeline;
mod upgrading;

use hugmedo_chat_protocol::{
    ClientMessageId, Message, MessageChanged, MessageId, Opaque, Receipt, ReceiptKind, RoomId, Sensitive, Seq,
    Timestamp, User, UserId, UserType,
};

use super::*;
use crate::{
    error::ErrorCode,
    view::{Delivery, Draft, MessageView, OutgoingMessage, RoomChoices, RoomNotify},
};

fn sato() -> User {
    User { id: "sato".into(), name: "佐藤 恵".into(), user_type: UserType::Clinician, role: None, avatar_url: None }
}

fn me() -> UserId {
    sato().id
}

/// A draft that is text only.
fn written(text: &str) -> Draft {
    Draft { content: text.into(), ..Draft::default() }
}

fn general() -> RoomId {
    "general".into()
}

fn said(by: &str, seq: u64, text: &str) -> Message {
    Message {
        id: format!("m-{seq}").as_str().into(),
        room_id: general(),
        user_id: by.into(),
        user_name: by.into(),
        user_type: UserType::Clinician,
        content: text.into(),
        attachments: vec![],
        metadata: Opaque::default(),
        created_at: Timestamp::from_millis(1_000 * i64::try_from(seq).expect("small")),
        seq: Some(Seq::new(seq)),
        client_message_id: None,
        priority: Default::default(),
        reply_to: None,
        mentions: vec![],
        edited_at: None,
        deleted_at: None,
        reactions: Vec::new(),
        acknowledged_by: Vec::new(),
    }
}

fn outgoing(text: &str) -> OutgoingMessage {
    OutgoingMessage {
        room_id: general(),
        client_message_id: ClientMessageId::generate(),
        content: text.into(),
        priority: Default::default(),
        reply_to: None,
        mentions: Vec::new(),
        attachments: Vec::new(),
        keeps_draft: false,
    }
}

impl Store {
    /// Runs in one transaction, here and now.
    fn now<T>(&self, work: impl FnOnce(&Transaction<'_>) -> T) -> T {
        self.connections.on_writer(|connection| {
            let transaction = connection.transaction().expect("begins");
            let result = work(&transaction);
            transaction.commit().expect("commits");
            result
        })
    }

    /// Runs as a reader does.
    fn seen<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Error> + Clone) -> T {
        self.connections.read(work).expect("reads")
    }
}

fn unread(transaction: &Transaction<'_>) -> u32 {
    rooms::view(transaction, &me(), &general()).expect("reads").expect("is there").unread
}

/// How many cases a randomised test runs; the full run raises it.
fn cases(few: u64) -> u64 {
    std::env::var("HUGMEDO_CHAT_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(few)
}

/// The seed a randomised test begins with; a failure names the one to replay.
fn first_seed() -> u64 {
    std::env::var("HUGMEDO_CHAT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0)
}

macro_rules! conformance {
    ($($module:ident: $($promise:ident),+;)+) => {
        mod in_memory {
            $($(
                #[test]
                fn $promise() {
                    super::$module::$promise(&super::Store::in_memory(super::Surroundings::real()).expect("opens"));
                }
            )+)+
        }

        mod in_a_file {
            $($(
                #[test]
                fn $promise() {
                    let folder = tempfile::tempdir().expect("a folder");
                    let path = folder.path().join("store.db");
                    let real = super::Surroundings::real();
                    let store = super::Store::open(&path, &super::new_key(), real).expect("opens");
                    super::$module::$promise(&store);
                }
            )+)+
        }
    };
}

conformance! {
    outbox_rules:
        the_same_message_is_put_into_the_queue_once,
        order_within_a_room_holds_while_another_room_goes_on,
        a_message_that_failed_for_good_holds_up_nobody_and_can_be_retried,
        only_what_is_not_on_its_way_can_be_taken_back,
        an_answer_is_written_down_whole_or_not_at_all,
        a_clock_set_back_by_a_day_does_not_hold_a_waiting_message_up_for_a_day,
        an_answer_about_what_was_forgotten_since_claims_nothing,
        what_was_on_its_way_goes_back_into_the_queue,
        work_that_fails_leaves_nothing_behind;
    timeline:
        a_message_that_arrives_by_every_way_is_one_row,
        a_deleted_message_is_not_unread_and_its_text_is_gone,
        an_older_change_never_undoes_a_newer_one,
        a_change_told_late_never_undoes_what_came_with_the_history,
        an_original_told_late_never_undoes_an_edit_that_came_with_the_history,
        a_timeline_is_shown_from_within_one_stretch_without_holes,
        later_rows_end_with_the_newest_and_what_waits_or_at_a_hole,
        a_time_stands_between_the_messages_beside_it,
        coverage_equals_a_plain_set_of_positions_whatever_the_order,
        the_unread_count_and_the_timeline_are_served_by_an_index;
    conversation:
        an_answer_shows_the_beginning_of_what_it_answers_as_it_now_is,
        reactions_are_shown_by_name_and_change_with_the_message,
        unread_mentions_and_urgent_ones_are_counted_apart,
        who_took_an_urgent_message_on_is_shown_also_when_it_was_told_first,
        what_a_message_answers_and_names_goes_out_with_it,
        an_own_message_taken_back_leaves_no_text_behind,
        a_room_is_pinned_and_quiet_until_the_person_chooses_otherwise;
    carrying:
        a_file_is_handed_over_piece_by_piece_and_any_piece_may_come_twice,
        a_message_goes_out_once_the_server_has_its_files_and_then_carries_them,
        only_an_urgent_message_goes_past_one_that_waits_for_its_files,
        a_refused_file_stops_its_message_until_the_person_decides,
        a_message_never_goes_out_without_a_file_that_was_lost,
        what_a_message_carries_can_be_had_in_its_room_until_it_is_taken_back,
        copies_give_way_the_longest_unused_first_and_what_is_unsent_never;
    searching:
        words_of_any_length_are_found_however_they_are_written,
        messages_are_found_by_what_their_files_are_called,
        what_changes_or_goes_is_found_as_it_now_is_or_not_at_all,
        hits_come_newest_first_page_by_page_within_the_asked_bounds,
        the_index_finds_what_looking_through_everything_finds;
    receipts_and_unread:
        unread_is_counted_from_the_read_position_which_only_rises,
        what_is_marked_as_unread_counts_until_it_is_read_again,
        what_others_have_seen_shows_on_own_messages,
        how_far_a_message_has_come_never_falls,
        a_message_notifies_at_most_once;
    keeping:
        a_draft_is_kept_per_room_until_it_is_empty,
        single_values_are_kept,
        forgetting_the_history_keeps_drafts_and_what_is_unsent,
        another_kind_of_server_means_another_history_and_other_positions,
        a_removed_room_takes_everything_in_it_along,
        a_cursor_from_before_a_loss_is_not_taken;
}
