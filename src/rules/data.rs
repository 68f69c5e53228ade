//! Values by their type, which can be lent.

use std::any::{Any, TypeId};
use std::mem;

/// A place for one value of each type.
#[derive(Default)]
pub(crate) struct Data(Vec<(TypeId, Place)>);

enum Place {
    Kept(Box<dyn Any>),
    /// The value comes back when the loan is over.
    Lent,
}

impl Data {
    fn find<T: 'static>(&self) -> Option<usize> {
        let mut kinds = self.0.iter().map(|(kind, _)| *kind);
        kinds.position(|kind| kind == TypeId::of::<T>())
    }

    #[track_caller]
    pub(crate) fn set<T: 'static>(&mut self, value: T) {
        let kept = Place::Kept(Box::new(value));
        match self.find::<T>() {
            None => self.0.push((TypeId::of::<T>(), kept)),
            Some(at) => match self.0[at].1 {
                Place::Kept(_) => self.0[at].1 = kept,
                Place::Lent => refuse::<T>(),
            },
        }
    }

    #[track_caller]
    pub(crate) fn get<T: 'static>(&self) -> Option<&T> {
        match &self.0[self.find::<T>()?].1 {
            Place::Kept(value) => value.downcast_ref(),
            Place::Lent => refuse::<T>(),
        }
    }

    #[track_caller]
    pub(crate) fn get_mut<T: 'static>(&mut self) -> Option<&mut T> {
        let at = self.find::<T>()?;
        match &mut self.0[at].1 {
            Place::Kept(value) => value.downcast_mut(),
            Place::Lent => refuse::<T>(),
        }
    }

    #[track_caller]
    pub(crate) fn take<T: 'static>(&mut self) -> Option<T> {
        let value = self.lend()?;
        let at = self.find::<T>()?;
        self.0.swap_remove(at);
        Some(*value)
    }

    #[track_caller]
    pub(crate) fn lend<T: 'static>(&mut self) -> Option<Box<T>> {
        let at = self.find::<T>()?;
        match mem::replace(&mut self.0[at].1, Place::Lent) {
            Place::Kept(value) => value.downcast().ok(),
            Place::Lent => refuse::<T>(),
        }
    }

    pub(crate) fn give_back<T: 'static>(&mut self, value: Box<T>) {
        if let Some(at) = self.find::<T>() {
            self.0[at].1 = Place::Kept(value);
        }
    }
}

#[cold]
#[track_caller]
fn refuse<T>() -> ! {
    let name = std::any::type_name::<T>();
    panic!("{name} is lent already: use the one that `lend` gave to its closure")
}
