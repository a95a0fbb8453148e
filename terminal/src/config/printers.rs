//! Models of printers, from data: those that come with the till, and the shop's own.

use super::CompletionName;
use evertill_hardware::escpos::code_pages::{CharacterSet, CodePage, CodePages, MOST_PAGES};
use evertill_hardware::escpos::logo::LogoStore;
use evertill_hardware::escpos::profile::{Profile, TextEncoding, UnknownCharacter};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The models that come with the till.
const BUNDLED: &str = include_str!("printers.toml");
/// The narrowest and the widest paper that a receipt can be laid out for, in columns.
const COLUMNS: std::ops::RangeInclusive<u16> = 16..=96;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    columns: u16,
    dots: u16,
    encoding: EncodingName,
    /// The number of each page, and what stands on it.
    #[serde(default)]
    code_pages: Vec<(u8, String)>,
    completion: CompletionName,
    real_time_status: bool,
    real_time_pulse: bool,
    /// Lists from before this could be said are of printers that were sent pictures.
    #[serde(default = "yes")]
    raster: bool,
    qr: bool,
    /// Lists from before there were bar codes say nothing of them.
    #[serde(default)]
    barcode: bool,
    /// Lists from before logos were kept say nothing of them.
    #[serde(default)]
    logo: LogoName,
    cutter: bool,
    slowest_mm_per_s: u16,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LogoName {
    #[default]
    Never,
    ByKey,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum EncodingName {
    Gb18030,
    Ascii,
    CodePages,
}

impl Model {
    fn encoding(&self) -> Result<TextEncoding, String> {
        match self.encoding {
            EncodingName::CodePages => self.pages().map(TextEncoding::Pages),
            _ if !self.code_pages.is_empty() => Err("code_pages go with encoding = \"code_pages\"".into()),
            EncodingName::Gb18030 => Ok(TextEncoding::Gb18030),
            EncodingName::Ascii => Ok(TextEncoding::Ascii),
        }
    }

    fn pages(&self) -> Result<CodePages, String> {
        let page = |(number, name): &(u8, String)| {
            let set = CharacterSet::named(name).ok_or_else(|| {
                let known = CharacterSet::ALL.map(CharacterSet::name).join(", ");
                format!("code page {name:?} is not known; known are {known}")
            })?;
            Ok(CodePage { number: *number, set })
        };
        let pages = self.code_pages.iter().map(page).collect::<Result<Vec<_>, String>>()?;
        CodePages::new(&pages).ok_or_else(|| format!("code_pages are 1 to {MOST_PAGES}"))
    }

    fn profile(&self) -> Result<Profile, String> {
        Ok(Profile {
            columns: self.columns,
            dots: self.dots,
            encoding: self.encoding()?,
            unknown_character: UnknownCharacter::Replace,
            completion: self.completion.completion(),
            real_time_status: self.real_time_status,
            real_time_pulse: self.real_time_pulse,
            raster: self.raster,
            qr: self.qr,
            barcode: self.barcode,
            logo: match self.logo {
                LogoName::Never => LogoStore::Never,
                LogoName::ByKey => LogoStore::ByKey,
            },
            cutter: self.cutter,
            slowest_mm_per_s: self.slowest_mm_per_s,
        })
    }
}

/// What a model can do; `own` is the shop's own list, which goes before ours.
/// # Errors
/// The own list is none, or there is no such model.
pub(super) fn model(name: &str, own: Option<&str>) -> Result<Profile, String> {
    let mut models = read(BUNDLED)?;
    if let Some(own) = own {
        models.extend(read(own).map_err(|why| format!("printers.toml: {why}"))?);
    }
    let known = || models.keys().cloned().collect::<Vec<_>>().join(", ");
    let model =
        models.get(name).ok_or_else(|| format!("model {name:?} is not known; known are {}", known()))?;
    model.profile()
}

fn read(text: &str) -> Result<BTreeMap<String, Model>, String> {
    let models: BTreeMap<String, Model> = toml::from_str(text).map_err(|error| error.to_string())?;
    for (name, model) in &models {
        // A character of one column is 8 to 14 dots wide on every printer.
        let fits = (8..=14).contains(&(model.dots / model.columns.max(1)));
        if !COLUMNS.contains(&model.columns) || !fits || model.slowest_mm_per_s == 0 {
            return Err(format!("[{name}] its columns, dots or speed cannot be"));
        }
        model.encoding().map_err(|why| format!("[{name}] {why}"))?;
    }
    Ok(models)
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_hardware::escpos::profile::Completion;

    #[test]
    fn the_models_that_come_with_the_till_are_whole_and_include_the_usual_ones() {
        assert_eq!(model("80mm", None), Ok(Profile::paper_80mm()));
        assert_eq!(model("58mm", None), Ok(Profile::paper_58mm()));
        assert_eq!(model("epson-tm-t88v", None).unwrap().completion, Completion::ProcessId);
        assert_eq!(model("epson-tm-t88v", None).unwrap().logo, LogoStore::ByKey);
        assert!(model("nobody", None).unwrap_err().contains("80mm"));
    }

    #[test]
    fn a_model_with_code_pages_knows_the_letters_on_them() {
        let TextEncoding::Pages(pages) = model("epson-tm-t88iii", None).unwrap().encoding else {
            panic!("no pages")
        };
        let numbers = |line: &str| pages.for_line(line).map(|page| page.number);
        assert_eq!(
            (numbers("Crème brûlée"), numbers("Café 2 €"), numbers("Чай")),
            (Some(0), Some(16), Some(17))
        );
        let own = |text: &str| BUNDLED.replace("encoding = \"ascii\"", text);
        assert!(
            model("80mm-ascii", Some(&own("encoding = \"code_pages\"\ncode_pages = [[5, \"cp850\"]]")))
                .is_ok()
        );
        for (wrong, told) in [
            ("encoding = \"code_pages\"", "1 to 16"),
            ("encoding = \"code_pages\"\ncode_pages = [[0, \"cp1\"]]", "known are cp437"),
            ("encoding = \"ascii\"\ncode_pages = [[0, \"cp437\"]]", "go with"),
            ("encoding = \"code_pages\"\ncode_pages = [[256, \"cp437\"]]", "printers.toml"),
        ] {
            let said = model("80mm", Some(&own(wrong))).unwrap_err();
            assert!(said.starts_with("printers.toml") && said.contains(told), "{said}");
        }
    }

    #[test]
    fn a_shops_own_list_goes_before_ours_and_is_checked() {
        let own = BUNDLED.replace("[58mm]", "[ours]").replace("cutter = false", "cutter = true");
        assert!(model("ours", Some(&own)).unwrap().cutter);
        assert!(model("58mm", Some(&own)).is_ok());
        let older = own.replace("barcode = true\n", "");
        let ours = model("ours", Some(&older)).unwrap();
        assert!(!ours.barcode && ours.raster);
        let without = own.replace("[ours]", "[ours]\nraster = false");
        assert!(!model("ours", Some(&without)).unwrap().raster);
        for wrong in [own.replace("dots = 384", "dots = 38"), "[x]\ncolumns = 1".into(), "x".into()] {
            assert!(model("80mm", Some(&wrong)).unwrap_err().starts_with("printers.toml"));
        }
    }
}
