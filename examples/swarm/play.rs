//! Runs the steps of a program in the callbacks that they belong to.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::panic::resume_unwind;
use std::rc::Rc;
use std::time::Duration;

use netloop::{ConnectOptions, Loop, Socket, TimerId};

use super::course::Course;
use super::end::End;
use super::program::{Action, Actor, NO_SERVER, Program, When};
use super::server::Keeper;
use super::socket::Me;

/// The hosts' names.
pub(super) const NAMES: [&str; 3] = ["server", "one", "two"];
/// The port of the first server, and the local port of the first connection.
pub(super) const PORT: u16 = 8000;
pub(super) const LOCAL_PORT: u16 = 20_000;
/// How often an interval runs.
const ROUNDS: usize = 4;

/// What a callback panics with on purpose.
pub(super) struct Planned;

/// What the callbacks share.
pub(super) struct State {
    pub(super) program: Program,
    steps: HashMap<(Actor, usize), Vec<Action>>,
    pub(super) ends: Vec<End>,
    pub(super) by_actor: HashMap<Actor, usize>,
    pub(super) servers: BTreeMap<usize, Keeper>,
    timers: Vec<(usize, TimerId)>,
    /// Whose callback runs.
    pub(super) current: Option<Actor>,
    pub(super) callbacks: usize,
    pub(super) course: Course,
    /// The first thing that did not hold.
    pub(super) fault: Option<String>,
}

#[derive(Clone)]
pub(super) struct Play(pub(super) Rc<RefCell<State>>);

impl State {
    /// The end that an actor is: a socket that has connected again is another one.
    pub(super) fn end_of(&self, actor: Actor) -> Option<usize> {
        let number = *self.by_actor.get(&actor)?;
        let me = self.ends[number].me.upgrade();
        Some(me.map_or(number, |me| me.get()))
    }

    /// A callback has thrown on this host.
    pub(super) fn note_throw_on(&mut self, host: Option<usize>) {
        let ends = self.ends.iter_mut();
        ends.filter(|end| Some(end.host) == host)
            .for_each(|end| end.host_has_thrown = true);
    }
}

impl Play {
    pub(super) fn new(program: &Program) -> Play {
        let mut steps: HashMap<(Actor, usize), Vec<Action>> = HashMap::new();
        for step in &program.steps {
            if let When::Callback(actor, nth) = step.when {
                let all = steps.entry((actor, nth)).or_default();
                all.push(step.action.clone());
            }
        }
        Play(Rc::new(RefCell::new(State {
            program: program.clone(),
            steps,
            ends: Vec::new(),
            by_actor: HashMap::new(),
            servers: BTreeMap::new(),
            timers: Vec::new(),
            current: None,
            callbacks: 0,
            course: Course::new(),
            fault: None,
        })))
    }

    pub(super) fn with<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        change(&mut self.0.borrow_mut())
    }

    pub(super) fn end<R>(&self, number: usize, change: impl FnOnce(&mut End) -> R) -> R {
        self.with(|state| change(&mut state.ends[number]))
    }

    pub(super) fn fault(&self, words: impl Into<String>) {
        self.with(|state| _ = state.fault.get_or_insert(words.into()));
    }

    /// No step is done from now on, and all that is left is destroyed.
    pub(super) fn rest(&self) {
        self.with(|state| {
            state.steps.clear();
            state
                .ends
                .iter_mut()
                .for_each(|end| end.may_be_destroyed = true);
        });
    }

    /// The callback that runs has thrown.
    pub(super) fn has_thrown(&self) {
        self.with(|state| {
            let actor = state.current.take();
            let host = match actor {
                Some(Actor::Server(number)) => state.servers.get_mut(&number).map(|keeper| {
                    keeper.has_thrown = true;
                    keeper.host
                }),
                Some(actor) => state.by_actor.get(&actor).map(|number| {
                    let end = &mut state.ends[*number];
                    end.note_throw();
                    end.host
                }),
                None => None,
            };
            state.note_throw_on(host);
        });
    }

    /// Does what the program does in the next callback of an actor.
    pub(super) fn act(&self, event_loop: &mut Loop, actor: Actor) {
        let now = event_loop.now();
        let actions = self.with(|state| {
            state.current = Some(actor);
            state.callbacks += 1;
            let count = match actor {
                Actor::Server(number) => state.servers.get_mut(&number).map(|it| &mut it.callbacks),
                _ => (state.by_actor.get(&actor)).map(|number| &mut state.ends[*number].callbacks),
            };
            let nth = count.map_or(0, |count| {
                *count += 1;
                *count
            });
            state.course.note((actor, nth, now));
            state.steps.remove(&(actor, nth)).unwrap_or_default()
        });
        self.do_all(event_loop, actor, &actions);
        self.with(|state| state.current = None);
    }

    fn do_all(&self, event_loop: &mut Loop, actor: Actor, actions: &[Action]) {
        for action in actions {
            self.perform(event_loop, actor, action);
        }
    }

    /// The call that has made an actor.
    pub(super) fn begin(&self, event_loop: &mut Loop, actor: Actor) {
        let actions = self.with(|state| state.steps.remove(&(actor, 0)));
        self.do_all(event_loop, actor, &actions.unwrap_or_default());
    }

    pub(super) fn host(&self, actor: Actor) -> Option<usize> {
        self.with(|state| match actor {
            Actor::Server(number) => state.servers.get(&number).map(|it| it.host),
            _ => state.by_actor.get(&actor).map(|it| state.ends[*it].host),
        })
    }

    fn perform(&self, event_loop: &mut Loop, actor: Actor, action: &Action) {
        let Some(host) = self.host(actor) else { return };
        match action {
            Action::On(other, action) => {
                if self.host(*other) == Some(host) {
                    self.perform(event_loop, *other, action);
                }
            }
            Action::Serve(number) => self.serve(event_loop, host, *number),
            Action::Connect(number, server) => self.connect(event_loop, host, *number, *server),
            Action::Abort(number) => {
                let handle = self.with(|state| {
                    let number = *state.by_actor.get(&Actor::Client(*number))?;
                    let end = &mut state.ends[number];
                    end.may_be_destroyed |= end.host == host;
                    end.abort
                });
                if let Some(handle) = handle {
                    event_loop.abort(handle);
                }
            }
            Action::Stop => event_loop.stop(),
            Action::Panic => resume_unwind(Box::new(Planned)),
            Action::ClearTimer | Action::RefreshTimer => {
                let found = self.with(|state| {
                    let last = state.timers.iter().rev().find(|(of, _)| *of == host);
                    last.map(|(_, timer)| *timer)
                });
                match (found, action) {
                    (Some(timer), Action::ClearTimer) => event_loop.clear_timeout(timer),
                    (Some(timer), _) => _ = event_loop.refresh(timer),
                    (None, _) => {}
                }
            }
            Action::Tick
            | Action::Microtask
            | Action::Immediate
            | Action::After(_)
            | Action::Interval(_) => self.act_later(event_loop, host, actor, action),
            _ => match actor {
                Actor::Server(number) => self.act_on_server(event_loop, number, action),
                _ => {
                    let Some(number) = self.with(|state| state.end_of(actor)) else {
                        return;
                    };
                    self.act_on_socket(event_loop, number, action);
                    let id = self.end(number, |end| end.id);
                    let socket = event_loop.socket_at(id);
                    self.with(|state| {
                        state.course.note(action);
                        state.course.note_socket(&socket);
                    });
                }
            },
        }
    }

    fn act_later(&self, event_loop: &mut Loop, host: usize, actor: Actor, action: &Action) {
        let later = self.clone();
        let act = move |event_loop: &mut Loop| later.act(event_loop, actor);
        let timer = match action {
            Action::Tick => return event_loop.next_tick(act),
            Action::Microtask => return event_loop.queue_microtask(act),
            Action::Immediate => {
                event_loop.set_immediate(act);
                return;
            }
            Action::After(millis) => event_loop.after(Duration::from_millis(*millis), act),
            Action::Interval(millis) => {
                let mut left = ROUNDS;
                let period = Duration::from_millis(*millis);
                event_loop.set_interval(period, move |event_loop| {
                    left -= 1;
                    if left == 0
                        && let Some(this) = event_loop.current_timer()
                    {
                        event_loop.clear_interval(this);
                    }
                    act(event_loop);
                })
            }
            _ => return,
        };
        self.with(|state| state.timers.push((host, timer)));
    }

    pub(super) fn connect(&self, event_loop: &mut Loop, host: usize, number: usize, server: usize) {
        let actor = Actor::Client(number);
        if self.host(actor).is_some() {
            return;
        }
        let abort = (number.is_multiple_of(3)).then(|| event_loop.abort_handle());
        let mut options = self.target(number, server);
        if let Some(abort) = abort {
            options = options.signal(abort);
        }
        match event_loop.connect_to(options) {
            Ok(mut socket) => {
                let end = self.adopt(&mut socket, actor, host);
                self.end(end, |end| end.abort = abort);
                self.begin(event_loop, actor);
            }
            Err(error) => self.fault(format!("a connect is refused: {error}")),
        }
    }

    pub(super) fn target(&self, number: usize, server: usize) -> ConnectOptions {
        let manner = self.with(|state| state.program.manner(Actor::Client(number)));
        let host = self.with(|state| state.servers.get(&server).map_or(0, |it| it.host));
        let options = match server {
            NO_SERVER => ConnectOptions::from((NAMES[0], 9)),
            server if server > NO_SERVER => ConnectOptions::from(("nowhere", 9)),
            server => ConnectOptions::from((NAMES[host], PORT + server as u16)),
        };
        let options = options.local_port(LOCAL_PORT + number as u16);
        let options = options.allow_half_open(manner.is_half_open);
        let options = match manner.mark {
            Some(mark) => options.high_water_mark(mark),
            None => options,
        };
        match manner.limit {
            Some(limit) => options.write_limit(limit),
            None => options,
        }
    }

    /// Takes note of a new socket, and listens to its events.
    pub(super) fn adopt(&self, socket: &mut Socket<'_>, actor: Actor, host: usize) -> usize {
        let me = Me {
            play: self.clone(),
            end: Rc::new(Cell::new(0)),
            guard: Rc::new(()),
        };
        let manner = self.with(|state| state.program.manner(actor));
        let mut end = End::new(actor, host, socket.id(), manner);
        end.guard = Rc::downgrade(&me.guard);
        self.add(&me.end, end);
        me.listen(socket);
        me.end.get()
    }

    /// The socket is this end from now on.
    pub(super) fn add(&self, me: &Rc<Cell<usize>>, mut end: End) {
        end.me = Rc::downgrade(me);
        self.with(|state| {
            me.set(state.ends.len());
            if state.by_actor.insert(end.actor, state.ends.len()).is_some() {
                let words = format!("a connection is accepted twice: {:?}", end.actor);
                state.fault.get_or_insert(words);
            }
            state.ends.push(end);
        });
    }
}
