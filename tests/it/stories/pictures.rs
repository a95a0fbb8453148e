//! Pictures of goods go from staff to tills, and nothing else goes that way.

use super::shop;
use evertill_provisioning::client::ClientError;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::path;
use evertill_shared::protocol::pictures::{Picture, Pictures, name_of};
use evertill_shared::protocol::staff::SetPicture;
use evertill_terminal::picture_store::PictureStore;

fn a_png(width: u32, height: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![90; (width * height) as usize]).unwrap();
    writer.finish().unwrap();
    out
}

fn refused<T>(answer: Result<T, ClientError>) -> Option<ErrorCode> {
    match answer {
        Err(ClientError::Api(error)) => Some(error.code),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_staff_set_is_what_the_till_decodes() {
    let shop = shop().await;
    let till = shop.rig.scripted_till("Till").await.unwrap();
    assert_eq!(till.status().await.unwrap().pictures, Some(String::new()));
    let png = a_png(200, 100);
    let set = |bytes: &[u8]| SetPicture { product: "apple".into(), picture: Some(Picture::new(bytes)) };
    let manager = shop.rig.staff("it").await.unwrap();
    assert_eq!(refused(manager.set_picture(&set(b"<svg/>")).await), Some(ErrorCode::BadRequest));
    manager.set_picture(&set(&png)).await.unwrap();
    let list: Pictures = till.client.get(path::PICTURES, "").await.unwrap();
    assert_eq!(till.status().await.unwrap().pictures, Some(list.name()));
    let name = list.of["apple"].clone();
    assert_eq!(name, name_of(&png));
    let picture: Picture = till.client.get(&path::PICTURE.replace("{name}", &name), "").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = PictureStore::new(folder.path());
    store.keep(&name, &picture.bytes().unwrap()).unwrap();
    assert_eq!(store.thumb(&name).map(|thumb| (thumb.width, thumb.height)), Some((96, 48)));
    let none: Result<Picture, _> =
        till.client.get(&path::PICTURE.replace("{name}", &"0".repeat(64)), "").await;
    assert_eq!(refused(none), Some(ErrorCode::NotFound));
}
