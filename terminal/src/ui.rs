//! The window: adapters between the view model and the screens.
