//! What many sockets do alike, one after the other.

use std::collections::HashMap;

/// How many lines at most are what each of them does.
const PERIOD_MAX: usize = 64;

/// From so many on, they are folded.
const MANY: usize = 4;

/// Lines that say the same of one after the other: `count` times as many as `period`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fold {
    /// The index of the first line.
    pub at: usize,
    /// How many lines each has.
    pub period: usize,
    /// How often they are there.
    pub count: usize,
}

impl Fold {
    /// Where the lines that repeat the first ones end.
    pub fn end(&self) -> usize {
        self.at + self.period * self.count
    }

    /// The subjects that repeat the first lines, as a range of their numbers: the second subject and the last.
    /// `None` if the numbers do not ascend. `subject` has the subject of a line, by the line's index.
    ///
    /// ```
    /// use netloop::study::folds;
    ///
    /// let lines: Vec<_> = (1..=9).map(|number| (format!("socket#{number}"), "close")).collect();
    /// let fold = folds(&lines)[0];
    /// assert_eq!(fold.range(|index| &lines[index].0), Some(("socket#2", "socket#9")));
    ///
    /// let lines: Vec<_> = (1..=9).rev().map(|number| (format!("socket#{number}"), "close")).collect();
    /// assert_eq!(folds(&lines)[0].range(|index| &lines[index].0), None);
    /// ```
    pub fn range<'n>(&self, subject: impl Fn(usize) -> &'n str) -> Option<(&'n str, &'n str)> {
        // Some lines of a period may have the same subject in each.
        let varies = |index: &usize| subject(*index) != subject(*index + self.period);
        let first = (self.at..self.at + self.period).find(varies)?;
        let others = (first + self.period..self.end()).step_by(self.period);
        let others: Vec<&str> = others.map(subject).collect();
        match &others[..] {
            [second, .., last] if ascend(&others) => Some((second, last)),
            _ => None,
        }
    }
}

/// Finds where lines say the same of many subjects; a line is its subject and its words. Lines that repeat for
/// one subject are left as they are.
///
/// ```
/// use netloop::study::{Fold, folds};
///
/// let lines = ["ready", "recv"].into_iter().cycle().take(200).enumerate();
/// let lines: Vec<_> = lines.map(|(index, says)| (format!("socket#{}", index / 2), says)).collect();
/// let found = folds(&lines);
/// assert_eq!((found[0].at, found[0].period, found[0].count), (0, 2, 100));
///
/// let same: Vec<_> = (0..200).map(|_| ("socket#1".to_owned(), "write")).collect();
/// assert!(folds(&same).is_empty());
/// ```
pub fn folds<S: std::hash::Hash + Eq>(lines: &[(String, S)]) -> Vec<Fold> {
    let mut ids = HashMap::new();
    let shapes = lines.iter().map(|(who, says)| {
        let role = who.split('#').next().unwrap_or_default();
        let next = ids.len();
        *ids.entry((role, says)).or_insert(next)
    });
    let shapes: Vec<usize> = shapes.collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < lines.len() {
        match repetition(&lines[at..], &shapes[at..]) {
            None => at += 1,
            Some((period, count)) => {
                found.push(Fold { at, period, count });
                at += period * count;
            }
        }
    }
    found
}

/// Whether the numbers of these names ascend.
fn ascend(names: &[&str]) -> bool {
    let number = |name: &&str| name.rsplit('#').next()?.parse::<u64>().ok();
    names.iter().map(number).is_sorted()
}

/// How many lines are repeated from here, and how often they stand there: only of others.
fn repetition<S>(lines: &[(String, S)], shapes: &[usize]) -> Option<(usize, usize)> {
    (1..=PERIOD_MAX.min(lines.len() / MANY)).find_map(|period| {
        let first = &shapes[..period];
        let same = shapes.chunks_exact(period).take_while(|it| *it == first);
        let count = same.count();
        let is_others = (0..period).any(|index| lines[index].0 != lines[index + period].0);
        (count >= MANY && is_others).then_some((period, count))
    })
}
