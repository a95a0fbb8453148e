//! What stands on code pages. From other tables than the program's own, so that neither judges itself.

use encoding_rs::{
    IBM866, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253, WINDOWS_1254, WINDOWS_1257,
};
use oem_cp::code_table::{
    DECODING_TABLE_CP437, DECODING_TABLE_CP737, DECODING_TABLE_CP850, DECODING_TABLE_CP852,
    DECODING_TABLE_CP858, DECODING_TABLE_CP860, DECODING_TABLE_CP863, DECODING_TABLE_CP865,
};

/// The character of a byte from 80 hex on a page; `None` if there is none, or no such page.
pub(super) fn character(page: &str, byte: u8) -> Option<char> {
    let table = match page {
        "PC437" => &DECODING_TABLE_CP437,
        "PC737" => &DECODING_TABLE_CP737,
        "PC850" => &DECODING_TABLE_CP850,
        "PC852" => &DECODING_TABLE_CP852,
        "PC858" => &DECODING_TABLE_CP858,
        "PC860" => &DECODING_TABLE_CP860,
        "PC863" => &DECODING_TABLE_CP863,
        "PC865" => &DECODING_TABLE_CP865,
        _ => return of_windows(page, byte),
    };
    table.get(usize::from(byte.checked_sub(0x80)?)).copied()
}

fn of_windows(page: &str, byte: u8) -> Option<char> {
    let encoding = match page {
        "PC866" => IBM866,
        "WPC1250" => WINDOWS_1250,
        "WPC1251" => WINDOWS_1251,
        "WPC1252" => WINDOWS_1252,
        "WPC1253" => WINDOWS_1253,
        "WPC1254" => WINDOWS_1254,
        "WPC1257" => WINDOWS_1257,
        _ => return None,
    };
    let text = [byte];
    let (text, broken) = encoding.decode_without_bom_handling(&text);
    text.chars().next().filter(|_| !broken)
}
