//! Which part a till gets. Pure: by what there is, the till's version, and where it says that it stands.

use super::stored::{Contents, Upload};
use evertill_shared::protocol::catalogue::Place;

/// What the till gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// It has everything.
    Unchanged,
    /// This part.
    Part {
        upload: Upload,
        at: Place,
        /// The first of all.
        first: bool,
        next: Option<Place>,
    },
}

/// Which part a till gets that has everything up to `since`, and was told to go on at `at`. A place that is no longer
/// there, or never was, begins anew: with what changed if that is known, with everything if not.
///
/// `of` is the name of version `since`, or, with a place, of the version that its parts led to. If these are not the names
/// of this catalogue's versions, the till's numbers are those of another history, from before this store was put back to
/// an older state: then it gets everything. A till that knows no names is believed its numbers.
pub(super) fn given(contents: &Contents, since: u64, of: Option<&str>, at: Place) -> Given {
    if at != Place::default()
        && of.is_none_or(|of| contents.names(of, at.step))
        && let Some(upload) = upload_at(contents, at)
    {
        return part(contents, upload, at, false);
    }
    let is_ours = of.is_none_or(|of| contents.name_of(since) == Some(of));
    if is_ours && since == contents.version {
        return Given::Unchanged;
    }
    let at = if is_ours && since < contents.version && reaches(contents, since + 1) {
        Place { whole: false, step: since + 1, part: 0 }
    } else {
        Place { whole: true, step: contents.base_version, part: 0 }
    };
    match upload_at(contents, at) {
        Some(upload) => part(contents, upload, at, true),
        // A base without parts is an empty one; what follows it is everything.
        None => Given::Part { upload: contents.base.clone(), at, first: true, next: after(contents, at, 0) },
    }
}

/// Whether all steps from this one on are there.
fn reaches(contents: &Contents, from: u64) -> bool {
    (from..=contents.version).all(|version| contents.step(version).is_some())
}

fn upload_at(contents: &Contents, at: Place) -> Option<&Upload> {
    let upload = if at.whole && at.step == contents.base_version {
        &contents.base
    } else if at.whole && at.step < contents.base_version || !reaches(contents, at.step) {
        return None;
    } else {
        &contents.step(at.step)?.upload
    };
    (at.part < upload.parts).then_some(upload)
}

fn part(contents: &Contents, upload: &Upload, at: Place, first: bool) -> Given {
    Given::Part { upload: upload.clone(), at, first, next: after(contents, at, upload.parts) }
}

fn after(contents: &Contents, at: Place, parts: u32) -> Option<Place> {
    if at.part + 1 < parts {
        return Some(Place { part: at.part + 1, ..at });
    }
    (at.step < contents.version).then_some(Place { step: at.step + 1, part: 0, ..at })
}

#[cfg(test)]
mod tests {
    use super::super::stored::Step;
    use super::*;

    fn upload(name: &str, parts: u32) -> Upload {
        Upload { name: name.into(), parts }
    }

    fn contents() -> Contents {
        let step = |version: u64| Step { version, upload: upload(&format!("s{version}"), 2), items: 600 };
        Contents {
            version: 9,
            base_version: 7,
            base: upload("b", 3),
            steps: (6..=9).map(step).collect(),
            favourites: None,
        }
    }

    /// The parts that a till is led through, as `upload.part`.
    fn way(contents: &Contents, since: u64, start: &str) -> Vec<String> {
        way_of(contents, since, None, start)
    }

    fn way_of(contents: &Contents, since: u64, of: Option<&str>, start: &str) -> Vec<String> {
        let mut all = Vec::new();
        let (mut at, mut of) = (start.parse().unwrap(), of);
        while let Given::Part { upload, at: given_at, next, .. } = given(contents, since, of, at) {
            of = of.and_then(|_| contents.name_of(contents.version));
            all.push(format!("{}.{}", upload.name, given_at.part));
            match next {
                Some(next) => at = next,
                None => break,
            }
        }
        all
    }

    #[test]
    fn a_till_gets_the_steps_that_it_lacks_and_everything_if_they_are_not_kept() {
        let contents = contents();
        assert_eq!(given(&contents, 9, None, Place::default()), Given::Unchanged);
        assert_eq!(way(&contents, 8, "0.0"), ["s9.0", "s9.1"]);
        assert_eq!(way(&contents, 5, "0.0").len(), 8, "steps from before the base serve as well");
        let everything = ["b.0", "b.1", "b.2", "s8.0", "s8.1", "s9.0", "s9.1"];
        assert_eq!(way(&contents, 4, "0.0"), everything);
        assert_eq!(way(&contents, 12, "0.0"), everything, "a server that was put back to an older state");
    }

    #[test]
    fn a_load_goes_on_at_its_place_and_anew_if_the_place_is_gone() {
        let contents = contents();
        assert_eq!(way(&contents, 5, "8.1"), ["s8.1", "s9.0", "s9.1"]);
        assert_eq!(way(&contents, 1, "w7.2"), ["b.2", "s8.0", "s8.1", "s9.0", "s9.1"]);
        assert_eq!(way(&contents, 1, "w6.2").len(), 7, "a base that was replaced");
        assert_eq!(way(&contents, 8, "9.5"), ["s9.0", "s9.1"], "a part that never was");
        assert_eq!(way(&contents, 8, "99.0"), ["s9.0", "s9.1"]);
        let first = |since, at: &str| match given(&contents, since, None, at.parse().unwrap()) {
            Given::Part { first, at, .. } => (first, at.to_string()),
            Given::Unchanged => (false, String::new()),
        };
        assert_eq!(first(1, "w6.2"), (true, "w7.0".to_owned()), "the till is told that it begins again");
        assert_eq!(first(1, "w7.0"), (false, "w7.0".to_owned()));
    }

    #[test]
    fn a_version_of_another_history_is_none_that_the_till_can_go_on_from() {
        let contents = contents();
        let everything = ["b.0", "b.1", "b.2", "s8.0", "s8.1", "s9.0", "s9.1"];
        assert_eq!(given(&contents, 9, Some("s9"), Place::default()), Given::Unchanged);
        assert_eq!(way_of(&contents, 8, Some("s8"), "0.0"), ["s9.0", "s9.1"]);
        assert_eq!(
            way_of(&contents, 9, Some("lost9"), "0.0"),
            everything,
            "the same number, another version"
        );
        assert_eq!(way_of(&contents, 8, Some("lost8"), "0.0"), everything);
        assert_eq!(way_of(&contents, 8, Some(""), "0.0"), everything, "a till that has kept no name of it");
    }

    #[test]
    fn a_place_on_the_way_to_a_version_that_was_lost_begins_anew() {
        let contents = contents();
        assert_eq!(way_of(&contents, 5, Some("s9"), "8.1"), ["s8.1", "s9.0", "s9.1"]);
        assert_eq!(way_of(&contents, 5, Some("s8"), "8.1"), ["s8.1", "s9.0", "s9.1"], "it has grown since");
        assert_eq!(way_of(&contents, 7, Some("lost8"), "8.1").len(), 7, "everything");
        assert_eq!(
            way_of(&contents, 8, Some("s7"), "8.1").len(),
            7,
            "a name from before the place proves nothing"
        );
        assert_eq!(way_of(&contents, 1, Some("s7"), "w7.2"), ["b.2", "s8.0", "s8.1", "s9.0", "s9.1"]);
        assert_eq!(way_of(&contents, 1, Some("lost7"), "w7.2").len(), 7);
    }

    #[test]
    fn a_store_without_goods_gives_one_empty_part() {
        let empty =
            Contents { version: 0, base_version: 0, base: upload("", 0), steps: vec![], favourites: None };
        assert_eq!(given(&empty, 0, None, Place::default()), Given::Unchanged);
        assert_eq!(given(&empty, 0, Some(""), Place::default()), Given::Unchanged);
        assert_eq!(way(&empty, 3, "0.0"), [".0"]);
    }
}
