//! The command line: which command, and what its options say.

use std::time::Duration;

use getopts::{HasArg, Matches, Occur, Options};

use super::arguments::{Arguments, Complaint, failure};
use super::manual::table::COMMANDS;
use super::manual::{self, Command, Operand, Value};
use super::server::admission::Admission;
use super::server::greeting::Greeting;
use super::server::place::{Binding, Place};
use super::show::Turns;
use super::{Run, client, demo, lessons, server, show, trace};

pub(crate) fn parse(arguments: &[String]) -> Result<Run, Complaint> {
    let name = arguments.first().map(String::as_str);
    let rest = arguments.get(1..).unwrap_or_default();
    match name {
        Some("help") if !rest.is_empty() => parse(&[rest[0].clone(), "--help".into()]),
        Some("--help" | "-h" | "help") => Ok(Run::Print(manual::help::overview())),
        Some("--version" | "-V") => Ok(Run::Print(version())),
        Some(name) => match COMMANDS.iter().find(|command| command.name == name) {
            Some(command) => parse_command(command, rest),
            None => Err(format!("netloop: {name:?} is not a command ({})", choice())),
        },
        None => Err(format!("netloop: a command is missing ({})", choice())),
    }
}

/// The commands, in words.
fn choice() -> String {
    let names: Vec<&str> = COMMANDS.iter().map(|command| command.name).collect();
    match names.split_last() {
        Some((last, names)) => format!("{} or {last}; see netloop --help", names.join(", ")),
        None => String::new(),
    }
}

fn version() -> String {
    format!("netloop {}", env!("CARGO_PKG_VERSION"))
}

fn parse_command(command: &Command, arguments: &[String]) -> Result<Run, Complaint> {
    let found = read(command, arguments)?;
    if found.opt_present("help") {
        return Ok(Run::Print(manual::help::of(command)));
    }
    let word = operand(command, &found)?;
    let arguments = Arguments {
        command: command.name,
        found: &found,
    };
    match (command.name, word) {
        ("server", _) => server(&arguments).map(Box::new).map(Run::Server),
        ("client", _) => client(&arguments).map(Run::Client),
        ("unit", word) => Ok(Run::Print(manual::units::text(word))),
        ("man", _) => Ok(Run::Print(manual::page::text())),
        ("completions", Some(shell)) => Ok(Run::Print(manual::completions::of(shell))),
        ("completions", None) => Err(format!(
            "netloop completions: a shell is missing ({})",
            either(command.operand.words())
        )),
        ("lesson", name) => Ok(Run::Lesson(lessons::Settings {
            name: name.map(str::to_owned),
            language: arguments.language("lang")?.unwrap_or_default(),
            recorded: recorded(&arguments)?,
            html: arguments.text("html").map(Into::into),
            seed: arguments.seed("seed")?,
            wire: arguments.text("wire").map(Into::into),
            is_live: arguments.has("live"),
        })),
        ("show", Some(file)) => show(&arguments, file).map(Run::Show),
        ("show", None) => Err("netloop show: a file is missing (see netloop show --help)".into()),
        _ => Ok(Run::Demo(demo::Settings {
            recorded: recorded(&arguments)?,
            html: arguments.text("html").map(Into::into),
            seed: arguments.seed("seed")?,
        })),
    }
}

/// What the parser makes of the arguments.
fn read(command: &Command, arguments: &[String]) -> Result<Matches, Complaint> {
    let mut options = Options::new();
    for choice in command.choices() {
        let short = if choice.name == "help" { "h" } else { "" };
        let has_value = match choice.value {
            Value::None => HasArg::No,
            _ => HasArg::Yes,
        };
        let occurs = match choice.is_repeated {
            true => Occur::Multi,
            false => Occur::Optional,
        };
        options.opt(short, choice.name, "", "", has_value, occurs);
    }
    options.parse(arguments).map_err(|fail| {
        let name = command.name;
        format!(
            "netloop {name}: {} (see netloop {name} --help)",
            failure(fail)
        )
    })
}

/// The word or the file that follows the command, if it takes one.
fn operand<'a>(command: &Command, found: &'a Matches) -> Result<Option<&'a str>, Complaint> {
    let mut words = found.free.iter().map(String::as_str);
    let (name, first) = (command.name, words.next());
    let is_known = |word: &str| match command.operand {
        Operand::File => true,
        Operand::None | Operand::Word(_) | Operand::Name(_) => {
            command.operand.words().contains(&word)
        }
    };
    let wrong = first.filter(|word| !is_known(word)).or(words.next());
    match (wrong, command.operand) {
        (None, _) => Ok(first),
        (Some(wrong), Operand::Word(words)) => Err(format!(
            "netloop {name}: {wrong:?} is one too many ({})",
            either(words)
        )),
        (Some(wrong), Operand::Name(_)) if first == Some(wrong) => Err(format!(
            "netloop {name}: there is no {wrong:?} (see netloop {name})"
        )),
        (Some(wrong), Operand::File | Operand::Name(_)) => Err(format!(
            "netloop {name}: {wrong:?} is one too many (see netloop {name} --help)"
        )),
        (Some(wrong), Operand::None) => Err(format!(
            "netloop {name}: {wrong:?} is not an option (see netloop {name} --help)"
        )),
    }
}

fn either(words: &[&str]) -> String {
    words.join(" or ")
}

fn server(arguments: &Arguments<'_>) -> Result<server::Settings, Complaint> {
    let seconds = Duration::from_secs;
    let (places, default) = places(arguments)?;
    Ok(server::Settings {
        places,
        default,
        binding: Binding {
            backlog: arguments.number("backlog")?,
            reuse_port: arguments.has("reuse-port"),
            mode: arguments.mode("mode")?,
        },
        greeting: greeting(arguments)?,
        is_echo: arguments.has("echo"),
        max_connections: arguments.number("max-connections")?,
        admission: Admission {
            allowed: arguments.addresses("allow")?,
            denied: arguments.addresses("deny")?,
            per_peer: arguments.number("max-connections-per-peer")?,
        },
        proxies: arguments.proxies("proxy-protocol")?,
        max_owed: arguments.bytes("max-owed")?,
        idle_timeout: arguments.duration("idle-timeout")?,
        keep_alive: arguments.duration("keep-alive")?,
        grace: arguments.duration("grace")?.unwrap_or_default(),
        drain_timeout: arguments.duration("drain-timeout")?.unwrap_or(seconds(10)),
        metrics: arguments.places("metrics")?.pop(),
        log_rate: arguments.number("log-rate")?,
        is_quiet: arguments.has("quiet"),
        told: told(arguments)?,
    })
}

/// Where a server listens, and where if nothing is said and no socket is passed.
fn places(arguments: &Arguments<'_>) -> Result<(Vec<Place>, Option<Place>), Complaint> {
    let mut places = arguments.places("listen")?;
    let path = arguments.path()?.map(Place::Path);
    let (host, port) = (arguments.host()?, arguments.port()?);
    let is_said = path.is_some() || host.is_some() || port.is_some();
    let short = path.unwrap_or_else(|| Place::Port {
        host: host.unwrap_or_else(|| "127.0.0.1".into()),
        port: port.unwrap_or(8000),
    });
    if is_said {
        places.insert(0, short);
        return Ok((places, None));
    }
    let default = Some(short).filter(|_| places.is_empty());
    Ok((places, default))
}

fn greeting(arguments: &Arguments<'_>) -> Result<Greeting, Complaint> {
    match (arguments.has("whoami"), arguments.text("welcome")) {
        (true, Some(_)) => Err("netloop server: --whoami and --welcome exclude each other".into()),
        (true, None) => Ok(Greeting::Whoami),
        (false, text) => Ok(Greeting::Text(text.unwrap_or_else(|| "Welcome".into()))),
    }
}

fn client(arguments: &Arguments<'_>) -> Result<client::Settings, Complaint> {
    let seconds = Duration::from_secs;
    let duration = |name, default| {
        let found = arguments.duration(name)?;
        Ok::<_, Complaint>(found.unwrap_or(seconds(default)))
    };
    Ok(client::Settings {
        host: arguments.host()?.unwrap_or_else(|| "localhost".into()),
        port: arguments.peer_port()?.unwrap_or(8000),
        path: arguments.path()?,
        message: arguments.text("message").unwrap_or_else(|| "hi".into()),
        interval: duration("interval", 1)?,
        count: arguments.number("count")?,
        connect_timeout: duration("connect-timeout", 10)?,
        goodbye_timeout: duration("goodbye-timeout", 2)?,
        told: told(arguments)?,
    })
}

fn show(arguments: &Arguments<'_>, file: &str) -> Result<show::Settings, Complaint> {
    Ok(show::Settings {
        file: file.into(),
        is_all: arguments.has("all"),
        only: arguments.text("only"),
        turns: arguments.turns("turns")?.unwrap_or(Turns::ALL),
        html: arguments.text("html").map(Into::into),
        perfetto: arguments.text("perfetto").map(Into::into),
    })
}

fn told(arguments: &Arguments<'_>) -> Result<trace::Told, Complaint> {
    Ok(trace::Told {
        is_traced: arguments.has("trace"),
        recorded: recorded(arguments)?,
    })
}

fn recorded(arguments: &Arguments<'_>) -> Result<trace::Recorded, Complaint> {
    let payloads = arguments.payloads()?;
    Ok(trace::Recorded {
        file: arguments.text("record").map(Into::into),
        payloads,
    })
}
