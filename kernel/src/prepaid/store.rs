//! All the SQL of gift cards and store credit. Entries are inserted and summed; nothing deletes them, and nothing updates them but that
//! words about somebody are forgotten.

mod accounts;
mod entries;

pub(super) use accounts::{
    count_version, credit_account, find_by_hash, find_credit, find_gift_card, gift_cards, gift_cards_ending_in,
    insert_gift_card, lock, lock_usable, standing, update_gift_card,
};
pub(super) use entries::{
    balance, credits_of, entries, forget_reasons, forget_reasons_of, gift_card_entries, insert_entry, taken,
};
