//! A channel with its own limits, so that a slow one slows no other.

use super::CentreSettings;
use crate::channel::Channel;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One channel. Customers who wait and questions in the background do not take each other's places.
pub(super) struct Lane {
    pub channel: Arc<dyn Channel>,
    charges: Arc<Semaphore>,
    questions: Arc<Semaphore>,
}

impl Lane {
    pub fn new(channel: Arc<dyn Channel>, settings: CentreSettings) -> Self {
        let places = || Arc::new(Semaphore::new(settings.calls_per_channel.max(1)));
        Self { channel, charges: places(), questions: places() }
    }

    /// A place for a call that a customer waits for, if one is free.
    pub fn charge_place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.charges).try_acquire_owned().ok()
    }

    /// A place for a call in the background, if one is free.
    pub fn question_place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.questions).try_acquire_owned().ok()
    }

    /// How many places for calls in the background are free.
    pub fn free_places(&self) -> u32 {
        u32::try_from(self.questions.available_permits()).unwrap_or(u32::MAX)
    }
}
