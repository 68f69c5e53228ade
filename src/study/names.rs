//! Names for the sockets and servers of a recording.

use std::collections::BTreeMap;

use super::entry::{Entry, Kind};

/// The role of a socket, a server or the loop in a recording. It prints as its [`word`](Role::word).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Role {
    /// A socket that connects.
    Client,
    /// The loop.
    Loop,
    /// A socket that a server has accepted.
    Accepted,
    /// A server.
    Server,
    /// A socket that was made from a descriptor.
    Socket,
}

impl Role {
    /// How many there are.
    const COUNT: usize = Role::Socket as usize + 1;

    /// `client`, `loop`, `accepted`, `server` or `socket`.
    pub fn word(self) -> &'static str {
        match self {
            Role::Client => "client",
            Role::Loop => "loop",
            Role::Accepted => "accepted",
            Role::Server => "server",
            Role::Socket => "socket",
        }
    }

    /// What an entry tells about the role of its subject.
    pub(super) fn told_by(entry: &Entry) -> Role {
        match entry.kind {
            _ if entry.who.starts_with("server#") => Role::Server,
            _ if !entry.who.starts_with("socket#") => Role::Loop,
            Kind::Accepted => Role::Accepted,
            Kind::Step if entry.more.last().is_some_and(|to| to == "opening") => Role::Client,
            _ => Role::Socket,
        }
    }
}

/// The names of the sockets and servers of a recording: the role, with the number where several have it.
///
/// ```
/// use netloop::study::{Names, Recording};
///
/// let file = r#"{"netloop":1}
/// {"n":1,"k":"accepted","who":"socket#7"}
/// {"n":2,"k":"step","more":["idle","opening"],"who":"socket#8"}
/// {"n":3,"k":"step","more":["idle","opening"],"who":"socket#9"}"#;
/// let recording = Recording::read(file.as_bytes());
/// let names = Names::of(&recording.entries);
/// assert_eq!((names.get("socket#7"), names.get("socket#9")), ("accepted", "client#9"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Names {
    names: BTreeMap<String, (Role, String)>,
}

impl Names {
    /// Names every subject of these entries.
    pub fn of(entries: &[Entry]) -> Names {
        let mut names: BTreeMap<String, (Role, String)> = BTreeMap::new();
        for entry in entries.iter().filter(|entry| !entry.who.is_empty()) {
            let told = Role::told_by(entry);
            match names.get_mut(&entry.who) {
                Some((role, _)) if *role == Role::Socket => *role = told,
                Some(_) => {}
                None => _ = names.insert(entry.who.clone(), (told, String::new())),
            }
        }
        let mut counts = [0; Role::COUNT];
        for (role, _) in names.values() {
            counts[*role as usize] += 1;
        }
        for (who, (role, name)) in &mut names {
            *name = match who.split_once('#') {
                Some((_, number)) if counts[*role as usize] > 1 => {
                    format!("{}#{number}", role.word())
                }
                _ => role.word().to_owned(),
            };
        }
        Names { names }
    }

    /// The name of `socket#7`; what is not known keeps its own.
    pub fn get<'a>(&'a self, who: &'a str) -> &'a str {
        self.names.get(who).map_or(who, |(_, name)| name)
    }

    /// Its role, if it is known.
    pub fn role(&self, who: &str) -> Option<Role> {
        self.names.get(who).map(|(role, _)| *role)
    }

    /// Whether `by` names this subject: by its name, its role, or its id in the recording.
    pub fn is_meant(&self, who: &str, by: &str) -> bool {
        let named = self.names.get(who);
        who == by || named.is_some_and(|(role, name)| name == by || role.word() == by)
    }

    /// All, as the recording has them and by name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.names.iter();
        all.map(|(who, (_, name))| (who.as_str(), name.as_str()))
    }
}
