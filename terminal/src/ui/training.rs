//! The bar of a till in training, and the way into it.

use super::Act;
use super::generated::{About, MainWindow, PracticeKind, Till};
use crate::view::{PracticeCustomer, TrainingBar, UserAction};
use slint::ComponentHandle;

pub fn connect(window: &MainWindow, act: &Act) {
    let send = act.clone();
    window.global::<About>().on_begin_training(move || send(UserAction::BeginTraining));
    let till = window.global::<Till>();
    let send = act.clone();
    till.on_end_training(move || send(UserAction::EndTraining));
    let send = act.clone();
    till.on_practise(move |customer| {
        send(UserAction::PracticeScan(match customer {
            PracticeKind::Pays => PracticeCustomer::Pays,
            PracticeKind::IsAsked => PracticeCustomer::IsAsked,
            PracticeKind::HasNoMoney => PracticeCustomer::HasNoMoney,
            PracticeKind::StaysSilent => PracticeCustomer::StaysSilent,
        }));
    });
}

pub fn show(window: &MainWindow, bar: Option<TrainingBar>) {
    let till = window.global::<Till>();
    till.set_training(bar.is_some());
    till.set_practice_code(bar.is_some_and(|bar| bar.takes_code));
}
