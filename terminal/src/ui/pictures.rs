//! The goods' pictures on screen: as many are in memory as there are tiles that show one.

use crate::picture_store::Thumb;
use slint::{Image, Rgb8Pixel, SharedPixelBuffer};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

/// Where pictures come from.
type Load = Box<dyn Fn(&str) -> Option<Thumb>>;

#[derive(Default)]
struct Wall {
    load: Option<Load>,
    /// Nothing for one that could not be loaded: it is not tried with every frame.
    hung: HashMap<String, Option<Image>>,
}

thread_local! {
    static WALL: RefCell<Wall> = RefCell::new(Wall::default());
}

/// Pictures come from here, in this thread.
pub fn come_from(load: impl Fn(&str) -> Option<Thumb> + 'static) {
    WALL.with(|wall| *wall.borrow_mut() = Wall { load: Some(Box::new(load)), hung: HashMap::new() });
}

/// A picture by its name.
pub fn of(name: &str) -> Option<Image> {
    WALL.with(|wall| {
        let Wall { load, hung } = &mut *wall.borrow_mut();
        if let Some(known) = hung.get(name) {
            return known.clone();
        }
        let image = load.as_ref()?(name).as_ref().and_then(image_of);
        hung.insert(name.to_owned(), image.clone());
        image
    })
}

/// Takes down what is not shown any more.
pub fn only(shown: &BTreeSet<&str>) {
    WALL.with(|wall| wall.borrow_mut().hung.retain(|name, _| shown.contains(name.as_str())));
}

fn image_of(thumb: &Thumb) -> Option<Image> {
    let (width, height) = (u32::from(thumb.width), u32::from(thumb.height));
    let mut pixels = SharedPixelBuffer::<Rgb8Pixel>::new(width, height);
    let bytes = pixels.make_mut_bytes();
    // Anything else would be a picture of another size.
    if bytes.len() != thumb.rgb.len() {
        return None;
    }
    bytes.copy_from_slice(&thumb.rgb);
    Some(Image::from_rgb8(pixels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    fn hung() -> usize {
        WALL.with(|wall| wall.borrow().hung.len())
    }

    #[test]
    fn each_picture_is_loaded_once_and_goes_with_its_tile() {
        let loads = Rc::new(Cell::new(0));
        let counted = loads.clone();
        come_from(move |name| {
            counted.set(counted.get() + 1);
            (name != "broken").then(|| Thumb { width: 2, height: 1, rgb: vec![7; 6] })
        });
        for _ in 0..3 {
            assert_eq!(of("tea").map(|image| image.size().width), Some(2));
            assert!(of("broken").is_none());
        }
        assert_eq!((loads.get(), hung()), (2, 2), "what is broken is not tried with every frame");
        only(&BTreeSet::from(["tea", "egg"]));
        assert_eq!(hung(), 1);
        assert!(of("broken").is_none());
        assert_eq!(loads.get(), 3);
        come_from(|_| Some(Thumb { width: 2, height: 2, rgb: vec![7; 6] }));
        assert!(of("tea").is_none(), "pixels of another size");
    }
}
