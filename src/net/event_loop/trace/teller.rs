//! The state of the trace: the tracer, and the record that is the cause of what happens now.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::time::Duration;

use super::lines::{Line, Lines};
use super::records::{Idle, Queue, Record, What};
use super::told::Told;
use crate::kernel::Stopwatch;
use crate::kernel::reactor::Readiness;
use crate::net::ids::Subject;

/// The number of a record. 0 stands for the kernel, or the program outside of all callbacks.
pub(crate) type Cause = u64;

/// The mark on the cause that [`Trace::leave`] restores when something without a record ends: a call that the
/// library makes within a call of the program's, or the library's own work. Its end has no record either.
const UNTOLD: Cause = 1 << 63;

/// A queue entry, and the number of its [`What::Queued`] record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caused<T>(pub(crate) Cause, pub(crate) T);

type Tracer = Box<dyn FnMut(&Record<'_>)>;

/// A callback or a call that has not returned.
struct Running {
    number: Cause,
    subject: Subject,
    /// The line of a call.
    called: Option<Line>,
    is_call: bool,
}

/// The errno of a system call that failed.
pub(crate) fn errno(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(0)
}

#[derive(Default)]
pub(crate) struct Trace {
    tracer: Option<Tracer>,
    watch: Stopwatch,
    /// The record that is the cause of what happens now.
    current: Cause,
    last: Cause,
    turn: u64,
    /// Callbacks and calls that have not returned.
    running: Vec<Running>,
    /// The number of bytes that the next callback of `data` gets.
    pub(super) given: Option<usize>,
    pub(super) lines: Lines,
    /// The tracer has panicked.
    panic: Option<Box<dyn Any + Send>>,
}

impl Trace {
    pub(crate) fn set(&mut self, watch: Stopwatch, tracer: impl FnMut(&Record<'_>) + 'static) {
        if self.tracer.replace(Box::new(tracer)).is_none() {
            self.watch = watch;
        }
    }

    #[inline(always)]
    pub(crate) fn is_on(&self) -> bool {
        self.tracer.is_some()
    }

    #[inline]
    pub(crate) fn current(&self) -> Cause {
        self.current
    }

    /// How many turns have begun.
    pub(crate) fn turn(&self) -> u64 {
        self.turn
    }

    /// The time since the tracer was set.
    pub(crate) fn time(&self) -> Duration {
        self.watch.elapsed()
    }

    /// Makes a record, which is the cause of all that follows until [`Trace::leave`]. Returns the cause
    /// before it.
    #[inline]
    pub(crate) fn enter(&mut self, subject: Subject, what: What<'_>) -> Cause {
        match self.is_on() {
            true => self.enter_told(None, subject, what),
            false => 0,
        }
    }

    /// As [`enter`](Trace::enter), for work that was queued by the record `by`.
    #[inline]
    pub(crate) fn enter_put_off(&mut self, by: Cause, subject: Subject, what: What<'_>) -> Cause {
        match self.is_on() {
            true => self.enter_told(Some(by), subject, what),
            false => 0,
        }
    }

    /// As [`enter`](Trace::enter), for readiness.
    pub(crate) fn enter_ready(&mut self, subject: Subject, readiness: &Readiness<'_>) -> Cause {
        if !self.is_on() {
            return 0;
        }
        let what = What::Readiness {
            mio: &readiness.names(),
            epoll: &readiness.epoll_names(),
        };
        self.enter_told(None, subject, what)
    }

    /// As [`enter`](Trace::enter), for a function that the program has called.
    #[inline]
    #[track_caller]
    pub(crate) fn calls(&mut self, subject: Subject, name: &'static str) -> Cause {
        match self.is_on() {
            true => self.call_told(subject, name, None, Some(Location::caller())),
            false => 0,
        }
    }

    /// As [`calls`](Trace::calls), for a function that sends bytes.
    #[track_caller]
    pub(crate) fn calls_sized(
        &mut self,
        subject: Subject,
        name: &'static str,
        bytes: &[u8],
    ) -> Cause {
        match self.is_on() {
            true => self.call_told(subject, name, Some(bytes), Some(Location::caller())),
            false => 0,
        }
    }

    #[cold]
    fn call_told(
        &mut self,
        subject: Subject,
        name: &'static str,
        payload: Option<&[u8]>,
        line: Option<Line>,
    ) -> Cause {
        if self.running.last().is_some_and(|outer| outer.is_call) {
            return self.goes_untold();
        }
        let former = self.current;
        self.tell(Told {
            bytes: payload.map(<[u8]>::len),
            payload,
            line,
            ..Told::of(subject, What::Call(name))
        });
        self.running.push(Running {
            number: self.last,
            subject,
            called: line,
            is_call: true,
        });
        self.current = self.last;
        former
    }

    /// Begins work of the library's own. It has no record; the records within it belong to what runs already.
    #[cold]
    pub(crate) fn goes_untold(&self) -> Cause {
        self.current | UNTOLD
    }

    /// As [`enter`](Trace::enter), for a callback, when the trace is known to be on.
    #[cold]
    #[inline(never)]
    pub(crate) fn enter_callback(&mut self, subject: Subject, event: &'static str) -> Cause {
        self.enter_told(None, subject, What::Callback(event))
    }

    /// As [`enter`](Trace::enter), for a callback that the program has handed over in this line.
    #[inline]
    pub(crate) fn enter_set_in(&mut self, line: Line, subject: Subject, what: What<'_>) -> Cause {
        match self.is_on() {
            true => self.enter_in(Some(line), None, subject, what),
            false => 0,
        }
    }

    #[cold]
    fn enter_told(&mut self, by: Option<Cause>, subject: Subject, what: What<'_>) -> Cause {
        let line = by.and_then(|by| self.lines.take_queued(by));
        self.enter_in(line, by, subject, what)
    }

    #[cold]
    fn enter_in(
        &mut self,
        line: Option<Line>,
        by: Option<Cause>,
        subject: Subject,
        what: What<'_>,
    ) -> Cause {
        let former = self.current;
        let returns = matches!(what, What::Callback(_));
        let (bytes, line) = match what {
            What::Callback(event) => {
                let given = self.given.take().filter(|_| event == "data");
                (given, line.or(self.lines.of((subject, event))))
            }
            _ => (None, None),
        };
        self.tell(Told {
            by,
            bytes,
            line,
            ..Told::of(subject, what)
        });
        if returns {
            self.running.push(Running {
                number: self.last,
                subject,
                called: None,
                is_call: false,
            });
        }
        self.current = self.last;
        former
    }

    /// Ends what [`enter`](Trace::enter) began, which returned `former`.
    #[inline]
    pub(crate) fn leave(&mut self, former: Cause) {
        if self.is_on() {
            self.left(former, None);
        }
    }

    /// As [`leave`](Trace::leave), for a call that has returned this value.
    pub(crate) fn returned(&mut self, former: Cause, answer: bool) {
        if self.is_on() {
            self.left(former, Some(answer));
        }
    }

    #[cold]
    #[inline(never)]
    fn left(&mut self, former: Cause, answer: Option<bool>) {
        if former & UNTOLD > 0 {
            self.current = former & !UNTOLD;
            return;
        }
        if let Some(ended) = self.running.pop_if(|it| it.number == self.current) {
            self.note(ended.subject, What::Done(answer));
        }
        self.current = former;
    }

    /// As [`leave`](Trace::leave), for readiness, which may have led to nothing.
    #[inline]
    pub(crate) fn leave_ready(&mut self, former: Cause, subject: Subject, why: Idle) {
        if self.is_on() {
            self.note_idle(subject, || why);
            self.current = former;
        }
    }

    /// Notes why the latest record has led to nothing, if it is still the cause of what follows.
    pub(crate) fn note_idle(&mut self, subject: Subject, why: impl FnOnce() -> Idle) {
        if self.current == self.last {
            self.note(subject, What::Nothing(why()));
        }
    }

    /// A run begins, or goes on after a callback has panicked.
    pub(crate) fn begin_run(&mut self) {
        self.current = 0;
        self.running.clear();
    }

    /// The program has called `run` again after a panic or an error.
    pub(crate) fn goes_on(&mut self) -> Cause {
        match self.is_on() {
            true => self.call_told(Subject::Loop, "run", None, None),
            false => 0,
        }
    }

    /// Makes another record the cause of what follows.
    #[inline]
    pub(crate) fn go_to(&mut self, cause: Cause) {
        self.current = cause;
    }

    /// Some work was queued. Returns the `by` for the record of its run.
    #[inline]
    pub(crate) fn queued(&mut self, subject: Subject, queue: Queue, work: &'static str) -> Cause {
        match self.is_on() {
            true => self.tell_queued(subject, queue, work),
            false => 0,
        }
    }

    #[cold]
    fn tell_queued(&mut self, subject: Subject, queue: Queue, work: &'static str) -> Cause {
        let by = self.note(subject, What::Queued { queue, work });
        // A timer keeps its own line.
        let is_programs = subject == Subject::Loop && !matches!(queue, Queue::Timers(_));
        let called = self.running.last().and_then(|call| call.called);
        if let Some(line) = called.filter(|_| is_programs) {
            self.lines.queued_in(by, line);
        }
        by
    }

    /// Queued work will not run.
    #[inline]
    pub(crate) fn cleared(&mut self, by: Cause) {
        if self.is_on() {
            self.lines.take_queued(by);
            self.note_of(Some(by), Subject::Loop, What::Cleared);
        }
    }

    /// A socket, a server or queued work begins or ceases to hold the loop.
    #[inline]
    pub(crate) fn holds(&mut self, by: Option<Cause>, subject: Subject, holds: bool) {
        if self.is_on() {
            self.note_of(by, subject, What::Holds(holds));
        }
    }

    /// Makes a record that is the cause of nothing. Returns its number.
    #[cold]
    pub(crate) fn note(&mut self, subject: Subject, what: What<'_>) -> Cause {
        self.note_of(None, subject, what)
    }

    #[cold]
    fn note_of(&mut self, by: Option<Cause>, subject: Subject, what: What<'_>) -> Cause {
        let told = Told::of(subject, what);
        self.tell(Told { by, ..told });
        self.last
    }

    /// Counts a turn that begins, also while the trace is off.
    pub(crate) fn begin_turn(&mut self) {
        self.turn += 1;
        self.current = 0;
    }

    #[cold]
    pub(super) fn tell(&mut self, told: Told<'_>) {
        let at = self.time();
        let Some(tracer) = &mut self.tracer else {
            return;
        };
        self.last += 1;
        let record = Record {
            number: self.last,
            cause: self.current,
            by: told.by,
            at,
            turn: self.turn,
            subject: told.subject,
            bytes: told.bytes,
            payload: told.payload,
            line: told.line,
            what: told.what,
        };
        // The loop is in the middle of its own work: unwinding from here would lose the rest.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| tracer(&record))) {
            self.panic.get_or_insert(panic);
        }
    }

    /// Resumes a panic of the tracer's at the end of the turn.
    pub(crate) fn unwind(&mut self) {
        if let Some(panic) = self.panic.take() {
            resume_unwind(panic);
        }
    }
}
