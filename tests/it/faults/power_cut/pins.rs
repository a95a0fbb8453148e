//! The till's count of wrong PINs: whoever pulls the plug after some tries gets no new ones.

use super::{luck, record, recorded_folder, workbench};
use crate::shop::{place, seed};
use evertill_provisioning::keystore::DeviceKey;
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::id::TerminalId;
use evertill_shared::journal::Head;
use evertill_shared::signing::SigningKey;
use evertill_terminal::journal_store::JournalStore;
use evertill_terminal::staff_store::StaffStore;
use evertill_tests::rig::power_cut::{Seeded, put};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const COUNTS: &str = "EVERTILL_TEST_PINS_OF";
const LOGIN: &str = "mei";

/// The counts are not sealed: any key opens them.
fn open(folder: &Path) -> StaffStore {
    StaffStore::open(&folder.join("till.db"), Arc::new(DeviceKey::generate().unwrap())).unwrap()
}

/// Not a test by itself: the till whose power is cut.
#[test]
fn counts_wrong_pins_until_it_is_killed() {
    let (Some(folder), Ok(_)) = (recorded_folder(), std::env::var(COUNTS)) else { return };
    let key = SigningKey::from_seed(&[7; 32], "T0001:1".into()).unwrap();
    let start = Head::start(TerminalId::try_from(1).unwrap(), 1);
    // It makes the file, and has it open for as long as the till runs.
    let _journal =
        JournalStore::open(&folder.join("till.db"), start, Arc::new(key), SystemClock.now()).unwrap();
    let store = open(&folder);
    for wrong in 1_u32.. {
        store.keep_wrong_pins(&BTreeMap::from([(LOGIN.to_owned(), wrong)])).unwrap();
        println!("acknowledged {wrong} {}", SystemClock.now().0);
    }
}

#[test]
fn nothing_lost_wrong_pins_that_were_counted_are_so_after_a_power_cut() {
    let place = place("power-cut-pins");
    let seed = seed();
    let test = "power_cut::pins::counts_wrong_pins_until_it_is_killed";
    let (told, recording) = record(&place, test, &[(COUNTS, "till")], 40);
    let bench = workbench(&place);
    let mut random = Seeded::new(seed);
    let cuts = recording.cuts(90, &mut random);
    let mut replay = recording.replay();
    let mut checked = 0;
    for cut in &cuts {
        replay.advance(*cut);
        let kept = told.iter().rfind(|told| told.at_us <= replay.at_us()).map_or(0, |told| told.number);
        if kept == 0 {
            continue;
        }
        let luck = luck(&mut random);
        put(&replay.cut(luck, &mut random), &bench).unwrap();
        let counts = open(&bench).wrong_pins().unwrap();
        let counted = counts.get(LOGIN).copied().map_or(0, u64::from);
        assert!(
            counted >= kept,
            "seed {seed}, cut {cut}, {luck:?}: {kept} were counted, {counted} are there"
        );
        checked += 1;
    }
    println!("{} syncs, {} cuts, {checked} of them after the first count", recording.syncs(), cuts.len());
    assert!(checked > 30, "hardly anything was checked: {checked}");
}
