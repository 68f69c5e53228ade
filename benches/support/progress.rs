//! How far a run has come and how long it may still take; a quick run also ends in time. A value
//! that is told the time; what it says goes to the terminal by the report.

use std::time::Duration;

/// What a quick run may take in each bench. A last step that takes longer than expected comes on top;
/// all together stay within three minutes.
const QUICK: [(&str, Duration); 4] = [
    ("echo", Duration::from_secs(55)),
    ("flood", Duration::from_secs(25)),
    ("footprint", Duration::from_secs(40)),
    ("loops", Duration::from_secs(15)),
];

/// The time for a quick run of this bench.
pub(crate) fn quick(bench: &str) -> Duration {
    let known = QUICK.iter().find(|(name, _)| *name == bench);
    known.map_or(Duration::from_secs(10), |(_, limit)| *limit)
}

/// One measurement.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// `bench/case/server`, as a filter sees it.
    pub(crate) name: String,
    /// What it takes on an idle machine.
    pub(crate) expected: Duration,
    /// Whether it is too long for a quick run.
    pub(crate) is_long: bool,
}

/// The steps of a bench, those done and those to come.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    limit: Option<Duration>,
    steps: Vec<Step>,
    /// How many steps have been started or left out.
    taken: usize,
    /// When the running step began, and what it was expected to take.
    running: Option<(Duration, Duration)>,
    /// What the finished steps took, and what they were expected to take.
    finished: (Duration, Duration),
    left_out: Vec<String>,
}

impl Progress {
    /// Of these steps in this order. With a limit, long ones are left out from the start, and then
    /// each that would end after it.
    pub(crate) fn new(steps: Vec<Step>, limit: Option<Duration>) -> Progress {
        let is_out = |step: &Step| limit.is_some() && step.is_long;
        let (out, steps): (Vec<Step>, Vec<Step>) = steps.into_iter().partition(is_out);
        Progress {
            limit,
            steps,
            left_out: out.into_iter().map(|step| step.name).collect(),
            ..Progress::default()
        }
    }

    /// The step of this name is about to start, so long after the start of the bench. A line for
    /// the reader, or `None` when the step is left out.
    pub(crate) fn start(&mut self, name: &str, now: Duration) -> Option<String> {
        self.finish(now);
        let at = self.steps.iter().position(|step| step.name == name)?;
        self.taken = at + 1;
        let expected = self.steps[at].expected;
        // Not at the pace so far: that of another kind of step says little of this one.
        if self.limit.is_some_and(|limit| now + expected > limit) {
            self.left_out.push(name.to_owned());
            return None;
        }
        self.running = Some((now, expected));
        let to_come = self.steps[at..].iter().map(|step| step.expected).sum();
        let left = match self.limit {
            Some(limit) => self.scaled(to_come).min(limit - now),
            None => self.scaled(to_come),
        };
        let all = self.steps.len();
        Some(format!("[{} of {all}] {name}: {}", self.taken, words(left)))
    }

    /// What was left out: names of steps, or of a case when all of its steps were.
    pub(crate) fn left_out(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in &self.left_out {
            let case = case_of(name);
            let is_started = self
                .steps
                .iter()
                .any(|step| case_of(&step.name) == case && !self.left_out.contains(&step.name));
            let name = if is_started { name } else { case };
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }

    fn finish(&mut self, now: Duration) {
        if let Some((begin, expected)) = self.running.take() {
            self.finished.0 += now.saturating_sub(begin);
            self.finished.1 += expected;
        }
    }

    /// What so much takes at the pace of the finished steps.
    fn scaled(&self, expected: Duration) -> Duration {
        let (took, planned) = self.finished;
        if planned.is_zero() {
            return expected;
        }
        expected.mul_f64(took.as_secs_f64() / planned.as_secs_f64())
    }
}

/// `bench/case` of `bench/case/server`. The name of a server may have a slash of its own.
fn case_of(name: &str) -> &str {
    let mut slashes = name.match_indices('/').map(|(at, _)| at);
    slashes.nth(1).map_or(name, |second| &name[..second])
}

fn words(left: Duration) -> String {
    match left.as_secs() {
        0..10 => "a few seconds left".to_owned(),
        seconds @ 10..100 => format!("some {} s left", seconds.next_multiple_of(10)),
        seconds => format!("some {} min left", seconds.div_ceil(60)),
    }
}
