//! Bring-up of a new till.

use super::Act;
use super::generated::{Enrol, EnrolFailureKind, MainWindow};
use super::notice::seconds;
use super::qr::qr_image;
use super::status::whole;
use crate::secret_code;
use crate::view::{EnrolFailure, EnrolPage, EnrolWaiting, UserAction};
use slint::ComponentHandle;

pub fn connect(window: &MainWindow, act: &Act) {
    let enrol = window.global::<Enrol>();
    let (send, weak) = (act.clone(), window.as_weak());
    enrol.on_submit(move |server, code| {
        if let Some(window) = weak.upgrade() {
            let enrol = window.global::<Enrol>();
            if secret_code::stands_in_words(&server) {
                enrol.set_server(slint::SharedString::new());
            }
            if secret_code::stands_in_words(&code) {
                enrol.set_code(slint::SharedString::new());
            }
        }
        send(UserAction::EnrolSubmit { server: server.trim().to_owned(), code: code.trim().to_owned() });
    });
    let send = act.clone();
    enrol.on_restart(move || send(UserAction::EnrolRestart));
}

pub fn show(window: &MainWindow, page: &EnrolPage, fresh: bool) {
    let enrol = window.global::<Enrol>();
    match page {
        EnrolPage::Form(form) => {
            // After that the boxes belong to the person who is typing.
            if fresh || enrol.get_waiting() {
                enrol.set_server(form.server.as_str().into());
                enrol.set_code(slint::SharedString::new());
            }
            let times = form.scanned.as_ref().map_or(0, |scanned| scanned.times.cast_signed());
            if let Some(scanned) = form.scanned.as_ref().filter(|_| times != enrol.get_scanned()) {
                enrol.set_code(scanned.code.expose().into());
            }
            enrol.set_scanned(times);
            enrol.set_busy(form.busy);
            let (kind, count, text) = failure(form.failure.as_ref());
            enrol.set_failure(kind);
            enrol.set_failure_count(count);
            enrol.set_failure_text(text.into());
            enrol.set_waiting(false);
        }
        EnrolPage::Waiting(waiting) => show_waiting(&enrol, waiting),
    }
}

fn show_waiting(enrol: &Enrol<'_>, waiting: &EnrolWaiting) {
    enrol.set_server(waiting.server.as_str().into());
    enrol.set_registration_code(waiting.registration_code.as_str().into());
    enrol.set_fingerprint(waiting.fingerprint.as_str().into());
    enrol.set_server_answers(waiting.server_answers);
    if enrol.get_qr_text() != waiting.qr.as_str() {
        enrol.set_qr(qr_image(&waiting.qr));
        enrol.set_qr_text(waiting.qr.as_str().into());
    }
    enrol.set_waiting(true);
}

fn failure(failure: Option<&EnrolFailure>) -> (EnrolFailureKind, i32, &str) {
    use EnrolFailureKind as K;
    match failure {
        None => (K::None, -1, ""),
        Some(EnrolFailure::AddressInvalid) => (K::AddressInvalid, -1, ""),
        Some(EnrolFailure::WrongCode { tries_left }) => (K::WrongCode, tries_left.map_or(-1, whole), ""),
        Some(EnrolFailure::CodeSpent) => (K::CodeSpent, -1, ""),
        Some(EnrolFailure::Blocked { wait_seconds }) => (K::Blocked, wait_seconds.map_or(-1, whole), ""),
        Some(EnrolFailure::NoNetwork) => (K::NoNetwork, -1, ""),
        Some(EnrolFailure::ServerUntrusted) => (K::ServerUntrusted, -1, ""),
        Some(EnrolFailure::ClockWrong { ahead_seconds }) => (K::ClockWrong, seconds(*ahead_seconds), ""),
        Some(EnrolFailure::Refused { code }) => (K::Refused, -1, code.as_str()),
    }
}
