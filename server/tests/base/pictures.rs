//! Small pictures of goods.

use crate::shop::{Place, Shop};
use evertill_server::base_store::{AuditKind, BaseError};
use evertill_shared::protocol::pictures::{LARGEST, Pictures, name_of};

/// As much of a picture as the server looks at; `more` tells one from another.
fn picture(side: u32, more: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    bytes.extend([side.to_be_bytes(), side.to_be_bytes()].concat());
    bytes.extend(more);
    bytes
}

pub async fn goods_have_the_picture_that_was_given_last_and_what_is_none_is_kept_nowhere<P: Place>(
    shop: Shop<P>,
) {
    let (here, there) = shop.two_servers().await;
    assert_eq!(here.pictures().await.unwrap(), Pictures::default());
    assert_eq!(here.versions().await.unwrap().pictures, "");
    let (tea, egg) = (picture(96, b"tea"), picture(512, b"egg"));
    for _ in 0..2 {
        here.set_picture("tea", Some(tea.clone()), "ivy".into()).await.unwrap();
    }
    there.set_picture("tea2", Some(tea.clone()), "ivy".into()).await.unwrap();
    let with_tea = here.versions().await.unwrap().pictures;
    assert_eq!(with_tea, there.pictures().await.unwrap().name());
    let wrong = [
        ("egg", picture(513, b"")),
        ("egg", picture(96, &vec![0; LARGEST])),
        ("egg", b"<svg/>".to_vec()),
        ("", tea.clone()),
        ("a\nb", tea.clone()),
    ];
    for (product, bytes) in wrong {
        let refused = here.set_picture(product, Some(bytes), "ivy".into()).await;
        assert!(matches!(refused, Err(BaseError::Invalid(_))), "{refused:?}");
    }
    assert_eq!(there.versions().await.unwrap().pictures, with_tea);
    here.set_picture("tea", Some(egg.clone()), "ivy".into()).await.unwrap();
    assert_ne!(there.versions().await.unwrap().pictures, with_tea);
    assert_eq!(there.picture(name_of(&egg)).await.unwrap(), Some(egg));
    assert_eq!(there.picture(name_of(&tea)).await.unwrap(), Some(tea.clone()), "other goods still have it");
    here.set_picture("tea2", None, "ivy".into()).await.unwrap();
    assert_eq!(here.picture(name_of(&tea)).await.unwrap(), None, "nothing has it any more");
    here.set_picture("tea", None, "ivy".into()).await.unwrap();
    assert_eq!(there.versions().await.unwrap().pictures, "");
    let trail = here.audit_rows(None, 50).await.unwrap();
    assert_eq!(trail.iter().filter(|row| row.what == AuditKind::PictureChanged).count(), 5);
}
