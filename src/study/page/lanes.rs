//! In which lane a record stands.

use super::super::entry::{Entry, Kind};
use super::super::names::{Names, Role};

/// From left to right: one side of a connection, the kernel, the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    ClientsProgram,
    Client,
    Kernel,
    Wire,
    Accepted,
    Server,
    ServersProgram,
}

impl Lane {
    fn name(self, sides: usize) -> &'static str {
        match self {
            Lane::ClientsProgram | Lane::ServersProgram if sides < 2 => "program",
            Lane::ClientsProgram => "client's program",
            Lane::Client => "client",
            Lane::Kernel => "loop and kernel",
            Lane::Wire => "wire",
            Lane::Accepted => "accepted",
            Lane::Server => "server",
            Lane::ServersProgram => "server's program",
        }
    }
}

/// The lanes of a recording, and in which of them each record stands.
pub(super) struct Lanes {
    pub(super) names: Vec<&'static str>,
    pub(super) of: Vec<usize>,
    /// That of the wire, if there is one.
    pub(super) wire: usize,
}

impl Lanes {
    pub(super) fn of(entries: &[Entry], names: &Names, has_wire: bool) -> Lanes {
        let roles = || names.all().filter_map(|(who, _)| names.role(who));
        let serves = roles().any(|role| matches!(role, Role::Server | Role::Accepted));
        let default = match serves {
            true => Lane::ServersProgram,
            false => Lane::ClientsProgram,
        };
        // Whose program each record belongs to: that of its subject, or of what led to it.
        let mut programs: Vec<Lane> = Vec::new();
        let mut lanes = Vec::new();
        for entry in entries {
            let role = names.role(&entry.who).unwrap_or(Role::Loop);
            let program = match role {
                Role::Client | Role::Socket => Lane::ClientsProgram,
                Role::Accepted | Role::Server => Lane::ServersProgram,
                Role::Loop => {
                    let origin = entries.binary_search_by_key(&entry.origin(), |it| it.number);
                    let origin = origin.ok().and_then(|index| programs.get(index));
                    origin.copied().unwrap_or(default)
                }
            };
            programs.push(program);
            lanes.push(lane(entry, role, program));
        }
        let mut used = lanes.clone();
        used.extend(has_wire.then_some(Lane::Wire));
        used.sort_unstable();
        used.dedup();
        let programs = [Lane::ClientsProgram, Lane::ServersProgram];
        let sides = used.iter().filter(|lane| programs.contains(lane)).count();
        let place = |lane: &Lane| used.binary_search(lane).unwrap_or_default();
        Lanes {
            names: used.iter().map(|lane| lane.name(sides)).collect(),
            of: lanes.iter().map(place).collect(),
            wire: place(&Lane::Wire),
        }
    }
}

fn lane(entry: &Entry, role: Role, program: Lane) -> Lane {
    match (&entry.kind, role) {
        (Kind::Callback | Kind::Call | Kind::Done, _) => program,
        (Kind::Waits | Kind::Wait | Kind::Ready | Kind::Nothing | Kind::System, _) => Lane::Kernel,
        (Kind::Phase | Kind::Again | Kind::Stopped, _) | (_, Role::Loop) => Lane::Kernel,
        (_, Role::Client | Role::Socket) => Lane::Client,
        (_, Role::Accepted) => Lane::Accepted,
        (_, Role::Server) => Lane::Server,
    }
}
