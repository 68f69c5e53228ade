//! A run of the same program on another loop.

use super::entry::{Entry, Kind};
use super::names::Names;

/// How many callbacks of each run are compared at most.
const COMPARED: usize = 1000;

/// The callbacks of a run on another loop, to stand beside a recording on its [page](crate::study::page): that
/// of Node, for example.
///
/// ```
/// use netloop::study::{Beside, Recording, page};
///
/// let node = Beside::read("Node v26.0.0, 2026-11-29\n0.4 server listening\n1.2 accepted connection\n");
/// assert_eq!(node.title, "Node v26.0.0, 2026-11-29");
/// assert_eq!((&*node.callbacks[1].who, &*node.callbacks[1].event), ("accepted", "connection"));
/// let page = page(&Recording::default(), Some(&node));
/// assert!(page.contains("Node v26.0.0"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Beside {
    /// Which loop it was, and when.
    pub title: String,
    /// Its callbacks, in order.
    pub callbacks: Vec<Other>,
}

/// A callback on another loop.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Other {
    /// When it ran, in milliseconds since the program began.
    pub millis: f64,
    /// The role of the socket or server: `client`, `accepted`, `server` or `loop`.
    pub who: String,
    /// The name of its event.
    pub event: String,
}

impl Beside {
    /// Reads a title and, on a line each, the callbacks: milliseconds, role and event. A line that is nothing
    /// of the kind is left out.
    pub fn read(text: &str) -> Beside {
        let (title, lines) = text.split_once('\n').unwrap_or((text, ""));
        let callback = |line: &str| {
            let mut words = line.splitn(3, ' ');
            Some(Other {
                millis: words.next()?.parse().ok()?,
                who: words.next()?.to_owned(),
                event: words.next()?.to_owned(),
            })
        };
        Beside {
            title: title.to_owned(),
            callbacks: lines.lines().filter_map(callback).collect(),
        }
    }

    /// Of each callback, the number of the record of the same one in the recording, as far as both runs have
    /// them in the same order.
    pub(super) fn twins(&self, entries: &[Entry], names: &Names) -> Vec<Option<u64>> {
        let ours = entries.iter().filter(|entry| entry.kind == Kind::Callback);
        let ours = ours.take(COMPARED).map(|entry| {
            let role = names.role(&entry.who).map_or("", |role| role.word());
            (entry.number, key(role, &entry.words))
        });
        let (numbers, ours): (Vec<u64>, Vec<String>) = ours.unzip();
        let theirs = self.callbacks.iter().take(COMPARED);
        let theirs: Vec<String> = theirs.map(|it| key(&it.who, &it.event)).collect();
        let mut twins = vec![None; self.callbacks.len()];
        for (at, twin) in common(&ours, &theirs) {
            twins[twin] = Some(numbers[at]);
        }
        twins
    }
}

/// What two loops have in common of a callback. A timer is the loop's in one and a socket's in the other.
fn key(role: &str, event: &str) -> String {
    match event {
        "after" | "set_timeout" => "set_timeout".into(),
        "set_interval" => event.into(),
        _ => format!("{role} {event}"),
    }
}

/// The longest sequence that both have: the places in the one, and in the other.
fn common(ours: &[String], theirs: &[String]) -> Vec<(usize, usize)> {
    let width = theirs.len() + 1;
    // How long it is from these places on.
    let mut longest = vec![0_u16; (ours.len() + 1) * width];
    for (a, key) in ours.iter().enumerate().rev() {
        for (b, other) in theirs.iter().enumerate().rev() {
            longest[a * width + b] = match key == other {
                true => longest[(a + 1) * width + b + 1] + 1,
                false => longest[(a + 1) * width + b].max(longest[a * width + b + 1]),
            };
        }
    }
    let (mut a, mut b, mut pairs) = (0, 0, Vec::new());
    while a < ours.len() && b < theirs.len() {
        if ours[a] == theirs[b] {
            pairs.push((a, b));
            (a, b) = (a + 1, b + 1);
        } else if longest[(a + 1) * width + b] >= longest[a * width + b + 1] {
            a += 1;
        } else {
            b += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::numbered;
    use super::*;

    #[test]
    fn what_comes_in_the_same_order_in_both_is_found() {
        let lines = [
            r#""k":"callback","w":"listening","who":"server#1""#,
            r#""k":"step","w":"x","more":["idle","opening"],"who":"socket#2""#,
            r#""k":"callback","w":"connect","who":"socket#2""#,
            r#""k":"callback","w":"after","who":"socket#2""#,
            r#""k":"callback","w":"end","who":"socket#2""#,
            r#""k":"callback","w":"close","who":"socket#2""#,
        ];
        let entries = numbered(&lines);
        let other = Beside::read(
            "Other\n0 server listening\n1.5 loop set_timeout\n2 client connect\n\
             nothing\n3 client close\n4 client end",
        );
        assert_eq!(other.callbacks.len(), 5);
        let twins = other.twins(&entries, &Names::of(&entries));
        assert_eq!(twins, [Some(1), Some(4), None, Some(6), None]);
        assert!(
            Beside::default()
                .twins(&entries, &Names::default())
                .is_empty()
        );
    }
}
