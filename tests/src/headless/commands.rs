//! One JSON command per line in, one JSON line out.

use super::elements::{Element, elements_of_customer, elements_shown};
use super::frames;
use super::platform::Surface;
use serde::Deserialize;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::io::{BufRead, Write};
use std::sync::mpsc;
use std::thread::sleep;
use std::time::Duration;

/// What a driver can ask for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "cmd", rename_all = "snake_case", deny_unknown_fields)]
enum Command {
    /// Touch the element with this label.
    Tap {
        label: String,
        /// How long the finger rests. What lies in a list that scrolls needs the usual time.
        #[serde(default = "usual_touch")]
        hold_ms: u64,
    },
    /// Touch it twice, as a nervous finger does: the second touch goes to the same place, whatever is there by then.
    /// With no pause both touches come before the till has done anything about the first.
    TapTwice {
        label: String,
        #[serde(default)]
        pause_ms: u64,
    },
    /// Move a finger over the window, to scroll.
    Drag { from: [f32; 2], to: [f32; 2] },
    /// Type on the desk's keyboard; a line feed is Enter. The desktop may have given it to the customer's window.
    Type {
        text: String,
        #[serde(default)]
        customer: bool,
    },
    /// Wait until an element with this label is visible (`gone`: until none is).
    Wait {
        label: String,
        #[serde(default = "default_timeout")]
        timeout_ms: u64,
        #[serde(default)]
        gone: bool,
    },
    /// List all that is visible; in the customer's window, if it is asked for.
    Labels {
        #[serde(default)]
        customer: bool,
    },
    /// From now on, write down after each frame what it says, in labels that contain one of these.
    Follow { labels: Vec<String> },
    /// What was written down since; and no more of it.
    Followed,
    /// What time it is by the clock that frames and keys are told by.
    Now,
    /// Take a picture; of the customer's window, if it is asked for.
    Shot {
        path: std::path::PathBuf,
        #[serde(default)]
        customer: bool,
    },
    /// Change the size of the window.
    Size { width: u32, height: u32 },
    /// Ask the window to close, as a desktop does.
    Close,
    /// End the program.
    Quit,
}

fn default_timeout() -> u64 {
    5_000
}

/// How long a finger rests on the glass: longer than the delay by which a scrolling list waits to see whether a touch
/// is a scroll.
const TOUCH: Duration = Duration::from_millis(130);
const POLL_MS: u64 = 20;
/// An answer that takes longer than this means that the window's thread hangs, which is a finding, not a wait.
const ANSWER: Duration = Duration::from_secs(30);

thread_local! {
    static SURFACE: RefCell<Option<Surface>> = const { RefCell::new(None) };
}

/// Serves commands from `input`, in a thread of its own, until `quit` or the end of the input; then ends the event
/// loop. Call it in the thread of the window before the event loop runs.
///
/// # Errors
/// Fails if no thread can be started.
pub fn serve(
    surface: &Surface,
    input: impl BufRead + Send + 'static,
    mut output: impl Write + Send + 'static,
) -> std::io::Result<()> {
    SURFACE.with(|slot| *slot.borrow_mut() = Some(surface.clone()));
    let work = move || {
        for line in input.lines() {
            let Ok(line) = line else { break };
            if line.trim().is_empty() {
                continue;
            }
            let (answer, quit) = match serde_json::from_str::<Command>(&line) {
                Ok(command) => (run(&command), command == Command::Quit),
                Err(error) => (Err(error.to_string()), false),
            };
            let answer = match answer {
                Ok(Value::Null) => json!({"ok": true}),
                Ok(value) => json!({"ok": true, "result": value}),
                Err(error) => json!({"ok": false, "error": error}),
            };
            if writeln!(output, "{answer}").and_then(|()| output.flush()).is_err() || quit {
                break;
            }
        }
        // Without a driver nobody can ever touch this till again.
        let _ = slint::quit_event_loop();
    };
    std::thread::Builder::new().name("driver".into()).spawn(work).map(drop)
}

fn run(command: &Command) -> Result<Value, String> {
    match command {
        Command::Tap { label, hold_ms } => tap(label, Duration::from_millis(*hold_ms)),
        Command::TapTwice { label, pause_ms } => tap_twice(label, *pause_ms),
        Command::Drag { from, to } => drag(*from, *to),
        Command::Type { text, customer } => {
            let (text, customer) = (text.clone(), *customer);
            // Before the window's thread, which may be busy, takes the key.
            let at_ms = frames::now_ms();
            in_window(move |surface| match surface.customer() {
                Some(window) if customer => {
                    surface.deactivate();
                    window.activate();
                    window.type_text(&text);
                }
                _ => surface.type_text(&text),
            })?;
            settle().map(|()| json!({ "at_ms": at_ms }))
        }
        Command::Follow { labels } => {
            let labels = labels.clone();
            in_window(move |surface| frames::follow(surface, labels)).map(|()| Value::Null)
        }
        Command::Followed => {
            let frames = in_window(frames::followed)?;
            serde_json::to_value(frames).map_err(|error| error.to_string())
        }
        Command::Now => Ok(json!({ "at_ms": frames::now_ms() })),
        Command::Wait { label, timeout_ms, gone } => wait(label, *timeout_ms, *gone),
        Command::Labels { customer } => {
            let all = if *customer { visible_to_customer() } else { visible() };
            all.and_then(|all| serde_json::to_value(all).map_err(|e| e.to_string()))
        }
        Command::Shot { path, customer } => {
            let customer = *customer;
            let picture = in_window(move |surface| match surface.customer() {
                Some(window) if customer => window.picture(),
                _ => surface.picture(),
            })?;
            let bytes = picture.png().map_err(|e| e.to_string())?;
            std::fs::write(path, bytes).map_err(|e| format!("{}: {e}", path.display()))?;
            Ok(Value::Null)
        }
        Command::Size { width, height } => {
            let (width, height) = (*width, *height);
            in_window(move |surface| surface.resize(width, height))?;
            settle().map(|()| Value::Null)
        }
        Command::Close => {
            in_window(Surface::ask_to_close)?;
            settle().map(|()| Value::Null)
        }
        Command::Quit => Ok(Value::Null),
    }
}

/// Runs `f` in the thread of the window and brings back what it returns.
fn in_window<R: Send + 'static>(f: impl FnOnce(&Surface) -> R + Send + 'static) -> Result<R, String> {
    let (send, receive) = mpsc::channel();
    slint::invoke_from_event_loop(move || {
        SURFACE.with(|slot| {
            if let Some(surface) = slot.borrow().as_ref() {
                let _ = send.send(f(surface));
            }
        });
    })
    .map_err(|e| e.to_string())?;
    receive.recv_timeout(ANSWER).map_err(|_| "the window's thread does not answer".to_owned())
}

/// Lets the window draw what an event has changed.
fn settle() -> Result<(), String> {
    in_window(Surface::tick)
}

fn visible() -> Result<Vec<Element>, String> {
    in_window(|surface| {
        surface.tick();
        elements_shown()
    })?
    .ok_or_else(|| "the till has no window yet".to_owned())
}

fn visible_to_customer() -> Result<Vec<Element>, String> {
    in_window(|surface| {
        surface.tick();
        elements_of_customer()
    })?
    .ok_or_else(|| "the till has no customer's window".to_owned())
}

fn find(label: &str) -> Result<Element, String> {
    let all = visible()?;
    // A heading may say the same as a button; a finger goes for the button.
    let mut found: Vec<&Element> = all.iter().filter(|e| e.label == label).collect();
    found.sort_by_key(|e| (!e.is_touchable(), !e.enabled));
    match found.first() {
        Some(element) if element.enabled => Ok((*element).clone()),
        Some(_) => Err(format!("“{label}” is disabled")),
        None => {
            let labels: Vec<&str> = all.iter().map(|e| e.label.as_str()).collect();
            Err(format!("nothing is labelled “{label}”; visible: {labels:?}"))
        }
    }
}

fn usual_touch() -> u64 {
    130
}

fn tap(label: &str, hold: Duration) -> Result<Value, String> {
    let (x, y) = find(label)?.centre();
    in_window(move |surface| surface.press(x, y))?;
    sleep(hold);
    in_window(move |surface| surface.release(x, y))?;
    settle().map(|()| Value::Null)
}

fn tap_twice(label: &str, pause_ms: u64) -> Result<Value, String> {
    let (x, y) = find(label)?.centre();
    if pause_ms == 0 {
        in_window(move |surface| {
            for _ in 0..2 {
                surface.press(x, y);
                surface.release(x, y);
            }
        })?;
    } else {
        for pause in [pause_ms, 0] {
            in_window(move |surface| surface.press(x, y))?;
            sleep(TOUCH);
            in_window(move |surface| surface.release(x, y))?;
            settle()?;
            sleep(Duration::from_millis(pause));
        }
    }
    settle().map(|()| Value::Null)
}

#[allow(clippy::float_arithmetic, reason = "places on a screen, not money")]
fn drag(from: [f32; 2], to: [f32; 2]) -> Result<Value, String> {
    in_window(move |surface| surface.press(from[0], from[1]))?;
    for step in 1_u8..=10 {
        sleep(Duration::from_millis(16));
        let part = f32::from(step) / 10.0;
        let (x, y) = (from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part);
        in_window(move |surface| surface.slide(x, y))?;
    }
    in_window(move |surface| surface.release(to[0], to[1]))?;
    settle().map(|()| Value::Null)
}

fn wait(label: &str, timeout_ms: u64, gone: bool) -> Result<Value, String> {
    for _ in 0..=timeout_ms / POLL_MS {
        // Before the till has made its window, nothing is visible yet: that is a reason to wait, not to give up.
        let there = visible().unwrap_or_default().iter().any(|e| e.label == label);
        if there != gone {
            return Ok(Value::Null);
        }
        sleep(Duration::from_millis(POLL_MS));
    }
    let labels: Vec<String> = visible()?.into_iter().map(|e| e.label).collect();
    let what = if gone { "is still there" } else { "did not appear" };
    Err(format!("“{label}” {what} within {timeout_ms} ms; visible: {labels:?}"))
}
