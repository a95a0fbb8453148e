//! Fonts on a system that has none. The screens bring their own font, but the text engine also asks the system's
//! fontconfig for others, and stops the whole program when that has no font at all. Then the program starts itself
//! anew, with a fontconfig that knows the till's own font.

use crate::print::letters::FONT;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::panic;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// Where fontconfig looks for its settings.
const VARIABLE: &str = "FONTCONFIG_FILE";

/// Why the till's own font could not be put in the place of the system's.
#[derive(Debug, thiserror::Error)]
pub enum FontError {
    /// The font could not be put into the till's directory, or the program not be started anew.
    #[error("the system has no fonts, and the till's own cannot be put into its directory: {0}")]
    Io(#[from] io::Error),
    /// Even so there are none.
    #[error("the system has no fonts; install one, for example the package fonts-dejavu-core")]
    None,
}

/// Returns if there are fonts to work with. If there are none, puts the till's own font into its directory and starts
/// this program anew with it, so that this does not return; call it before there are threads.
/// # Errors
/// Neither worked: a window cannot be made.
pub fn ensure(data: &Path) -> Result<(), FontError> {
    if found() {
        return Ok(());
    }
    let settings = install(&data.join("fonts"))?;
    if std::env::var_os(VARIABLE) == Some(settings.clone()) {
        return Err(FontError::None);
    }
    tracing::warn!("the system has no fonts: the till starts anew with its own");
    let error = Command::new(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env(VARIABLE, settings)
        .exec();
    Err(error.into())
}

/// The letters among these that the screens' own font does not have, each once. Where no font of the system has them either,
/// nothing is drawn in their place.
#[must_use]
pub fn lacking(letters: impl Iterator<Item = char>) -> String {
    lacking_in(FONT, letters)
}

fn lacking_in(font: &'static [u8], letters: impl Iterator<Item = char>) -> String {
    let options = fontique::CollectionOptions { shared: false, system_fonts: false };
    let found = fontique::Collection::new(options).register_fonts(fontique::Blob::new(Arc::new(font)), None);
    let index = found.first().and_then(|(_, fonts)| fonts.first()).map(fontique::FontInfo::charmap_index);
    let Some(known) = index.and_then(|index| index.charmap(font)) else { return String::new() };
    let seen: BTreeSet<char> = letters.filter(|c| !c.is_whitespace()).collect();
    seen.into_iter().filter(|c| known.map(*c).is_none_or(|glyph| glyph == 0)).collect()
}

/// Whether the text engine gets on with the system's fonts. Nothing but asking it tells: it panics when it does not.
fn found() -> bool {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let options = fontique::CollectionOptions { shared: false, system_fonts: true };
    let asked = panic::catch_unwind(|| drop(fontique::Collection::new(options)));
    panic::set_hook(hook);
    asked.is_ok()
}

/// Writes the font and settings that name it; gives the path of the settings.
fn install(dir: &Path) -> io::Result<OsString> {
    fs::create_dir_all(dir)?;
    let dir = dir.canonicalize()?;
    let font = dir.join("NotoSansSC-Regular.otf");
    if fs::metadata(&font).map_or(true, |found| found.len() != FONT.len() as u64) {
        fs::write(&font, FONT)?;
    }
    let settings = dir.join("fonts.conf");
    let place = escape(dir.to_str().ok_or_else(|| io::Error::other("the directory's name is not text"))?);
    let text = format!(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE fontconfig SYSTEM \"fonts.dtd\">\n\
         <fontconfig>\n  <dir>{place}</dir>\n  <cachedir>{place}/cache</cachedir>\n</fontconfig>\n"
    );
    fs::write(&settings, text)?;
    Ok(settings.into_os_string())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOLD: &[u8] = include_bytes!("../ui/fonts/NotoSansSC-Bold.otf");
    /// The Table of General Standard Chinese Characters.
    const GENERAL_STANDARD: &str = include_str!("../ui/fonts/general-standard.txt");

    /// What either weight lacks of a text.
    fn has(text: &str) -> String {
        let [regular, bold] = [FONT, BOLD].map(|font| lacking_in(font, text.chars()));
        assert_eq!(regular, bold);
        regular
    }

    #[test]
    fn each_character_that_a_name_in_china_may_have_is_in_both_weights() {
        let table: String = GENERAL_STANDARD.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(table.chars().collect::<BTreeSet<char>>().len(), 8_105);
        assert_eq!(has(&table), "");
        assert_eq!(has("李玥 王珺 刘喆 陈堃 杨垚 赵昇 双囍 周璟 吴煊 龚䶮 𬍡 镕 犇"), "");
    }

    #[test]
    fn it_is_known_which_letters_the_screens_have() {
        let latin: String = ('\u{A1}'..='\u{17F}').filter(|c| *c != '\u{AD}').collect();
        assert_eq!((latin.chars().count(), has(&latin).as_str()), (222, ""));
        assert_eq!(has("Total ¥12.50 “合计” 绿茶 …\n"), "");
        for (language, letters, lacks) in [
            ("German", "äöüÄÖÜß", ""),
            ("French", "àâæçéèêëîïôœùûüÿÀÇÉŒŸ«»", ""),
            ("Spanish", "áéíñóúü¿¡", ""),
            ("Portuguese", "ãõâêôáéíóúçà", ""),
            ("Italian", "àèéìòù", ""),
            ("Swedish", "åäöÅÄÖ", ""),
            ("Russian", "абвгдежзийклмнопрстуфхцчшщъыьэюяё", ""),
            ("Polish", "ąćęłńóśźżŁŻ", ""),
            ("Turkish", "çğıİöşü", ""),
            ("Czech", "áčďéěíňóřšťúůýž", ""),
            ("Hungarian", "áéíóöőúüű", ""),
            ("Romanian", "ăâîșțşţ", ""),
            ("Latvian", "āčēģīķļņšūž", ""),
            ("Greek", "αβγδέήίό", "έήίό"),
            ("Thai", "ภาษา", "ภษา"),
        ] {
            assert_eq!(has(letters), lacks, "{language}");
        }
    }
}
