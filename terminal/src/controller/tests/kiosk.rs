//! A till that is all that there is on the screen: the one way out, and who may take it.

use super::approval::{approve, everybody};
use super::duty::log_in;
use super::rig::*;
use crate::controller::*;
use crate::view::Page;
use evertill_shared::rights::Right;

fn kiosk(login: Option<&str>) -> Till {
    let mut till = match login {
        Some(login) => {
            let mut till = super::duty::locked_for(everybody(), &std::collections::BTreeMap::new());
            log_in(&mut till, login);
            till
        }
        None => Till::online(),
    };
    till.controller.options.kiosk = true;
    till.other.clear();
    till
}

fn ended(till: &Till) -> usize {
    till.other.iter().filter(|command| matches!(command, Command::EndProgram)).count()
}

fn ask(till: &mut Till) {
    till.act(UserAction::OpenAbout);
    till.act(UserAction::EndProgram);
}

#[test]
fn kiosk_ends_by_the_pin_of_somebody_who_holds_the_right_whoever_serves() {
    for login in ["lin", "ivy"] {
        let mut till = kiosk(Some(login));
        ask(&mut till);
        assert_eq!(ended(&till), 0, "{login} may have stepped away: one touch ends nothing");
        approve(&mut till, login);
        assert_eq!(ended(&till), 1, "{login}");
    }
    let mut till = kiosk(Some("mei"));
    ask(&mut till);
    let Page::Approval(page) = till.page() else { panic!("{:?}", till.page()) };
    let people: Vec<_> = page.people.iter().map(|person| person.login.as_str()).collect();
    assert_eq!((page.right, people), (Right::LeaveKiosk, vec!["ivy", "lin", "wang"]));
    till.act(UserAction::Back);
    till.act(UserAction::EndProgram);
    assert_eq!(ended(&till), 0, "no PIN was typed");
    approve(&mut till, "ivy");
    assert_eq!(ended(&till), 1);
}

#[test]
fn kiosk_is_not_left_by_anything_else() {
    let mut till = kiosk(Some("lin"));
    till.act(UserAction::EndProgram);
    till.act(UserAction::Back);
    till.act(UserAction::OpenAbout);
    till.act(UserAction::Lock);
    till.act(UserAction::EndProgram);
    assert_eq!(ended(&till), 0, "the page was another, or the till was locked");
    let mut nobody = kiosk(None);
    ask(&mut nobody);
    assert_eq!(ended(&nobody), 0, "without PINs nobody can show that they may");
    assert_eq!(nobody.notice(), Some(&Notice::NobodyMayApprove));
    let mut till = kiosk(Some("lin"));
    till.controller.options.kiosk = false;
    ask(&mut till);
    assert_eq!(ended(&till), 0, "a till in a window is closed as windows are");
}
