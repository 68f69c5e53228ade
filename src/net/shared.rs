//! A function in options that can be cloned: the clones share it, as objects of JavaScript do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) struct Shared<F: ?Sized>(Arc<Mutex<F>>);

impl<F: ?Sized> Shared<F> {
    pub(super) fn new(function: Arc<Mutex<F>>) -> Shared<F> {
        Shared(function)
    }

    /// To be called. A loop is one thread and runs no callback inside another, so it is free; and
    /// that it has panicked once keeps nobody from calling it again.
    pub(super) fn get(&self) -> MutexGuard<'_, F> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: ?Sized> Clone for Shared<F> {
    fn clone(&self) -> Self {
        Shared(Arc::clone(&self.0))
    }
}
