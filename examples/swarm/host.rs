//! The loop of a host: its timers, immediates, signals and posts.

use std::time::Duration;

use netloop::sim::{Host, World};
use netloop::{Handle, ImmediateId, Loop, Signal, TimerId};

use super::play::Play;
use super::program::{Action, Actor};

/// How often an interval runs.
const ROUNDS: usize = 4;
/// The descriptors of a loop without sockets: the three standard ones, epoll and the waker.
const OWN_DESCRIPTORS: usize = 5;
/// The descriptors of its signals.
const SIGNAL_DESCRIPTORS: usize = 2;

/// What the test knows of a loop.
#[derive(Default)]
pub(super) struct LoopState {
    /// The signals with a listener, and those that were sent and have not arrived.
    watched: Vec<Signal>,
    raised: Vec<Signal>,
    handles: Vec<Handle>,
    has_posted: bool,
    pub(super) has_thrown: bool,
    /// The number of posted callbacks, and of those that have run.
    posted: usize,
    served: usize,
    timers: Vec<Timer>,
    immediates: Vec<ImmediateId>,
}

/// A timer that fires once, or an interval.
struct Timer {
    id: TimerId,
    /// The delay, and the earliest time of the callback: `None` for an interval.
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
    /// Sets up the new loop of a host.
    pub(super) fn boot(&self, event_loop: &mut Loop, host: usize) {
        let former = self.with(|state| std::mem::take(&mut state.loops[host]));
        if let Some(handle) = former.handles.first()
            && handle.post(|_| ()).is_ok()
        {
            self.fault("a loop that is gone takes a post");
        }
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
            Action::Listens(number) => self.listen_for_signal(event_loop, host, actor, *number),
            Action::Post => self.post(event_loop, host, actor),
            Action::Hold => {
                // It fails if the host is out of descriptors.
                if let Ok(handle) = event_loop.handle() {
                    self.loop_state(host, |it| {
                        it.has_posted = true;
                        it.handles.push(handle);
                    });
                }
            }
            Action::LetGo => drop(self.loop_state(host, |it| it.handles.pop())),
            Action::Immediate => {
                let later = self.clone();
                let id = event_loop.set_immediate(move |event_loop| later.act(event_loop, actor));
                event_loop.unref_immediate(id);
                event_loop.ref_immediate(id);
                self.loop_state(host, |it| it.immediates.push(id));
            }
            Action::ClearImmediate => {
                if let Some(id) = self.loop_state(host, |it| it.immediates.pop()) {
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

    fn loop_state<R>(&self, host: usize, change: impl FnOnce(&mut LoopState) -> R) -> R {
        self.with(|state| change(&mut state.loops[host]))
    }

    // Signals.

    fn listen_for_signal(&self, event_loop: &mut Loop, host: usize, actor: Actor, number: usize) {
        let (play, signal) = (self.clone(), signal(number));
        let panics = number >= SIGNALS.len();
        let heard = move |event_loop: &mut Loop| {
            play.loop_state(host, |it| it.raised.retain(|raised| *raised != signal));
            play.act(event_loop, actor);
            if panics {
                play.panic(actor);
            }
        };
        // It fails if the host is out of descriptors.
        if event_loop.on_signal(signal, heard).is_ok() {
            self.loop_state(host, |it| it.watched.push(signal));
        }
    }

    /// Notes that a signal is sent.
    pub(super) fn note_signal(&self, host: usize, signal: Signal) {
        self.loop_state(host, |it| {
            if it.watched.contains(&signal) {
                it.raised.push(signal);
            }
        });
    }

    // Posts.

    fn post(&self, event_loop: &mut Loop, host: usize, actor: Actor) {
        let own = self.loop_state(host, |it| it.handles.last().cloned());
        let Some(handle) = own.or_else(|| event_loop.handle().ok()) else {
            return;
        };
        let number = self.loop_state(host, |it| {
            it.has_posted = true;
            it.posted += 1;
            it.posted
        });
        // A posted callback is `Send`, so it cannot capture the state of the program.
        let post = move |event_loop: &mut Loop| {
            let Some(play) = event_loop.data::<Play>().cloned() else {
                return;
            };
            let served = play.loop_state(host, |it| {
                it.served += 1;
                it.served
            });
            if served != number {
                play.fault(format!("posts run out of order: {number} runs as {served}"));
            }
            play.act(event_loop, actor);
        };
        if let Err(error) = handle.post(post) {
            self.fault(format!("a post is refused: {error}"));
        }
    }

    // Timers.

    fn after(&self, event_loop: &mut Loop, host: usize, actor: Actor, millis: u64) {
        let (play, place) = (self.clone(), self.loop_state(host, |it| it.timers.len()));
        let due = event_loop.now() + millis;
        let act = move |event_loop: &mut Loop| {
            play.timer_fires(host, place, event_loop.now());
            play.act(event_loop, actor);
        };
        let delay = Duration::from_millis(millis);
        // A timer of `after` cannot be refreshed after it has fired.
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
        self.loop_state(host, |it| it.timers.push(timer));
    }

    /// Checks a timer whose callback runs.
    fn timer_fires(&self, host: usize, place: usize, now: u64) {
        let words = self.loop_state(host, |it| {
            let timer = it.timers.get_mut(place)?;
            if timer.is_cleared {
                return Some("a cleared timer runs");
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
        let last = |it: &mut LoopState| it.timers.last().map(|timer| timer.id);
        let Some(id) = self.loop_state(host, last) else {
            return;
        };
        let has_restarted = match action {
            Action::ClearTimer => {
                event_loop.clear_timeout(id);
                // The timers of another loop are not touched.
                let others = self.with(|state| {
                    let others = state.loops.iter().enumerate();
                    let others = others.filter(|(of, _)| *of != host);
                    let timers = others.filter_map(|(_, it)| it.timers.last());
                    timers.map(|timer| timer.id).collect::<Vec<TimerId>>()
                });
                for id in others {
                    event_loop.clear_timeout(id);
                }
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
        self.loop_state(host, |it| {
            if let Some(timer) = it.timers.last_mut() {
                timer.is_cleared |= *action == Action::ClearTimer && !timer.is_over;
                timer.was_unreferenced |= *action == Action::UnrefTimer;
                if has_restarted {
                    timer.is_over = false;
                    timer.due = timer.due.map(|_| now + timer.delay);
                }
            }
        });
    }

    // Checks.

    /// At rest, all posts, signals and timers have run.
    pub(super) fn check_loops(&self, world: &mut World, hosts: &[Host]) {
        for (host, id) in hosts.iter().enumerate() {
            let is_alive = world.event_loop(*id).is_alive();
            let words = self.loop_state(host, |it| {
                let waits = |timer: &Timer| {
                    let is_over = timer.is_over || timer.is_cleared || timer.due.is_none();
                    !is_over && (is_alive || !timer.was_unreferenced)
                };
                match it {
                    _ if it.served != it.posted => Some("a post has not run"),
                    _ if is_alive && !it.raised.is_empty() => Some("a signal has not come"),
                    _ if it.timers.iter().any(waits) => Some("a timer has not run"),
                    _ => None,
                }
            });
            if let Some(words) = words {
                self.fault(format!("{words}: host {host} at rest"));
            }
        }
    }

    /// How many descriptors a loop has at most when all its sockets are closed.
    pub(super) fn own_descriptors(&self, host: usize) -> usize {
        self.loop_state(host, |it| {
            let signals = if it.watched.is_empty() {
                0
            } else {
                SIGNAL_DESCRIPTORS
            };
            OWN_DESCRIPTORS + signals + usize::from(it.has_posted)
        })
    }

    /// Drops the handles, which hold the loops.
    pub(super) fn drop_handles(&self) {
        let handles = self.with(|state| {
            let loops = state.loops.iter_mut();
            loops
                .flat_map(|it| it.handles.drain(..))
                .collect::<Vec<Handle>>()
        });
        drop(handles);
    }
}
