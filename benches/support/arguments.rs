//! What a bench was asked for: our flags, and those with which cargo, `cargo test` and test listers
//! start any bench. All benches take the same ones, for `cargo bench -- FLAGS` hands them to each.

use std::process::{ExitCode, exit};

use getopts::{Matches, Options};

/// What to do at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// `cargo bench`: the argument `--bench` is there.
    Measure,
    /// `cargo test --benches`: no `--bench`, so only a sign of life that does no harm.
    Smoke,
    /// A test lister asks for names. There are none, and it would choke on anything printed.
    List,
}

/// A bench as its `--help` describes it.
pub(crate) struct About {
    /// The name, as `cargo bench --bench` wants it.
    pub(crate) name: &'static str,
    /// What it measures.
    pub(crate) what: &'static str,
    /// The names of its cases, as filters see them.
    pub(crate) cases: String,
}

/// The arguments of one bench.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    /// What to do at all.
    pub(crate) mode: Mode,
    bench: &'static str,
    /// Fewer samples, and an end after three minutes for all benches together.
    pub(crate) quick: bool,
    /// JSON lines on standard output instead of tables.
    pub(crate) json: bool,
    /// Judge the figures by the goals of the project.
    pub(crate) goals: bool,
    /// The name under which the figures are kept; `latest` unless said.
    pub(crate) save: String,
    /// The kept figures to compare with.
    pub(crate) baseline: Option<String>,
    filters: Vec<String>,
    skip: Vec<String>,
    exact: bool,
}

/// What a bench does with the arguments of its process.
pub(crate) fn run(
    about: &About,
    smoke: impl FnOnce() -> ExitCode,
    measure: impl FnOnce(&Arguments) -> ExitCode,
) -> ExitCode {
    let arguments = Arguments::of_process(about);
    match arguments.mode {
        Mode::List => ExitCode::SUCCESS,
        Mode::Smoke => smoke(),
        Mode::Measure => measure(&arguments),
    }
}

impl Arguments {
    /// Those of this process. Wrong usage ends it with 2, and `--help` with the help.
    fn of_process(about: &About) -> Arguments {
        match Arguments::parse(about.name, std::env::args().skip(1)) {
            Ok(Some(arguments)) => arguments,
            Ok(None) => {
                println!("{}", help(about));
                exit(0)
            }
            Err(complaint) => {
                eprintln!(
                    "{}: {complaint}; `cargo bench -- --help` names the flags",
                    about.name
                );
                exit(2)
            }
        }
    }

    /// `None` when help is wanted.
    pub(crate) fn parse(
        bench: &'static str,
        given: impl Iterator<Item = String>,
    ) -> Result<Option<Arguments>, String> {
        let mut options = ours();
        of_the_test_harness(&mut options);
        let matches = options.parse(given).map_err(|error| error.to_string())?;
        if matches.opt_present("help") {
            return Ok(None);
        }
        Ok(Some(Arguments {
            mode: mode(&matches),
            bench,
            quick: matches.opt_present("quick"),
            json: matches.opt_present("json"),
            goals: matches.opt_present("goals"),
            save: name(&matches, "save")?.unwrap_or("latest".to_owned()),
            baseline: name(&matches, "baseline")?,
            skip: matches.opt_strs("skip"),
            exact: matches.opt_present("exact"),
            filters: matches.free,
        }))
    }

    /// Whether the case of this name, `bench/case/server`, is wanted: any filter is part of it.
    pub(crate) fn wants(&self, case: &str) -> bool {
        let is_named = |filter: &String| match self.exact {
            true => case == filter,
            false => case.contains(filter.as_str()),
        };
        !self.skip.iter().any(is_named)
            && (self.filters.is_empty() || self.filters.iter().any(is_named))
    }

    /// Says that no case of this bench is wanted.
    pub(crate) fn say_none_wanted(&self) {
        let names = self.filters.join(", ");
        eprintln!("{}: no case is named so: {names}", self.bench);
    }

    /// `quick` when asked to be quick, else `full`.
    pub(crate) fn pick<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }
}

/// What the help names.
fn ours() -> Options {
    let mut options = Options::new();
    options
        .optflag("", "quick", "fewer samples; three minutes for all benches")
        .optflag("", "goals", "judge the figures by the project's goals")
        .optopt("", "save", "keep the figures under NAME (latest)", "NAME")
        .optopt("", "baseline", "compare with the figures of NAME", "NAME")
        .optflag("", "json", "JSON lines instead of tables")
        .optflag("", "exact", "a FILTER is the whole name of a case")
        .optmulti("", "skip", "leave out what the filter names", "FILTER")
        .optflag("h", "help", "this page");
    options
}

/// The flags of the standard harness, with which cargo and its kin start whatever is a bench.
fn of_the_test_harness(options: &mut Options) {
    for flag in [
        "bench",
        "test",
        "list",
        "ignored",
        "include-ignored",
        "exclude-should-panic",
        "force-run-in-process",
        "nocapture",
        "no-capture",
        "show-output",
        "shuffle",
        "report-time",
        "ensure-time",
    ] {
        options.optflagmulti("", flag, "");
    }
    options.optflagmulti("q", "quiet", "");
    for flag in ["test-threads", "color", "logfile", "format", "shuffle-seed"] {
        options.optmulti("", flag, "", "VALUE");
    }
    options.optmulti("Z", "", "", "VALUE");
}

fn mode(matches: &Matches) -> Mode {
    if matches.opt_present("list") {
        Mode::List
    } else if matches.opt_present("bench") {
        Mode::Measure
    } else {
        Mode::Smoke
    }
}

/// A name becomes a file's, so it must stay in its folder.
fn name(matches: &Matches, flag: &str) -> Result<Option<String>, String> {
    match matches.opt_str(flag) {
        Some(name) if name.is_empty() || name.contains(['/', '.']) || name.starts_with('-') => {
            Err(format!("--{flag} wants a NAME without '/' and '.'"))
        }
        name => Ok(name),
    }
}

fn help(about: &About) -> String {
    let About { name, what, cases } = about;
    let brief = format!(
        "Usage: cargo bench [--bench {name}] -- [FLAGS] [FILTER...]\n\n\
         {name}: {what}\n\n\
         A FILTER measures the cases that have it in their name:\n{cases}"
    );
    ours().usage(&brief)
}
