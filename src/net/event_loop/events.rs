//! Events as data: the name of an event, and where its listeners are kept.

use super::listeners::Slot;

/// An event of a socket or a server, whose listeners are of the type `F`.
pub(in crate::net) struct Event<E, F: ?Sized> {
    /// Node's name.
    pub(in crate::net) name: &'static str,
    /// Finds the slot of its listeners. The slots of rare events exist only once a listener was added.
    pub(in crate::net) slot: fn(&mut E) -> Option<&mut Slot<F>>,
}

/// Declares the name of each event, the type of its listeners, and where they are kept. Expands to the
/// structs that hold them, a constant [`Event`] for each, and `slot` and `slot_mut`, which find listeners
/// by the event's name.
macro_rules! events {
    ($Entry:ident: $(
        $(#[$doc:meta])*
        struct $Slots:ident at |$entry:ident| $at:expr, $at_mut:expr;
        $($EVENT:ident = $name:literal in $slot:ident: $Listener:ty;)*
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Default)]
            pub(super) struct $Slots {
                $(pub(super) $slot: Slot<$Listener>,)*
            }

            $(pub(super) const $EVENT: Event<$Entry, $Listener> = Event {
                name: $name,
                slot: |$entry| $at_mut.map(|slots| &mut slots.$slot),
            };)*
        )*

        impl $Entry {
            /// The listeners of an event, by Node's name for it.
            fn slot(&self, event: &str) -> Option<&dyn AnySlot> {
                match event {
                    $($($name => { let $entry = self; Some(&$at?.$slot) })*)*
                    _ => None,
                }
            }

            /// The same, to change them.
            fn slot_mut(&mut self, event: &str) -> Option<&mut dyn AnySlot> {
                match event {
                    $($($name => { let $entry = self; Some(&mut $at_mut?.$slot) })*)*
                    _ => None,
                }
            }
        }
    };
}

/// The methods that add listeners: `on_*`, and `once_*` for one call only.
macro_rules! listeners {
    ($View:ident: $(
        $(#[$doc:meta])*
        $on:ident $once:ident $(($once_doc:literal))? = $EVENT:ident => ($($arg:ident: $Arg:ty),*);
    )*) => {
        impl $View<'_> {
            $(
                $(#[$doc])*
                #[track_caller]
                pub fn $on(&mut self, listener: impl FnMut($($Arg),*) + 'static) -> &mut Self {
                    self.add_listener($EVENT, Box::new(listener), false)
                }

                #[doc = concat!(
                    "As [`", stringify!($on), "`](", stringify!($View), "::", stringify!($on),
                    "), for one call only: Node's `once`. The listener is gone before it is called."
                )]
                $(#[doc = $once_doc])?
                #[track_caller]
                pub fn $once(&mut self, listener: impl FnOnce($($Arg),*) + 'static) -> &mut Self {
                    let mut listener = Some(listener);
                    let once = move |$($arg: $Arg),*| {
                        if let Some(listener) = listener.take() {
                            listener($($arg),*);
                        }
                    };
                    self.add_listener($EVENT, Box::new(once), true)
                }
            )*
        }
    };
}

pub(in crate::net) use {events, listeners};
