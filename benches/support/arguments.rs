//! What a bench was asked for: the arguments as cargo, `cargo test` and test listers pass them.

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

/// The arguments of one bench.
#[derive(Debug)]
pub(crate) struct Arguments {
    /// What to do at all.
    pub(crate) mode: Mode,
    /// Fewer samples: the whole suite in two minutes.
    pub(crate) quick: bool,
    /// JSON lines on standard output instead of tables.
    pub(crate) json: bool,
    /// The name under which the figures are kept; `latest` unless said.
    pub(crate) save: String,
    /// The kept figures to compare with.
    pub(crate) baseline: Option<String>,
    filters: Vec<String>,
    exact: bool,
}

/// Flags of the standard test harness that bring a value along, which is no filter of ours.
const FOREIGN_WITH_VALUE: [&str; 7] = [
    "--test-threads",
    "--skip",
    "--color",
    "--logfile",
    "--format",
    "--shuffle-seed",
    "-Z",
];

impl Arguments {
    /// Those of this process.
    pub(crate) fn of_process() -> Arguments {
        Arguments::parse(std::env::args().skip(1))
    }

    fn parse(given: impl Iterator<Item = String>) -> Arguments {
        let mut arguments = Arguments {
            mode: Mode::Smoke,
            quick: false,
            json: false,
            save: "latest".to_owned(),
            baseline: None,
            filters: Vec::new(),
            exact: false,
        };
        // `--save=NAME` and `--save NAME` are the same.
        let mut given = given.flat_map(|word| match word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => {
                vec![flag.to_owned(), value.to_owned()]
            }
            _ => vec![word],
        });
        while let Some(word) = given.next() {
            match word.as_str() {
                "--bench" if arguments.mode == Mode::Smoke => arguments.mode = Mode::Measure,
                "--list" => arguments.mode = Mode::List,
                "--quick" => arguments.quick = true,
                "--json" => arguments.json = true,
                "--exact" => arguments.exact = true,
                "--save" => arguments.save = name(given.next()),
                "--baseline" => arguments.baseline = Some(name(given.next())),
                foreign if FOREIGN_WITH_VALUE.contains(&foreign) => drop(given.next()),
                flag if flag.starts_with('-') => {}
                _ => arguments.filters.push(word),
            }
        }
        arguments
    }

    /// Whether the case of this name, `bench/case/server`, is wanted: any filter is part of it.
    pub(crate) fn wants(&self, case: &str) -> bool {
        self.filters.is_empty()
            || self.filters.iter().any(|filter| match self.exact {
                true => case == filter,
                false => case.contains(filter.as_str()),
            })
    }

    /// `quick` when asked to be quick, else `full`.
    pub(crate) fn pick<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }
}

/// A name becomes a file's, so it must be there and stay in its folder.
fn name(given: Option<String>) -> String {
    match given {
        Some(name) if !name.is_empty() && !name.contains(['/', '.']) && !name.starts_with('-') => {
            name
        }
        _ => {
            eprintln!("--save and --baseline want a NAME without '/' and '.'");
            std::process::exit(2);
        }
    }
}
