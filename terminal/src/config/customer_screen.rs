//! Where the customer's window is.

use serde::Deserialize;

/// The smallest window whose words can be read from the other side of the counter, in pixels.
const SMALLEST: [u32; 2] = [640, 400];
/// No desktop reaches further than this.
const FURTHEST: u32 = 32_767;

/// `[customer_screen]`: a second window, on the monitor that the customer sees.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomerScreenConfig {
    /// Its left upper corner on the desktop, in pixels: where the second monitor begins.
    pub position: [i32; 2],
    /// Its width and height in pixels: those of the second monitor.
    pub size: [u32; 2],
}

/// A rectangle on the desktop, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The left edge.
    pub x: i32,
    /// The upper edge.
    pub y: i32,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl Place {
    /// True if some of this lies over some of the other.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let apart = |at: i32, size: u32, other: i32| i64::from(at) + i64::from(size) <= i64::from(other);
        !(apart(self.x, self.width, other.x)
            || apart(other.x, other.width, self.x)
            || apart(self.y, self.height, other.y)
            || apart(other.y, other.height, self.y))
    }
}

impl CustomerScreenConfig {
    /// The rectangle.
    #[must_use]
    pub fn place(&self) -> Place {
        let ([x, y], [width, height]) = (self.position, self.size);
        Place { x, y, width, height }
    }

    /// # Errors
    /// No such window can be looked at.
    pub fn check(&self) -> Result<(), String> {
        let ([x, y], [width, height]) = (self.position, self.size);
        if width < SMALLEST[0] || height < SMALLEST[1] || width.max(height) > FURTHEST {
            return Err(format!("size: from {} x {} pixels", SMALLEST[0], SMALLEST[1]));
        }
        if height > width {
            return Err("size: the screen is wider than it is high".into());
        }
        if x.unsigned_abs().max(y.unsigned_abs()) > FURTHEST {
            return Err(format!("position: {FURTHEST} at most"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_beside_the_till_does_not_lie_over_it_and_one_that_was_moved_does() {
        let till = Place { x: 0, y: 0, width: 1024, height: 768 };
        let beside = Place { x: 1024, y: 0, width: 1024, height: 600 };
        assert!(!till.overlaps(&beside) && !beside.overlaps(&till));
        let above = Place { x: 0, y: -600, ..beside };
        assert!(!till.overlaps(&above) && !above.overlaps(&till));
        for moved in [Place { x: 0, ..beside }, Place { x: 1023, ..beside }, Place { y: 1, ..above }] {
            assert!(till.overlaps(&moved) && moved.overlaps(&till), "{moved:?}");
        }
    }
}
