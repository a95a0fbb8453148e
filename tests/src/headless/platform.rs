//! A Slint platform that draws into memory.

use slint::platform::software_renderer::{MinimalSoftwareWindow, RepaintBufferType};
use slint::platform::{EventLoopProxy, Key, Platform, PointerEventButton, WindowAdapter, WindowEvent};
use slint::{EventLoopError, LogicalPosition, PhysicalSize, PlatformError, Rgb8Pixel, SharedString};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A picture of the window, one pixel after the other, row by row.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Red, green, blue of each pixel.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// The picture as a PNG file's content.
    ///
    /// # Errors
    /// Fails if the encoder does.
    pub fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.rgb)?;
        writer.finish()?;
        Ok(out)
    }
}

/// A window in memory: the till's, and beside it the customer's, if there is one. Belongs to the thread of the event
/// loop.
#[derive(Clone)]
pub struct Surface {
    window: Rc<MinimalSoftwareWindow>,
    pixels: Rc<RefCell<Vec<Rgb8Pixel>>>,
    on_frame: Rc<RefCell<Option<OnFrame>>>,
    beside: Rc<OnceCell<Surface>>,
}

/// What is done when all that has changed is drawn.
type OnFrame = Box<dyn FnMut()>;

impl Surface {
    fn new() -> Self {
        let window = MinimalSoftwareWindow::new(RepaintBufferType::ReusedBuffer);
        Self { window, pixels: Rc::default(), on_frame: Rc::default(), beside: Rc::default() }
    }

    /// The customer's window, once the till has made one.
    pub fn customer(&self) -> Option<&Self> {
        self.beside.get()
    }

    /// Has `work` done from now on whenever all that has changed is drawn, as soon as its last pixel is in memory; also if
    /// nothing that changed needed a pixel. It must not draw.
    pub fn after_each_frame(&self, work: impl FnMut() + 'static) {
        *self.on_frame.borrow_mut() = Some(Box::new(work));
    }

    /// Nothing more is done after a frame.
    pub fn leave_frames_alone(&self) {
        *self.on_frame.borrow_mut() = None;
    }

    /// Lets timers and animations run that are due, and draws what has changed.
    pub fn tick(&self) {
        slint::platform::update_timers_and_animations();
        let size = self.window.size();
        let (width, height) = (size.width as usize, size.height as usize);
        if width * height == 0 {
            return;
        }
        let pixels = &self.pixels;
        self.window.draw_if_needed(|renderer| {
            let mut pixels = pixels.borrow_mut();
            pixels.resize(width * height, Rgb8Pixel::default());
            renderer.render(&mut pixels, width);
        });
        // What changed without a pixel changing is on the screen, too.
        if let Some(work) = self.on_frame.borrow_mut().as_mut() {
            work();
        }
        if let Some(customer) = self.customer() {
            customer.tick();
        }
    }

    /// Gives the window another size, in pixels.
    pub fn resize(&self, width: u32, height: u32) {
        // The renderer repaints only what changed; after a change of size all of it must be drawn into fresh memory.
        self.pixels.borrow_mut().clear();
        self.window.set_size(PhysicalSize::new(width, height));
        self.window.request_redraw();
    }

    /// What the window shows now.
    pub fn picture(&self) -> Picture {
        self.tick();
        let size = self.window.size();
        let rgb = self.pixels.borrow().iter().flat_map(|p| [p.r, p.g, p.b]).collect();
        Picture { width: size.width, height: size.height, rgb }
    }

    /// Makes the window the active one: a window that nobody has activated takes no keys.
    pub fn activate(&self) {
        self.dispatch(WindowEvent::WindowActiveChanged(true));
    }

    /// Takes the keyboard away from the window.
    pub fn deactivate(&self) {
        self.dispatch(WindowEvent::WindowActiveChanged(false));
    }

    /// The desktop asks the window to close, as it does for Alt and F4.
    pub fn ask_to_close(&self) {
        self.dispatch(WindowEvent::CloseRequested);
    }

    /// A finger comes down.
    pub fn press(&self, x: f32, y: f32) {
        let position = LogicalPosition::new(x, y);
        self.dispatch(WindowEvent::PointerMoved { position });
        self.dispatch(WindowEvent::PointerPressed { position, button: PointerEventButton::Left });
    }

    /// A finger moves.
    pub fn slide(&self, x: f32, y: f32) {
        self.dispatch(WindowEvent::PointerMoved { position: LogicalPosition::new(x, y) });
    }

    /// A finger goes up and away, as on a touch screen.
    pub fn release(&self, x: f32, y: f32) {
        let position = LogicalPosition::new(x, y);
        self.dispatch(WindowEvent::PointerReleased { position, button: PointerEventButton::Left });
        self.dispatch(WindowEvent::PointerExited);
    }

    /// Keys go down and up, one for each character; a line feed is Enter, a backspace rubs out.
    pub fn type_text(&self, text: &str) {
        for character in text.chars() {
            let key: SharedString = match character {
                '\n' | '\r' => Key::Return.into(),
                '\u{8}' => Key::Backspace.into(),
                '\u{1b}' => Key::Escape.into(),
                '\t' => Key::Tab.into(),
                other => other.into(),
            };
            self.dispatch(WindowEvent::KeyPressed { text: key.clone() });
            self.dispatch(WindowEvent::KeyReleased { text: key });
        }
    }

    fn dispatch(&self, event: WindowEvent) {
        self.window.dispatch_event(event);
    }
}

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Queue {
    state: Mutex<QueueState>,
    bell: Condvar,
}

#[derive(Default)]
struct QueueState {
    jobs: VecDeque<Job>,
    quit: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; `None` when told to quit or when nothing came in time.
    fn next(&self, wait: Duration) -> Turn {
        let mut state = self.lock();
        if state.jobs.is_empty() && !state.quit {
            state =
                self.bell.wait_timeout(state, wait).map_or_else(|broken| broken.into_inner().0, |(s, _)| s);
        }
        match state.jobs.pop_front() {
            Some(job) => Turn::Job(job),
            None if std::mem::take(&mut state.quit) => Turn::Quit,
            None => Turn::Idle,
        }
    }
}

enum Turn {
    Job(Job),
    Quit,
    Idle,
}

struct Proxy(Arc<Queue>);

impl EventLoopProxy for Proxy {
    fn quit_event_loop(&self) -> Result<(), EventLoopError> {
        self.0.lock().quit = true;
        self.0.bell.notify_all();
        Ok(())
    }

    fn invoke_from_event_loop(&self, job: Job) -> Result<(), EventLoopError> {
        self.0.lock().jobs.push_back(job);
        self.0.bell.notify_all();
        Ok(())
    }
}

/// The pause between two frames of something that moves.
const FRAME: Duration = Duration::from_millis(16);
/// How long the loop sleeps at most while nothing happens.
const QUIET: Duration = Duration::from_secs(1);

struct Headless {
    surface: Surface,
    /// The first window is the till's.
    taken: Cell<bool>,
    queue: Option<Arc<Queue>>,
}

impl Platform for Headless {
    fn create_window_adapter(&self) -> Result<Rc<dyn WindowAdapter>, PlatformError> {
        if !self.taken.replace(true) {
            return Ok(self.surface.window.clone());
        }
        match self.surface.beside.set(Surface::new()) {
            Ok(()) => Ok(self.surface.beside.get_or_init(Surface::new).window.clone()),
            Err(_) => Err(PlatformError::Other("a till has two windows at most".into())),
        }
    }

    fn new_event_loop_proxy(&self) -> Option<Box<dyn EventLoopProxy>> {
        self.queue.as_ref().map(|queue| Box::new(Proxy(queue.clone())) as Box<dyn EventLoopProxy>)
    }

    fn run_event_loop(&self) -> Result<(), PlatformError> {
        let Some(queue) = &self.queue else { return Err(PlatformError::NoEventLoopProvider) };
        self.surface.activate();
        loop {
            self.surface.tick();
            // Jobs ring the bell; without one only what moves by itself needs another frame.
            let moves = self.surface.window.window().has_active_animations();
            let longest = if moves { FRAME } else { QUIET };
            let wait =
                slint::platform::duration_until_next_timer_update().map_or(longest, |due| due.min(longest));
            match queue.next(wait) {
                Turn::Job(job) => job(),
                Turn::Quit => return Ok(()),
                Turn::Idle => {}
            }
        }
    }
}

/// Makes the surface and installs the platform that gives it to the first window.
pub(super) fn install(width: u32, height: u32, with_loop: bool) -> Result<Surface, PlatformError> {
    let surface = Surface::new();
    let queue = with_loop.then(Arc::<Queue>::default);
    slint::platform::set_platform(Box::new(Headless {
        surface: surface.clone(),
        taken: Cell::new(false),
        queue,
    }))
    .map_err(|error| PlatformError::Other(error.to_string()))?;
    surface.resize(width, height);
    Ok(surface)
}
