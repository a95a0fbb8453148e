//! Models of scanners, from data: those that come with the till, and the shop's own.

use evertill_hardware::label::OwnMarks;
use evertill_hardware::scanner::Marks;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The models that come with the till.
const BUNDLED: &str = include_str!("scanners.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    #[serde(default)]
    frame: FrameName,
    #[serde(default)]
    marks: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FrameName {
    #[default]
    LineEnds,
    StxEtx,
    Etx,
    Eot,
}

/// What is particular about a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScannerModel {
    /// What stands around each code.
    pub frame: Marks,
    /// What stands in front of each code, if it marks them in its maker's way.
    pub marks: Option<OwnMarks>,
}

/// What is particular about the model of this name; `own` is the shop's own list, which goes before ours.
/// # Errors
/// The own list is none, or there is no such model.
pub(super) fn model(name: &str, own: Option<&str>) -> Result<ScannerModel, String> {
    let mut models = read(BUNDLED)?;
    if let Some(own) = own {
        models.extend(read(own).map_err(|why| format!("scanners.toml: {why}"))?);
    }
    let known = || models.keys().cloned().collect::<Vec<_>>().join(", ");
    let model =
        models.get(name).ok_or_else(|| format!("model {name:?} is not known; known are {}", known()))?;
    let marks = model.marks.iter().map(|(mark, meaning)| (mark.as_str(), meaning.as_str()));
    let own = (!model.marks.is_empty()).then(|| OwnMarks::new(marks)).transpose();
    Ok(ScannerModel {
        frame: match model.frame {
            FrameName::LineEnds => Marks::LineEnds,
            FrameName::StxEtx => Marks::StxEtx,
            FrameName::Etx => Marks::Etx,
            FrameName::Eot => Marks::Eot,
        },
        marks: own.map_err(|error| format!("[{name}] {error}"))?,
    })
}

fn read(text: &str) -> Result<BTreeMap<String, Model>, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_hardware::ScanText;
    use evertill_hardware::label::{LabelKind, Prefixes, classify_with};

    #[test]
    fn the_models_that_come_with_the_till_are_whole_and_say_what_the_program_says() {
        for name in read(BUNDLED).unwrap().keys() {
            model(name, None).unwrap_or_else(|why| panic!("{why}"));
        }
        assert_eq!(model("stx-etx", None).unwrap().frame, Marks::StxEtx);
        let read = |prefixes, text: &str| {
            let label = classify_with(ScanText::new(text.into()), prefixes);
            (label.kind, label.code(), label.aim)
        };
        for (name, prefixes) in [("zebra", Prefixes::Zebra), ("datalogic", Prefixes::Datalogic)] {
            let own = Prefixes::Own(model(name, None).unwrap().marks.unwrap());
            for mark in
                ["A", "B", "C", "D", "K", "R", "T", "k", "t", "y", "QR", "P00", "P01", "P0G", "P0Q", "Z", ""]
            {
                for code in
                    ["6901234567892", "96385074", "01234565", "0106901234567892", "134567890123456789"]
                {
                    let text = format!("{mark}{code}");
                    let (ours, theirs) = (read(own, &text), read(prefixes, &text));
                    // An EAN of eight digits may be a UPC-E, where the letter is of both.
                    assert_eq!(ours, theirs, "{name} {text}");
                }
            }
        }
        let honeywell = Prefixes::Own(model("honeywell", None).unwrap().marks.unwrap());
        assert!(matches!(read(honeywell, "d6901234567892").0, LabelKind::Article(_)));
        assert_eq!(read(honeywell, "j134567890123456789").1, "134567890123456789");
        assert_eq!(read(honeywell, "6901234567892").0, LabelKind::Other);
    }

    #[test]
    fn a_shops_own_models_go_before_ours_and_are_checked() {
        let own = "[newland]\nmarks = { d = \"]E0\", s = \"]Q1\" }\nframe = \"etx\"";
        let newland = model("newland", Some(own)).unwrap();
        assert_eq!((newland.frame, newland.marks.is_some()), (Marks::Etx, true));
        assert!(model("newland", None).unwrap_err().contains("honeywell"));
        for wrong in ["[x]\nframe = \"crlf\"", "[x]\nmark = {}", "x"] {
            assert!(model("x", Some(wrong)).unwrap_err().starts_with("scanners.toml"), "{wrong}");
        }
        assert!(model("x", Some("[x]\nmarks = { d = \"EAN\" }")).unwrap_err().contains("]E0"));
    }
}
