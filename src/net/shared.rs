//! A function in options that can be cloned. The clones share it, as they would in JavaScript.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) struct Shared<F: ?Sized>(Arc<Mutex<F>>);

impl<F: ?Sized> Shared<F> {
    pub(super) fn new(function: Arc<Mutex<F>>) -> Shared<F> {
        Shared(function)
    }

    /// Locks the function for a call. The lock is free, since a loop is one thread and runs no callback
    /// inside another. After a panic the function can be called again.
    pub(super) fn get(&self) -> MutexGuard<'_, F> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: ?Sized> Clone for Shared<F> {
    fn clone(&self) -> Self {
        Shared(Arc::clone(&self.0))
    }
}
