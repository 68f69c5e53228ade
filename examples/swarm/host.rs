//! The loop of a host: how it reads, its timers, its signals, and what is posted to it.

use std::time::Duration;

use netloop::sim::{Host, World};
use netloop::{Handle, ImmediateId, Loop, Signal, TimerId};

use super::play::Play;
use super::program::{Action, Actor};

/// How often an interval runs.
const ROUNDS: usize = 4;
/// How many descriptors a loop without sockets may have: the standard ones, epoll, and what ends its wait.
const OWN_DESCRIPTORS: usize = 5;
/// And for its signals.
const SIGNAL_DESCRIPTORS: usize = 2;

/// What a program has asked of its loop.
#[derive(Default)]
pub(super) struct Desk {
    /// The signals that it listens for, and those that have been sent and have not been heard.
    watched: Vec<Signal>,
    raised: Vec<Signal>,
    handles: Vec<Handle>,
    has_posted: bool,
    /// How many callbacks were posted, and how many of them have run.
    posted: usize,
    served: usize,
    timers: Vec<Timer>,
    immediates: Vec<ImmediateId>,
}

/// A timer for one callback, or an interval.
struct Timer {
    id: TimerId,
    /// Its delay, and the earliest time of its callback; none if it is an interval.
    delay: u64,
    due: Option<u64>,
    is_over: bool,
    is_cleared: bool,
    was_unreferenced: bool,
}

const SIGNALS: [Signal; 2] = [Signal::Terminate, Signal::User2];

pub(super) fn signal(number: usize) -> Signal {
    SIGNALS[number % SIGNALS.len()]
}

impl Play {
    /// A host has a new loop.
    pub(super) fn boot(&self, event_loop: &mut Loop, host: usize) {
        self.with(|state| state.desks[host] = Desk::default());
        let bounds = self.with(|state| state.program.bounds[host]);
        if let Some(bytes) = bounds.buffer {
            event_loop.set_read_buffer(bytes);
        }
        if let Some(bytes) = bounds.burst {
            event_loop.set_read_burst(bytes);
        }
        event_loop.measure_idle_time();
        event_loop.set_default_auto_select_family(true);
        event_loop.set_data(self.clone());
    }

    pub(super) fn act_on_loop(
        &self,
        event_loop: &mut Loop,
        host: usize,
        actor: Actor,
        action: &Action,
    ) {
        match action {
            Action::Listens(number) => self.listens(event_loop, host, actor, *number),
            Action::Post => self.post(event_loop, host, actor),
            Action::Hold => {
                // An error is that of a host without descriptors.
                if let Ok(handle) = event_loop.handle() {
                    self.desk(host, |desk| {
                        desk.has_posted = true;
                        desk.handles.push(handle);
                    });
                }
            }
            Action::LetGo => drop(self.desk(host, |desk| desk.handles.pop())),
            Action::Immediate => {
                let later = self.clone();
                let id = event_loop.set_immediate(move |event_loop| later.act(event_loop, actor));
                event_loop.unref_immediate(id);
                event_loop.ref_immediate(id);
                self.desk(host, |desk| desk.immediates.push(id));
            }
            Action::ClearImmediate => {
                if let Some(id) = self.desk(host, |desk| desk.immediates.pop()) {
                    event_loop.clear_immediate(id);
                }
            }
            Action::After(millis) => self.after(event_loop, host, actor, *millis),
            Action::Interval(millis) => self.interval(event_loop, host, actor, *millis),
            Action::ReadBounds(buffer, burst) => {
                event_loop.set_read_buffer(*buffer);
                event_loop.set_read_burst(*burst);
            }
            _ => self.act_on_timer(event_loop, host, action),
        }
    }

    fn desk<R>(&self, host: usize, change: impl FnOnce(&mut Desk) -> R) -> R {
        self.with(|state| change(&mut state.desks[host]))
    }

    // Signals.

    fn listens(&self, event_loop: &mut Loop, host: usize, actor: Actor, number: usize) {
        let (play, signal) = (self.clone(), signal(number));
        let panics = number >= SIGNALS.len();
        let heard = move |event_loop: &mut Loop| {
            play.desk(host, |desk| desk.raised.retain(|raised| *raised != signal));
            play.act(event_loop, actor);
            if panics {
                play.panic(actor);
            }
        };
        // An error is that of a host without descriptors.
        if event_loop.on_signal(signal, heard).is_ok() {
            self.desk(host, |desk| desk.watched.push(signal));
        }
    }

    /// A signal is sent.
    pub(super) fn raises(&self, host: usize, signal: Signal) {
        self.desk(host, |desk| {
            if desk.watched.contains(&signal) {
                desk.raised.push(signal);
            }
        });
    }

    // Posts.

    fn post(&self, event_loop: &mut Loop, host: usize, actor: Actor) {
        let own = self.desk(host, |desk| desk.handles.last().cloned());
        let Some(handle) = own.or_else(|| event_loop.handle().ok()) else {
            return;
        };
        let number = self.desk(host, |desk| {
            desk.has_posted = true;
            desk.posted += 1;
            desk.posted
        });
        // What is posted can go to another thread, and takes nothing of the program with it.
        let post = move |event_loop: &mut Loop| {
            let Some(play) = event_loop.data::<Play>().cloned() else {
                return;
            };
            let served = play.desk(host, |desk| {
                desk.served += 1;
                desk.served
            });
            if served != number {
                play.fault(format!("posts run in another order: {served} is {number}"));
            }
            play.act(event_loop, actor);
        };
        if let Err(error) = handle.post(post) {
            self.fault(format!("a post is refused: {error}"));
        }
    }

    // Timers.

    fn after(&self, event_loop: &mut Loop, host: usize, actor: Actor, millis: u64) {
        let (play, place) = (self.clone(), self.desk(host, |desk| desk.timers.len()));
        let due = event_loop.now() + millis;
        let act = move |event_loop: &mut Loop| {
            play.rings(host, place, event_loop.now());
            play.act(event_loop, actor);
        };
        let delay = Duration::from_millis(millis);
        // Of the two, only one can be refreshed when it has fired.
        let id = match millis.is_multiple_of(2) {
            true => event_loop.after(delay, act),
            false => event_loop.set_timeout(delay, act),
        };
        self.add_timer(host, id, millis, Some(due));
    }

    fn interval(&self, event_loop: &mut Loop, host: usize, actor: Actor, millis: u64) {
        let (play, mut left) = (self.clone(), ROUNDS);
        let period = Duration::from_millis(millis);
        let id = event_loop.set_interval(period, move |event_loop| {
            left -= 1;
            if left == 0
                && let Some(this) = event_loop.current_timer()
            {
                event_loop.clear_interval(this);
            }
            play.act(event_loop, actor);
        });
        self.add_timer(host, id, millis, None);
    }

    fn add_timer(&self, host: usize, id: TimerId, delay: u64, due: Option<u64>) {
        let timer = Timer {
            id,
            delay,
            due,
            is_over: false,
            is_cleared: false,
            was_unreferenced: false,
        };
        self.desk(host, |desk| desk.timers.push(timer));
    }

    /// The callback of a timer runs.
    fn rings(&self, host: usize, place: usize, now: u64) {
        let words = self.desk(host, |desk| {
            let timer = desk.timers.get_mut(place)?;
            if timer.is_cleared {
                return Some("a timer that was cleared runs");
            }
            if std::mem::replace(&mut timer.is_over, true) {
                return Some("a timer runs twice");
            }
            (timer.due.is_some_and(|due| now < due)).then_some("a timer runs too early")
        });
        if let Some(words) = words {
            self.fault(words);
        }
    }

    fn act_on_timer(&self, event_loop: &mut Loop, host: usize, action: &Action) {
        let last = |desk: &mut Desk| desk.timers.last().map(|timer| timer.id);
        let Some(id) = self.desk(host, last) else {
            return;
        };
        let has_restarted = match action {
            Action::ClearTimer => {
                event_loop.clear_timeout(id);
                false
            }
            Action::RefreshTimer => event_loop.refresh(id),
            Action::UnrefTimer => {
                event_loop.unref_timer(id);
                false
            }
            _ => return,
        };
        let now = event_loop.now();
        self.desk(host, |desk| {
            if let Some(timer) = desk.timers.last_mut() {
                timer.is_cleared |= *action == Action::ClearTimer && !timer.is_over;
                timer.was_unreferenced |= *action == Action::UnrefTimer;
                if has_restarted {
                    timer.is_over = false;
                    timer.due = timer.due.map(|_| now + timer.delay);
                }
            }
        });
    }

    // What must hold.

    /// When nothing more happens, all has happened that was asked of the loops.
    pub(super) fn check_desks(&self, world: &mut World, hosts: &[Host]) {
        for (host, id) in hosts.iter().enumerate() {
            let is_alive = world.event_loop(*id).is_alive();
            let words = self.desk(host, |desk| {
                let waits = |timer: &Timer| {
                    let is_over = timer.is_over || timer.is_cleared || timer.due.is_none();
                    !is_over && (is_alive || !timer.was_unreferenced)
                };
                match desk {
                    _ if desk.served != desk.posted => Some("a post has not run"),
                    _ if is_alive && !desk.raised.is_empty() => Some("a signal has not come"),
                    _ if desk.timers.iter().any(waits) => Some("a timer has not run"),
                    _ => None,
                }
            });
            if let Some(words) = words {
                self.fault(format!("{words}: host {host} at rest"));
            }
        }
    }

    /// How many descriptors a loop may have left when all its sockets are closed.
    pub(super) fn own_descriptors(&self, host: usize) -> usize {
        self.desk(host, |desk| {
            let signals = if desk.watched.is_empty() {
                0
            } else {
                SIGNAL_DESCRIPTORS
            };
            OWN_DESCRIPTORS + signals + usize::from(desk.has_posted)
        })
    }

    /// Nothing of the program's own holds the loops.
    pub(super) fn let_go(&self) {
        let handles = self.with(|state| {
            let desks = state.desks.iter_mut();
            desks
                .flat_map(|desk| desk.handles.drain(..))
                .collect::<Vec<Handle>>()
        });
        drop(handles);
    }
}
