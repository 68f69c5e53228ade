//! The parts of a lesson, and its claims about its run.

use netloop::study::{Entry, Kind, Model};

use super::language::Language;
use super::stage::{self, Played, Program, Recorded};

/// A name, an event, a function.
type Word = &'static str;

pub(super) struct Lesson {
    pub(super) name: &'static str,
    /// Its title, the introduction, the question and the explanation.
    pub(super) english: &'static str,
    /// The same in Korean, and what the claims say.
    pub(super) korean: &'static str,
    pub(super) javascript: &'static str,
    /// The text of `program`.
    pub(super) rust: &'static str,
    pub(super) program: Program,
    pub(super) claims: &'static [Claim],
    /// The run of a lesson that needs a wire, or a server beside it.
    pub(super) recorded: Option<Recorded>,
    /// What Node has run of the same program, as `tests/node_run.js` has written it down. None where
    /// each run has other chunks, where there are hundreds of callbacks, or where it needs a wire or a server.
    pub(super) beside: Option<&'static str>,
    /// Why its program cannot run on a simulated kernel.
    pub(super) outside: Option<&'static str>,
}

/// A sentence about a run, and whether the recording of that run shows it.
pub(super) struct Claim {
    pub(super) sentence: &'static str,
    /// The numbers of the records that show it; `None` if it is false.
    pub(super) seen: fn(&Played) -> Option<Vec<u64>>,
}

impl Lesson {
    /// Whether its run was recorded on a wire of its own.
    pub(super) fn needs_wire(&self) -> bool {
        let run = self.recorded.as_ref().map(stage::recorded);
        run.is_some_and(|run| !run.recording.segments.is_empty())
    }

    /// Whether its server is a program of its own.
    pub(super) fn needs_server(&self) -> bool {
        self.recorded.is_some() && !self.needs_wire()
    }

    /// Why the lesson cannot run on a simulated kernel.
    pub(super) fn outside(&self) -> Option<&'static str> {
        match self.recorded {
            Some(_) if self.needs_wire() => {
                Some("the wire of this lesson is a device of a real machine")
            }
            Some(_) => Some("the server of this lesson is a program of its own"),
            None => self.outside,
        }
    }

    fn prose(&self, language: Language) -> &'static str {
        match language {
            Language::English => self.english,
            Language::Korean => self.korean,
        }
    }

    /// The prose up to the first heading, without the title, or below the heading of this name.
    pub(super) fn part(&self, language: Language, heading: &str) -> &'static str {
        let mut parts = self.prose(language).split("\n## ");
        let first = parts.next().unwrap_or_default();
        let part = match heading {
            "" => first.split_once('\n').map(|(_, text)| text),
            _ => parts.find_map(|part| part.strip_prefix(heading)),
        };
        part.unwrap_or_default().trim()
    }

    pub(super) fn title(&self, language: Language) -> &'static str {
        let first = self.prose(language).lines().next().unwrap_or_default();
        first.trim_start_matches("# ")
    }

    /// What the claims say, in their order.
    pub(super) fn sentences(&self, language: Language) -> Vec<String> {
        if language == Language::English {
            let claims = self.claims.iter();
            return claims.map(|claim| claim.sentence.to_owned()).collect();
        }
        let list = self.part(language, language.words().saw);
        let items = list.trim_start_matches("- ").split("\n- ");
        items.map(|item| item.replace("\n  ", " ")).collect()
    }
}

/// These records, if each came before the next.
pub(super) fn in_order<const N: usize>(entries: [&Entry; N]) -> Option<Vec<u64>> {
    seen(entries.is_sorted_by(|a, b| a.number < b.number), entries)
}

/// The records that show something, if it is so.
pub(super) fn seen<const N: usize>(is_so: bool, entries: [&Entry; N]) -> Option<Vec<u64>> {
    is_so.then(|| entries.iter().map(|entry| entry.number).collect())
}

/// Queries for claims. `who` is a name in the run, such as `client#2`, or a role, such as `client`.
impl Played {
    /// The records of this kind and with these words about a socket or server.
    fn all(&self, who: Word, kind: Kind, words: Word) -> impl Iterator<Item = &Entry> {
        self.told(who, kind)
            .filter(move |entry| entry.words == words)
    }

    /// The callbacks for an event.
    pub(super) fn callbacks(&self, who: Word, event: Word) -> impl Iterator<Item = &Entry> {
        self.all(who, Kind::Callback, event)
    }

    pub(super) fn callback(&self, who: Word, event: Word) -> Option<&Entry> {
        self.callbacks(who, event).next()
    }

    /// The program's calls of a function.
    pub(super) fn calls(&self, who: Word, function: Word) -> impl Iterator<Item = &Entry> {
        self.all(who, Kind::Call, function)
    }

    pub(super) fn call(&self, who: Word, function: Word) -> Option<&Entry> {
        self.calls(who, function).next()
    }

    /// The system calls of a name.
    pub(super) fn systems(&self, who: Word, name: Word) -> impl Iterator<Item = &Entry> {
        self.all(who, Kind::System, name)
    }

    pub(super) fn system(&self, who: Word, name: Word) -> Option<&Entry> {
        self.systems(who, name).next()
    }

    /// The cause of a record that has these words.
    pub(super) fn why(&self, entry: &Entry, words: Word) -> Option<&Entry> {
        let mut why = self.recording.why(entry.number);
        why.find(|entry| entry.words == words)
    }

    /// The records of this kind about a socket, a server or the loop.
    pub(super) fn told(&self, who: Word, kind: Kind) -> impl Iterator<Item = &Entry> {
        let entries = self.recording.entries.iter();
        entries.filter(move |entry| entry.kind == kind && self.names.is_meant(&entry.who, who))
    }

    /// The callback that has printed a line.
    pub(super) fn printed(&self, line: Word) -> Option<&Entry> {
        let mut entries = self.recording.entries.iter();
        let next = entries.find(|entry| entry.prints.iter().any(|it| it == line))?;
        self.recording.get(next.cause)
    }

    /// All lines that the program has printed.
    pub(super) fn prints(&self) -> impl Iterator<Item = &str> {
        let entries = self.recording.entries.iter();
        let lines = entries.flat_map(|entry| &entry.prints);
        lines.map(String::as_str)
    }

    /// The return of a callback or a call.
    pub(super) fn end_of(&self, entry: &Entry) -> Option<&Entry> {
        let mut entries = self.recording.entries.iter();
        entries.find(|end| end.kind == Kind::Done && end.cause == entry.number)
    }

    /// The model after a record.
    pub(super) fn after(&self, number: u64) -> Model {
        let mut model = Model::default();
        let entries = self.recording.entries.iter();
        let until = entries.take_while(|entry| entry.number <= number);
        until.for_each(|entry| model.step(entry));
        model
    }

    /// The sum of the records' bytes.
    pub(super) fn bytes<'a>(&self, entries: impl Iterator<Item = &'a Entry>) -> u64 {
        entries.filter_map(|entry| entry.bytes).sum()
    }

    /// The wait of a turn.
    pub(super) fn wait_of(&self, turn: u64) -> Option<&Entry> {
        let mut entries = self.recording.entries.iter();
        entries.find(|entry| entry.kind == Kind::Wait && entry.turn == turn)
    }
}
