//! The goods' pictures come when the sale leaves time, and never stand in its way.

use super::rig::*;
use crate::controller::*;
use crate::sync::{Answer, NetError};
use crate::view::Page;
use evertill_shared::protocol::error::{ApiError, ErrorCode};
use evertill_shared::protocol::pictures::{Picture, Pictures, name_of};

fn a_picture(more: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    bytes.extend([96_u32.to_be_bytes(), 96_u32.to_be_bytes()].concat());
    bytes.extend(more);
    bytes
}

fn hears(till: &mut Till, list: Option<&Pictures>) {
    let status = till.status(TerminalState::Active);
    let status = TerminalStatus { pictures: list.map(Pictures::name), ..status };
    till.give(Input::Net(Answer::Heartbeat(Ok(status))));
    till.pass(1);
}

fn asks_for_the_list(till: &mut Till) -> bool {
    till.take(|request| matches!(request, Request::Pictures).then_some(())).is_some()
}

fn wants(till: &mut Till) -> Option<String> {
    till.pass(1);
    till.take(|request| if let Request::Picture { name } = request { Some(name.clone()) } else { None })
}

fn comes(till: &mut Till, name: &str, result: Result<Picture, NetError>) {
    till.give(Input::Net(Answer::Picture { name: name.into(), result }));
}

fn to_be_kept(till: &mut Till) -> Vec<String> {
    let all = std::mem::take(&mut till.other);
    let name = |command| if let Command::KeepPicture { name, .. } = command { Some(name) } else { None };
    all.into_iter().filter_map(name).collect()
}

fn sale_page(till: &Till) -> &crate::view::SalePage {
    let Page::Sale(page) = till.page() else { panic!("{:?}", till.page()) };
    page
}

fn shown(till: &Till) -> Vec<Option<String>> {
    sale_page(till).favourites.iter().map(|good| good.picture.clone()).collect()
}

/// A till with a list of pictures of two favourites and of goods that are none, and their names.
fn with_list() -> (Till, Pictures, [Vec<u8>; 2]) {
    let mut till = Till::online();
    let ids: Vec<String> = sale_page(&till).favourites.iter().map(|good| good.id.clone()).collect();
    let pictures = [a_picture(b"1"), a_picture(b"2")];
    let mut list = Pictures::default();
    list.of.insert("no favourite".into(), name_of(b"3"));
    for (id, picture) in ids.iter().zip(&pictures) {
        list.of.insert(id.clone(), name_of(picture));
    }
    hears(&mut till, Some(&list));
    assert!(asks_for_the_list(&mut till));
    till.give(Input::Net(Answer::Pictures(Ok(list.clone()))));
    (till, list, pictures)
}

#[test]
fn pictures_of_the_goods_to_tap_are_asked_for_one_by_one_and_shown_when_they_are_kept() {
    let mut till = Till::online();
    hears(&mut till, None);
    assert!(!asks_for_the_list(&mut till), "a server from before gives none");
    hears(&mut till, Some(&Pictures::default()));
    assert!(!asks_for_the_list(&mut till), "the shop has none");
    let (mut till, list, pictures) = with_list();
    hears(&mut till, Some(&list));
    assert!(!asks_for_the_list(&mut till), "it is the same list");
    let favourites = shown(&till).len();
    let mut had = 0;
    while let Some(name) = wants(&mut till) {
        assert_eq!(wants(&mut till), None, "one at a time");
        let picture =
            pictures.iter().find(|picture| name_of(picture) == name).expect("only of the goods to tap");
        comes(&mut till, &name, Ok(Picture::new(picture)));
        assert_eq!(to_be_kept(&mut till), std::slice::from_ref(&name));
        assert!(!shown(&till).contains(&Some(name.clone())), "it is not decoded yet");
        till.give(Input::PictureKept { name: name.clone(), is_good: true });
        assert!(shown(&till).contains(&Some(name)));
        had += 1;
    }
    assert_eq!(had, pictures.len().min(favourites));
    hears(&mut till, Some(&Pictures::default()));
    assert!(asks_for_the_list(&mut till));
    till.give(Input::Net(Answer::Pictures(Ok(Pictures::default()))));
    assert!(shown(&till).iter().all(Option::is_none), "they were taken away");
}

#[test]
fn what_is_no_picture_is_asked_for_once_and_its_goods_are_sold_all_the_same() {
    let refused = |code| {
        let server_time = evertill_shared::clock::Timestamp(1);
        NetError::Refused(ApiError { code, message: String::new(), server_time, retry_after_ms: None })
    };
    let answers = [
        Ok(Picture::new(b"no picture")),
        Ok(Picture::new(&a_picture(b"another one"))),
        Err(refused(ErrorCode::NotFound)),
    ];
    for answer in answers {
        let (mut till, ..) = with_list();
        let name = wants(&mut till).unwrap();
        comes(&mut till, &name, answer.clone());
        assert_eq!(to_be_kept(&mut till), Vec::<String>::new());
        till.pass(600);
        assert_ne!(wants(&mut till).as_ref(), Some(&name), "{answer:?}");
        till.scan(TEA);
        assert_eq!(sale_page(&till).lines.len(), 1);
    }
    let (mut till, _, pictures) = with_list();
    let name = wants(&mut till).unwrap();
    let picture = pictures.iter().find(|picture| name_of(picture) == name).unwrap();
    comes(&mut till, &name, Ok(Picture::new(picture)));
    till.give(Input::PictureKept { name: name.clone(), is_good: false });
    till.pass(600);
    assert_ne!(wants(&mut till), Some(name.clone()), "it cannot be decoded, and will not be tomorrow");
    assert!(shown(&till).iter().all(Option::is_none));
}

#[test]
fn a_name_that_is_no_name_of_a_file_is_left_out_and_the_list_is_not_asked_for_over_and_over() {
    let (mut till, mut list, pictures) = with_list();
    let name = wants(&mut till).unwrap();
    comes(&mut till, &name, Ok(Picture::new(&pictures[0])));
    list.of.values_mut().for_each(|name| *name = "../till.toml".into());
    hears(&mut till, Some(&list));
    assert!(asks_for_the_list(&mut till));
    till.give(Input::Net(Answer::Pictures(Ok(list.clone()))));
    assert_eq!(wants(&mut till), None);
    hears(&mut till, Some(&list));
    assert!(!asks_for_the_list(&mut till));
}
