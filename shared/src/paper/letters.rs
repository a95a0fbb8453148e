//! Characters that are drawn for a printer that does not know them. Who draws has the font.

/// How high a character is, in dots.
pub const CELL_HEIGHT: usize = 24;

/// The dots of a character, row by row; the leftmost in the highest bit.
pub type Letter = [u32; CELL_HEIGHT];

/// Draws characters for printers that do not know them.
pub trait Letters: Send + Sync {
    /// Whether it can draw this one.
    fn has(&self, character: char) -> bool;

    /// Draws one `width` dots wide, at most 32; `None` if it cannot.
    fn draw(&self, character: char, width: u8) -> Option<Letter>;
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Draws what has a shape in its font, an empty one, and nothing else.
    pub(crate) struct Drawn;

    impl Letters for Drawn {
        fn has(&self, character: char) -> bool {
            character != '😀' && character != 'é'
        }
        fn draw(&self, character: char, _: u8) -> Option<Letter> {
            self.has(character).then_some([0; CELL_HEIGHT])
        }
    }
}
