//! Wallets on the screens: a place each, in the order of [`Wallet::ALL`], and names that are data and no words of the screens.

use super::generated::Wallets;
use super::list;
use crate::view::{Language, Wallet};
use slint::{ModelRc, SharedString};

/// The place of no wallet.
pub const NONE: i32 = -1;

/// Where that wallet stands.
pub fn place(wallet: Wallet) -> i32 {
    i32::try_from(wallet.place()).unwrap_or(NONE)
}

/// The wallet that stands there.
pub fn at(place: i32) -> Option<Wallet> {
    Wallet::ALL.get(usize::try_from(place).ok()?).copied()
}

/// The places of several, if they are others than those on screen.
pub fn places(before: &ModelRc<i32>, wallets: &[Wallet]) -> Option<ModelRc<i32>> {
    list::update(before, wallets.iter().map(|wallet| place(*wallet)).collect())
}

/// Has a window call them as people of that language do.
pub fn name_them(view: &Wallets, language: Language) {
    let names = Wallet::ALL.map(|wallet| language.of(wallet.name()));
    let all = names.join(language.comma());
    if view.get_all() == all.as_str() {
        return;
    }
    let model = |names: Vec<&str>| {
        ModelRc::from(names.into_iter().map(SharedString::from).collect::<Vec<_>>().as_slice())
    };
    view.set_names(model(names.to_vec()));
    view.set_short_names(model(Wallet::ALL.map(|wallet| language.of(wallet.short_name())).to_vec()));
    view.set_all(all.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wallet_has_a_place_and_no_other_place_has_one() {
        for wallet in Wallet::ALL {
            assert_eq!(at(place(wallet)), Some(wallet));
        }
        let beyond = i32::try_from(Wallet::ALL.len()).unwrap();
        assert_eq!([NONE, beyond, i32::MIN, i32::MAX].map(at), [None; 4]);
    }
}
