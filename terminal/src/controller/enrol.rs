//! Bring-up: registering with a one-time code, then waiting to be activated.

use super::{At, Command, Controller, EnrolError, EnrolledAs, Fault};
use crate::config::Identity;
use crate::journal_store::{Journal, JournalError};
use crate::view::{EnrolFailure, EnrolForm, Notice, ScannedCode};
use evertill_hardware::ScanText;
use evertill_shared::secret::SecretText;

/// More characters than any one-time code has.
const LONGEST_CODE: usize = 64;

/// Where bring-up stands.
#[derive(Clone, Debug)]
pub enum Enrolling {
    /// The form.
    Form(EnrolForm),
    /// Registered; IT has to activate.
    Waiting {
        /// The server answered the last question.
        server_answers: bool,
    },
}

impl Controller {
    /// The key is there, and what the till knows of itself.
    pub(super) fn on_started(&mut self, identity: Option<Identity>, fingerprint: String) {
        self.faults.retain(|fault| !matches!(fault, Fault::Own(_)));
        self.fingerprint = fingerprint;
        self.identity = identity;
        match &self.identity {
            Some(identity) if identity.activated => {
                let identity = Box::new(identity.clone());
                self.out.push(Command::OpenJournal(identity));
            }
            Some(_) => self.at = At::Enrol(Enrolling::Waiting { server_answers: false }),
            None => self.at = At::Enrol(Enrolling::Form(self.empty_form())),
        }
    }

    fn empty_form(&self) -> EnrolForm {
        let server = self.options.servers.first().cloned().unwrap_or_default();
        EnrolForm { server, busy: false, failure: None, scanned: None }
    }

    pub(super) fn enrol(&mut self, server: String, code: String) {
        let At::Enrol(Enrolling::Form(form)) = &mut self.at else { return };
        if form.busy {
            return;
        }
        form.server.clone_from(&server);
        form.failure = None;
        let Some(server) = address(&server) else {
            form.failure = Some(EnrolFailure::AddressInvalid);
            return;
        };
        if code.trim().is_empty() {
            form.failure = Some(EnrolFailure::WrongCode { tries_left: None });
            return;
        }
        form.busy = true;
        self.out.push(Command::Enrol { server, code: SecretText::new(code) });
    }

    /// IT's one-time code was scanned. It goes into its box; that it is used takes somebody's touch.
    pub(super) fn scan_enrolment_code(&mut self, text: ScanText) {
        let At::Enrol(Enrolling::Form(form)) = &mut self.at else { return };
        let code = text.expose().trim();
        let right = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if form.busy {
            return;
        }
        if code.is_empty() || code.len() > LONGEST_CODE || !code.bytes().all(right) {
            return self.tell(Notice::NoEnrolmentCode);
        }
        let times = form.scanned.as_ref().map_or(0, |scanned| scanned.times);
        form.failure = None;
        form.scanned =
            Some(ScannedCode { code: SecretText::new(code.to_owned()), times: times.wrapping_add(1) });
        self.notices.over();
    }

    pub(super) fn on_enrolled(&mut self, result: Result<EnrolledAs, EnrolError>) {
        let At::Enrol(Enrolling::Form(form)) = &mut self.at else { return };
        form.busy = false;
        let EnrolledAs { server, enrolled } = match result {
            Ok(done) => done,
            Err(EnrolError(failure)) => {
                form.failure = Some(failure);
                return;
            }
        };
        let mut servers = vec![server];
        servers.extend(
            self.options.servers.iter().filter(|other| !servers.contains(other)).cloned().collect::<Vec<_>>(),
        );
        let identity = Identity {
            servers,
            terminal: enrolled.terminal,
            name: enrolled.name,
            epoch: enrolled.epoch,
            registration_code: enrolled.registration_code,
            store: enrolled.store,
            activated: false,
        };
        self.out.push(Command::SaveIdentity(Box::new(identity.clone())));
        self.identity = Some(identity);
        self.at = At::Enrol(Enrolling::Waiting { server_answers: true });
        self.sync.suspect(self.now.monotonic);
    }

    pub(super) fn enrol_restart(&mut self) {
        if !matches!(self.at, At::Enrol(Enrolling::Waiting { .. })) {
            return;
        }
        self.identity = None;
        self.status = None;
        self.out.push(Command::ForgetIdentity);
        self.at = At::Enrol(Enrolling::Form(self.empty_form()));
    }

    /// IT has activated the till: from here on it keeps a journal.
    pub(super) fn activated(&mut self) {
        let Some(identity) = &mut self.identity else { return };
        if !identity.activated {
            identity.activated = true;
            let identity = identity.clone();
            self.out.push(Command::SaveIdentity(Box::new(identity.clone())));
            self.out.push(Command::OpenJournal(Box::new(identity)));
            self.at = At::Starting;
        }
    }

    pub(super) fn on_journal(&mut self, result: Result<Box<dyn Journal>, JournalError>) {
        match result {
            Ok(journal) => {
                self.journal = Some(journal);
                self.watches.clear();
                self.leave_serial();
                self.forget_sale();
                self.at = At::Sale;
                self.resume();
                self.resume_paying_out();
                self.lock_at_start();
                self.check_head();
            }
            Err(error) => self.journal_failed(error),
        }
    }
}

/// What was typed as `https://host:port`; `None` if it is no address.
fn address(typed: &str) -> Option<String> {
    let typed = typed.trim();
    let host = typed.strip_prefix("https://").unwrap_or(typed).trim_end_matches('/');
    let good = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b);
    (!host.is_empty() && host.bytes().all(good)).then(|| format!("https://{host}"))
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn an_address_is_taken_with_or_without_its_scheme_and_never_without_tls() {
        assert_eq!(address(" till.example:8443/ ").as_deref(), Some("https://till.example:8443"));
        assert_eq!(address("https://[::1]:8443").as_deref(), Some("https://[::1]:8443"));
        for bad in ["", "https://", "http://till.example", "a b", "host/path"] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }
}
