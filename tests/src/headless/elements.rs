//! What is on screen, as a screen reader would find it.

use i_slint_backend_testing::{ElementHandle, ElementRoot};
use serde::Serialize;

/// Something on screen that has a label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Element {
    /// What it says, or is called.
    pub label: String,
    /// Its kind: `button`, `text`, `text-input`, `list`, ...
    pub role: String,
    /// What it holds, for a box to type in.
    pub value: Option<String>,
    /// False if it is there but cannot be used now.
    pub enabled: bool,
    /// Left edge in logical pixels.
    pub x: f32,
    /// Upper edge.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

impl Element {
    /// Where a finger would touch it.
    #[allow(clippy::float_arithmetic, reason = "places on a screen, not money")]
    pub fn centre(&self) -> (f32, f32) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }

    /// True if a person can touch it to make something happen.
    pub fn is_touchable(&self) -> bool {
        matches!(self.role.as_str(), "button" | "text-input" | "checkbox" | "switch")
    }
}

/// What the window of this thread shows: the till's, or the one that is measured beside it.
pub(super) fn elements_shown() -> Option<Vec<Element>> {
    let of_till = || evertill_terminal::ui::with_current(|till| elements(till.component()));
    super::bare::elements().or_else(of_till)
}

/// What the customer's window of this thread shows.
pub(super) fn elements_of_customer() -> Option<Vec<Element>> {
    evertill_terminal::ui::with_customer(|customer| elements(customer.component()))
}

/// All labelled elements of the component that are visible, in the order of the tree.
pub fn elements(component: &impl ElementRoot) -> Vec<Element> {
    let handles = component
        .root_element()
        .query_descendants()
        .match_predicate(|e| e.accessible_label().is_some_and(|label| !label.is_empty()))
        .find_all();
    handles.iter().filter_map(describe).collect()
}

/// Those of them that lie in something that moves under a finger: what does not fit there is reached by moving it.
pub fn scrolled(component: &impl ElementRoot) -> Vec<Element> {
    let labelled = |e: &ElementHandle| e.accessible_label().is_some_and(|label| !label.is_empty());
    let moving = component.root_element().query_descendants().match_inherits("Flickable").find_all();
    let within = moving.iter().flat_map(|it| it.query_descendants().match_predicate(labelled).find_all());
    within.filter_map(|handle| describe(&handle)).collect()
}

fn describe(handle: &ElementHandle) -> Option<Element> {
    let position = handle.absolute_position();
    let size = handle.size();
    if size.width <= 0.0 || size.height <= 0.0 {
        return None;
    }
    Some(Element {
        label: handle.accessible_label()?.to_string(),
        role: role_name(handle),
        value: handle.accessible_value().map(|value| value.to_string()),
        enabled: handle.accessible_enabled().unwrap_or(true),
        x: position.x,
        y: position.y,
        width: size.width,
        height: size.height,
    })
}

/// `TextInput` becomes `text-input`.
fn role_name(handle: &ElementHandle) -> String {
    let Some(role) = handle.accessible_role() else { return "none".into() };
    let mut name = String::new();
    for character in format!("{role:?}").chars() {
        if character.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.extend(character.to_lowercase());
    }
    name
}
