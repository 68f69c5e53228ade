//! Listeners, values and timers that a step adds to a socket or removes.

use std::rc::Rc;
use std::time::Duration;

use netloop::{ListenerId, Socket};

use super::end::Event;
use super::play::Play;
use super::program::Action;

/// Events whose listeners are added and removed. The program's own listener of each stays.
pub(super) const EVENTS: [&str; 5] = ["drain", "end", "timeout", "pause", "resume"];
/// The index of the first event whose listeners may all be removed at once.
const LIGHT: usize = 2;
/// How often an interval runs.
const ROUNDS: usize = 4;

/// The added listeners of a socket, and its value.
#[derive(Clone)]
pub(super) struct Extras {
    /// The number of listeners of each event, and the ids of those that can be removed.
    counts: [usize; EVENTS.len()],
    names: Vec<(usize, ListenerId)>,
    value: Option<usize>,
}

impl Default for Extras {
    fn default() -> Extras {
        Extras {
            counts: [1; EVENTS.len()],
            names: Vec::new(),
            value: None,
        }
    }
}

impl Extras {
    /// Whether the socket has exactly these listeners.
    pub(super) fn are_there(&self, socket: &Socket<'_>) -> bool {
        let mut all = EVENTS.iter().zip(self.counts);
        all.all(|(event, count)| socket.listener_count(event) == count)
    }
}

/// The value that a socket keeps for the program. It is dropped with the socket.
struct Value {
    number: usize,
    _guard: Option<Rc<()>>,
}

impl Play {
    pub(super) fn act_on_extras(&self, socket: &mut Socket<'_>, number: usize, action: &Action) {
        match action {
            Action::AddListener(event) => self.add_listener(socket, number, *event, false),
            Action::OnceListener(event) => self.add_listener(socket, number, *event, true),
            Action::RemoveListener => {
                let last = self.extras(number, |extras| extras.names.pop());
                if let Some((event, name)) = last {
                    self.extras(number, |extras| extras.counts[event] -= 1);
                    socket.off(EVENTS[event], name);
                }
            }
            Action::RemoveListeners(event) => {
                let event = LIGHT + event % (EVENTS.len() - LIGHT);
                self.extras(number, |extras| {
                    extras.counts[event] = 0;
                    extras.names.retain(|(of, _)| *of != event);
                });
                socket.remove_all_listeners(EVENTS[event]);
            }
            Action::SetValue(value) => {
                let guard = self.end(number, |end| end.guard.upgrade());
                socket.set_data(Value {
                    number: *value,
                    _guard: guard,
                });
                // A closed socket keeps no value.
                let kept = socket.data::<Value>().map(|value| value.number);
                self.extras(number, |extras| extras.value = kept);
            }
            Action::TakeValue => {
                let taken = socket.take_data::<Value>().map(|value| value.number);
                self.compare_value(socket, number, taken);
                self.extras(number, |extras| extras.value = None);
            }
            Action::LendValue => {
                let lent = socket.lend(|value: &mut Value, socket| {
                    value.number += 1;
                    socket.resume();
                    value.number - 1
                });
                self.compare_value(socket, number, lent);
                self.extras(number, |extras| {
                    extras.value = extras.value.map(|value| value + 1);
                });
            }
            Action::SocketAfter(millis) => {
                let back = self.back_once(number, Event::OwnTimer);
                socket.after(Duration::from_millis(*millis), back);
            }
            Action::TimeoutOnce(millis) => {
                let timeout = Duration::from_millis(*millis);
                self.note_listener(socket, number, LIGHT, true, |socket, heard| {
                    socket.set_timeout_once(timeout, heard);
                });
            }
            Action::SocketInterval(millis) => self.socket_interval(socket, number, *millis),
            _ => {}
        }
    }

    fn extras<R>(&self, number: usize, change: impl FnOnce(&mut Extras) -> R) -> R {
        self.end(number, |end| change(&mut end.extras))
    }

    fn add_listener(&self, socket: &mut Socket<'_>, number: usize, event: usize, is_once: bool) {
        self.note_listener(socket, number, event, is_once, |socket, heard| {
            match (EVENTS[event], is_once) {
                ("drain", false) => socket.on_drain(heard),
                ("end", false) => socket.on_end(heard),
                ("timeout", false) => socket.on_timeout(heard),
                ("pause", false) => socket.on_pause(heard),
                ("resume", false) => socket.on_resume(heard),
                ("drain", true) => socket.once_drain(heard),
                ("end", true) => socket.once_end(heard),
                ("timeout", true) => socket.once_timeout(heard),
                ("pause", true) => socket.once_pause(heard),
                _ => socket.once_resume(heard),
            };
        });
    }

    /// Notes a listener that a call may have added.
    fn note_listener(
        &self,
        socket: &mut Socket<'_>,
        number: usize,
        event: usize,
        is_once: bool,
        add: impl FnOnce(&mut Socket<'_>, Box<dyn FnMut(&mut Socket<'_>)>),
    ) {
        // A closed socket takes no listeners.
        let before = socket.listener_count(EVENTS[event]);
        let (play, name) = (self.clone(), ListenerId::unique());
        let guard = self.end(number, |end| end.guard.upgrade());
        let me = self.end(number, |end| end.me.clone());
        let heard = move |socket: &mut Socket<'_>| {
            let _guard = &guard;
            // The socket may have become another end.
            let number = me.upgrade().map_or(number, |me| me.get());
            if is_once {
                play.extras(number, |extras| {
                    // As in Node, a listener that is removed while its event is emitted is still called.
                    let place = extras.names.iter().position(|(_, id)| *id == name);
                    if let Some(place) = place {
                        extras.names.remove(place);
                        extras.counts[event] -= 1;
                    }
                });
            }
            let actor = play.end(number, |end| {
                let reads_anyway = matches!(EVENTS[event], "drain" | "timeout");
                end.reads_on_after_event = !reads_anyway || end.received == 0;
                end.actor
            });
            play.act(socket.event_loop(), actor);
            play.end(number, |end| end.reads_on_after_event = false);
        };
        add(socket, Box::new(heard));
        if socket.listener_count(EVENTS[event]) > before {
            socket.named(name);
            self.extras(number, |extras| {
                extras.counts[event] += 1;
                extras.names.push((event, name));
            });
        }
    }

    fn compare_value(&self, socket: &Socket<'_>, number: usize, found: Option<usize>) {
        let expected = self.extras(number, |extras| extras.value);
        let is_gone = self.end(number, |end| end.has_closed) || socket.is_closed();
        if found != expected && !is_gone {
            self.fault(format!("a socket has a wrong value: {found:?}"));
        }
    }

    fn socket_interval(&self, socket: &mut Socket<'_>, number: usize, millis: u64) {
        let (play, mut left) = (self.clone(), ROUNDS);
        let guard = self.end(number, |end| end.guard.upgrade());
        socket.set_interval(Duration::from_millis(millis), move |socket| {
            let _guard = &guard;
            left -= 1;
            let event_loop = socket.event_loop();
            if left == 0
                && let Some(this) = event_loop.current_timer()
            {
                event_loop.clear_interval(this);
            }
            play.note(number, Event::OwnTimer, socket);
            let actor = play.end(number, |end| end.actor);
            play.act(socket.event_loop(), actor);
        });
    }
}
