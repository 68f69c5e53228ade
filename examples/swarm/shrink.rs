//! Shrinks a failing program, as long as it breaks the same rule.

use std::time::{Duration, Instant};

use super::program::{Action, Bounds, HOSTS, Manner, Program, Venue};
use super::run::run;
use super::trace::Trace;

/// How many programs are tried at most, and how long that may take.
const TRIES: usize = 2000;
const TIME_MAX: Duration = Duration::from_secs(20);

struct Shrinking {
    program: Program,
    rule: String,
    tries: usize,
    begun: Instant,
}

/// The broken rule, or the place of a panic: the message up to its details.
fn rule(fault: &str) -> String {
    fault.split(": ").next().unwrap_or_default().to_owned()
}

/// The smallest program found that breaks the same rule.
pub(super) fn shrunk(program: Program, fault: &str) -> Program {
    let mut shrinking = Shrinking {
        program,
        rule: rule(fault),
        tries: 0,
        begun: Instant::now(),
    };
    while shrinking.leave_out() | shrinking.simplify() {}
    shrinking.program
}

impl Shrinking {
    /// Replaces the program by a smaller one, if that fails, too.
    fn replace_if_failing(&mut self, smaller: Program) -> bool {
        self.tries += 1;
        if self.tries > TRIES || self.begun.elapsed() > TIME_MAX {
            return false;
        }
        let fails = run(&smaller, Trace::Silent).is_err_and(|fault| rule(&fault) == self.rule);
        if fails {
            self.program = smaller;
        }
        fails
    }

    /// Leaves out steps: first half of them together, then fewer.
    fn leave_out(&mut self) -> bool {
        let mut has_shrunk = false;
        let mut size = self.program.steps.len() / 2;
        while size > 0 {
            let mut first = 0;
            while first < self.program.steps.len() {
                let mut smaller = self.program.clone();
                let last = (first + size).min(smaller.steps.len());
                smaller.steps.drain(first..last);
                match self.replace_if_failing(smaller) {
                    true => has_shrunk = true,
                    false => first += size,
                }
            }
            size /= 2;
        }
        has_shrunk
    }

    /// Replaces options by their defaults, and values by smaller ones.
    fn simplify(&mut self) -> bool {
        let mut has_shrunk = false;
        let mut plain = self.program.clone();
        plain.buffers = None;
        has_shrunk |= self.program.buffers.is_some() && self.replace_if_failing(plain);
        for host in 0..HOSTS {
            let mut plain = self.program.clone();
            let faults = plain.faults[host].take();
            has_shrunk |= faults.is_some() && self.replace_if_failing(plain);
        }
        for host in 0..HOSTS {
            let mut plain = self.program.clone();
            let bounds = std::mem::take(&mut plain.bounds[host]);
            has_shrunk |= bounds != Bounds::default() && self.replace_if_failing(plain);
        }
        for number in 0..self.program.venues.len() {
            let mut plain = self.program.clone();
            let venue = std::mem::take(&mut plain.venues[number]);
            has_shrunk |= venue != Venue::default() && self.replace_if_failing(plain);
        }
        for side in 0..2 {
            for number in 0..self.program.manners[side].len() {
                let mut plain = self.program.clone();
                let manner = std::mem::take(&mut plain.manners[side][number]);
                has_shrunk |= manner != Manner::default() && self.replace_if_failing(plain);
            }
        }
        for place in 0..self.program.steps.len() {
            while let Some(action) = smaller(&self.program.steps[place].action) {
                let mut plain = self.program.clone();
                plain.steps[place].action = action;
                if !self.replace_if_failing(plain) {
                    break;
                }
                has_shrunk = true;
            }
        }
        has_shrunk
    }
}

/// The action with half its value, or the one within an `On`.
fn smaller(action: &Action) -> Option<Action> {
    Some(match action {
        Action::Write(size @ 2..) => Action::Write(size / 2),
        Action::WriteThen(size @ 2..) => Action::WriteThen(size / 2),
        Action::EndWith(size @ 2..) => Action::EndWith(size / 2),
        Action::Read(Some(size @ 2..)) => Action::Read(Some(size / 2)),
        Action::Unshift(size @ 2..) => Action::Unshift(size / 2),
        Action::After(millis @ 1..) => Action::After(millis / 2),
        Action::Interval(millis @ 1..) => Action::Interval(millis / 2),
        Action::IdleTimeout(millis @ 2..) => Action::IdleTimeout(millis / 2),
        Action::Advance(millis @ 2..) => Action::Advance(millis / 2),
        Action::On(_, action) => action.as_ref().clone(),
        _ => return None,
    })
}
