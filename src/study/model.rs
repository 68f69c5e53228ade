//! A pure fold over the entries of a recording: what is the case after each of them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::entry::{Entry, Kind};
use super::names::Role;
use super::standing::Standing;
use super::waiting::{Phase, Waiting};

/// A callback or a call that has not returned.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Running {
    /// Its record.
    pub number: u64,
    /// Whose it is.
    pub who: String,
    /// The event or the function.
    pub words: String,
    /// Whether the program's code runs: otherwise the program has called the library.
    pub is_callback: bool,
    /// When it began.
    pub since: Duration,
}

/// What is the case after the entries that it was told so far, in order. It knows no clock and no file. Of
/// an entry whose kind it does not know it takes the turn and the time.
///
/// ```
/// use netloop::study::{Model, Recording};
///
/// let file = r#"{"netloop":1}
/// {"n":1,"k":"callback","w":"data","who":"socket#1"}
/// {"n":2,"c":1,"k":"queued","w":"immediates","more":"set_immediate","who":"loop"}
/// {"n":3,"c":1,"k":"done","who":"socket#1"}
/// {"n":4,"by":2,"k":"callback","w":"set_immediate","who":"loop"}"#;
/// let recording = Recording::read(file.as_bytes());
/// let mut model = Model::default();
/// let mut counts = Vec::new();
/// for entry in &recording.entries {
///     model.step(entry);
///     counts.push((model.running().len(), model.waiting().count()));
/// }
/// assert_eq!(counts, [(1, 0), (1, 1), (0, 1), (1, 0)]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Model {
    turn: u64,
    now: Duration,
    phase: Phase,
    running: Vec<Running>,
    waiting: BTreeMap<u64, Waiting>,
    standings: BTreeMap<String, Standing>,
    /// What the last entry has taken from its queue.
    gone: Vec<u64>,
}

impl Model {
    /// Follows an entry.
    pub fn step(&mut self, entry: &Entry) {
        self.now = self.now.max(entry.at);
        self.gone.clear();
        self.follow_turn(entry);
        self.follow_running(entry);
        self.follow_waiting(entry);
        if !matches!(Role::told_by(entry), Role::Loop) {
            let standing = self.standings.entry(entry.who.clone());
            standing.or_insert_with(|| Standing::new(entry)).step(entry);
        }
        let is_over =
            entry.kind == Kind::Step && entry.more.last().is_some_and(|to| to == "closed");
        if is_over {
            // It leaves these without a word.
            let left = ["again", "pending"];
            let waiting = self.waiting.values();
            let gone = waiting.filter(|it| it.who == entry.who && left.contains(&&*it.queue));
            let gone: Vec<u64> = gone.map(|it| it.number).collect();
            gone.into_iter().for_each(|number| self.is_over(number));
        }
    }

    /// The turn, from 1; 0 before the first.
    pub fn turn(&self) -> u64 {
        self.turn
    }

    /// The time of the last entry.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// The phase of the turn.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The callbacks and calls that have not returned, the outermost first.
    pub fn running(&self) -> &[Running] {
        &self.running
    }

    /// What was queued and has not run, the oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.values()
    }

    /// What waits by the number of the record of its queueing.
    pub fn waiting_by(&self, number: u64) -> Option<&Waiting> {
        self.waiting.get(&number)
    }

    /// What the last entry has taken from its queue: the numbers of the records of its queueing.
    pub fn gone(&self) -> &[u64] {
        &self.gone
    }

    /// Why what waits has not run yet.
    pub fn why_not_yet(&self, waiting: &Waiting) -> String {
        waiting.why_not_yet(self.phase, !self.running.is_empty(), self.now)
    }

    /// How a socket or a server stands, `socket#7`.
    pub fn standing(&self, who: &str) -> Option<&Standing> {
        self.standings.get(who)
    }

    /// All sockets and servers, and how they stand.
    pub fn standings(&self) -> impl Iterator<Item = (&str, &Standing)> {
        self.standings.iter().map(|(who, it)| (who.as_str(), it))
    }

    /// What holds the loop, so that it does not end: sockets and servers by their name, and what is queued
    /// and armed.
    pub fn holders(&self) -> (Vec<&str>, Vec<&Waiting>) {
        let held = self.standings().filter(|(_, standing)| standing.is_held);
        let waiting = self.waiting.values().filter(|it| it.is_held && it.holds());
        (held.map(|(who, _)| who).collect(), waiting.collect())
    }

    fn follow_turn(&mut self, entry: &Entry) {
        if entry.turn > self.turn {
            self.turn = entry.turn;
            self.phase = Phase::Pending;
        }
        let work = entry.by.and_then(|by| self.waiting.get(&by));
        let queue = work.map(|work| work.queue.as_str());
        if let Some(phase) = Phase::told_by(entry, queue) {
            self.phase = phase;
        }
    }

    fn follow_running(&mut self, entry: &Entry) {
        match entry.kind {
            Kind::Callback | Kind::Call => self.running.push(Running {
                number: entry.number,
                who: entry.who.clone(),
                words: entry.words.clone(),
                is_callback: entry.kind == Kind::Callback,
                since: entry.at,
            }),
            Kind::Done => {
                let ended = self.running.iter().rposition(|it| it.number == entry.cause);
                self.running.truncate(ended.unwrap_or(self.running.len()));
            }
            // What a panic has ended does not return.
            Kind::Wait => self.running.clear(),
            _ => {}
        }
    }

    fn follow_waiting(&mut self, entry: &Entry) {
        let Some(by) = entry.by else {
            if entry.kind == Kind::Queued {
                self.waiting.insert(entry.number, Waiting::of(entry));
            }
            return;
        };
        match entry.kind {
            Kind::Holds => {
                if let Some(waiting) = self.waiting.get_mut(&by) {
                    waiting.is_held = entry.words == "true";
                }
            }
            Kind::Cleared => self.is_over(by),
            _ => match self.waiting.get_mut(&by) {
                Some(again) if again.is_repeated() => {
                    again.due = again.delay.map(|delay| entry.at + delay);
                }
                _ => self.is_over(by),
            },
        }
    }

    fn is_over(&mut self, by: u64) {
        if self.waiting.remove(&by).is_some() {
            self.gone.push(by);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::numbered;
    use super::*;

    /// The model after these lines, which are numbered from 1.
    fn after(lines: &[&str]) -> Model {
        let mut model = Model::default();
        numbered(lines).iter().for_each(|entry| model.step(entry));
        model
    }

    fn works(model: &Model) -> Vec<&str> {
        model.waiting().map(|it| it.work.as_str()).collect()
    }

    #[test]
    fn what_is_queued_waits_until_it_runs_or_is_cleared() {
        let model = after(&[
            r#""k":"queued","w":"ticks","more":"emit end","who":"socket#1""#,
            r#""k":"queued","w":"timers","more":"after","ns":5000000,"who":"loop""#,
            r#""k":"queued","w":"timers","more":"set_interval","ns":5000000,"t":1000000,"who":"loop""#,
            r#""by":1,"k":"tick","w":"emit end","who":"socket#1""#,
            r#""by":2,"k":"cleared","who":"loop""#,
            r#""by":3,"k":"phase","w":"timers","t":6000000,"who":"loop""#,
        ]);
        assert_eq!(
            (works(&model), model.phase()),
            (vec!["set_interval"], Phase::Timers)
        );
        let timer = model.waiting().next().unwrap();
        assert_eq!(timer.due, Some(Duration::from_millis(11)));
        assert!(model.why_not_yet(timer).starts_with("due in 5 ms: "));
        assert_eq!(model.holders().1.len(), 1);
    }

    #[test]
    fn the_phase_is_that_of_the_turn() {
        let mut lines =
            vec![r#""k":"queued","w":"immediates","more":"set_immediate","who":"loop""#];
        let phases: Vec<Phase> = [
            r#""k":"phase","w":"pending","turn":1,"who":"socket#1""#,
            r#""k":"wait","w":0,"turn":1,"who":"loop""#,
            r#""by":1,"k":"callback","w":"set_immediate","turn":1,"who":"loop""#,
            r#""k":"phase","w":"closing","turn":1,"who":"socket#1""#,
            r#""k":"tick","turn":2,"who":"socket#1""#,
        ]
        .into_iter()
        .map(|line| {
            lines.push(line);
            after(&lines).phase()
        })
        .collect();
        let turn = [
            Phase::Pending,
            Phase::Poll,
            Phase::Check,
            Phase::Closing,
            Phase::Pending,
        ];
        assert_eq!(phases, turn);
    }

    #[test]
    fn bytes_are_counted_from_the_write_to_the_kernel_and_from_there_to_data() {
        let model = after(&[
            r#""k":"accepted","w":7,"more":["127.0.0.1:1","127.0.0.1:2"],"who":"socket#2""#,
            r#""k":"call","w":"write","bytes":10,"who":"socket#2""#,
            r#""c":2,"k":"system","w":"send","bytes":4,"who":"socket#2""#,
            r#""k":"system","w":"recv","bytes":3,"who":"socket#2""#,
            r#""k":"callback","w":"data","bytes":3,"who":"socket#2""#,
        ]);
        let socket = model.standing("socket#2").unwrap();
        assert_eq!((socket.role, socket.unsent()), (Role::Accepted, 6));
        assert_eq!((socket.received, socket.delivered), (3, 3));
        assert!(
            socket
                .why_not_yet()
                .unwrap()
                .starts_with("6 bytes wait to be sent")
        );
        assert_eq!(model.running().len(), 2);
    }

    #[test]
    fn what_holds_the_loop_is_told_and_what_does_not() {
        let model = after(&[
            r#""k":"holds","w":true,"who":"server#1""#,
            r#""k":"holds","w":true,"who":"socket#2""#,
            r#""k":"holds","w":false,"who":"socket#2""#,
            r#""k":"queued","w":"timers","more":"after","ns":1,"who":"loop""#,
            r#""by":4,"k":"holds","w":false,"who":"loop""#,
            r#""k":"queued","w":"timers","more":"look whether it is idle","ns":1,"who":"socket#2""#,
            r#""k":"queued","w":"again","more":"it has just connected","who":"socket#2""#,
            r#""k":"dream","w":{},"who":"nobody""#,
        ]);
        assert_eq!(model.holders(), (vec!["server#1"], vec![]));
        assert_eq!(works(&model).len(), 3);
    }

    #[test]
    fn what_has_closed_is_served_no_more() {
        let model = after(&[
            r#""k":"queued","w":"again","more":"it has just connected","who":"socket#2""#,
            r#""k":"queued","w":"ticks","more":"emit error","who":"socket#2""#,
            r#""k":"step","w":"CloseDue","more":["destroyed","closed"],"who":"socket#2""#,
        ]);
        assert_eq!(works(&model), ["emit error"]);
    }
}
