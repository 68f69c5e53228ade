//! The house: who may know whom, and how large a file may be. This test reads `src/` and keeps the
//! arrows true.
//!
//! ```text
//! programs ─► study ─► sim ─► net ─► kernel ─► rules ─► values
//! ```
//!
//! `sim` is there only with its feature; `study` does not know it.
//!
//! Where the house is not yet as it should be, a list says so by name. Such a list only shrinks:
//! what stands on it without need fails the test, too.

#[path = "floors/door.rs"]
mod door;
#[path = "floors/functions.rs"]
mod functions;
#[path = "floors/imports.rs"]
mod imports;
#[path = "floors/map.rs"]
mod map;
#[path = "floors/promises.rs"]
mod promises;
#[path = "floors/sizes.rs"]
mod sizes;
#[path = "floors/told.rs"]
mod told;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The floors, from the ground up, and the crates each may name.
const FLOORS: [(&str, &[&str]); 7] = [
    ("values", &[]),
    ("rules", &[]),
    (
        "kernel",
        &[
            "dns_lookup",
            "idna",
            "libc",
            "log",
            "mio",
            "signal_hook",
            "signal_hook_mio",
            "slab",
            "socket2",
        ],
    ),
    ("net", &["libc", "log"]),
    ("sim", &[]),
    ("study", &["libc", "log", "prost", "serde_json"]),
    (
        "programs",
        &[
            "env_filter",
            "env_logger",
            "getopts",
            "httparse",
            "humantime",
            "libc",
            "listenfd",
            "log",
            "netloop",
            "proxy_header",
            "rustix",
            "signal_hook",
        ],
    ),
];

/// The highest floor. Those below it are the library.
const PROGRAMS: usize = FLOORS.len() - 1;

/// Words that stand in few files only, so that a simulated kernel can take their place.
const ONCE: [(&str, &str); 5] = [
    ("Instant::now", "kernel/stopwatch.rs"),
    ("Poll::new", "kernel/both/poll.rs, kernel/reactor.rs"),
    ("Slab::new", "kernel/reactor.rs"),
    (
        "catch_unwind",
        "net/event_loop/door.rs, net/event_loop/listeners/tests.rs, net/event_loop/trace/teller.rs, sim/seeds.rs",
    ),
    ("getaddrinfo(", "kernel/resolver.rs"),
];

const CRATES: [&str; 19] = [
    "dns_lookup",
    "env_filter",
    "env_logger",
    "getopts",
    "httparse",
    "humantime",
    "idna",
    "libc",
    "listenfd",
    "log",
    "mio",
    "prost",
    "proxy_header",
    "rustix",
    "serde_json",
    "signal_hook",
    "signal_hook_mio",
    "slab",
    "socket2",
];

struct File {
    /// Relative to `src/`.
    path: String,
    /// The modules above and including the file's own: `["net", "socket", "read"]`.
    module: Vec<String>,
    text: String,
    /// Without comments.
    code: String,
}

impl File {
    fn without_tests(&self) -> &str {
        self.code.split("#[cfg(test)]").next().unwrap_or_default()
    }
}

/// What was found is what is listed, neither more nor less.
fn assert_listed(rule: &str, found: &BTreeSet<String>, listed: &[&str]) {
    let listed: BTreeSet<String> = listed.iter().map(ToString::to_string).collect();
    let new: Vec<_> = found.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(found).collect();
    assert!(new.is_empty(), "{rule}: {new:#?}");
    assert!(
        gone.is_empty(),
        "not {rule}, take these off the list: {gone:#?}"
    );
}

fn files() -> Vec<File> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut open = vec![src.clone()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("src can be read") {
            let path = entry.expect("src can be read").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(read(&src, &path));
            }
        }
    }
    assert!(found.len() > 20, "too few files: is this src?");
    found
}

fn read(src: &Path, path: &Path) -> File {
    let relative = path.strip_prefix(src).expect("below src").to_path_buf();
    let text = fs::read_to_string(path).expect("a source file can be read");
    let is_comment = |line: &&str| line.trim_start().starts_with("//");
    let code = text
        .lines()
        .filter(|line| !is_comment(line))
        .collect::<Vec<_>>()
        .join("\n");
    File {
        module: module_of(&relative),
        path: relative.to_string_lossy().into_owned(),
        text,
        code,
    }
}

fn module_of(relative: &Path) -> Vec<String> {
    let mut module: PathBuf = relative.with_extension("");
    if module.ends_with("mod") {
        module.pop();
    }
    module
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect()
}

/// The floor a file stands on; the crate roots stand on none.
fn floor_of(module: &[String]) -> Option<usize> {
    let first = module.first()?;
    FLOORS.iter().position(|(name, _)| first == name)
}

/// The words that follow each place where `start` stands as a word of its own.
fn paths_after<'a>(code: &'a str, start: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(start).filter_map(move |(at, _)| {
        let before = code[..at].chars().next_back();
        let is_word = before.is_none_or(|before| !before.is_alphanumeric() && before != '_');
        is_word.then(|| &code[at + start.len()..])
    })
}

fn first_word(path: &str) -> &str {
    let end = path.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
    &path[..end.unwrap_or(path.len())]
}

#[test]
fn every_path_leads_to_a_lower_floor_or_stays_on_its_own() {
    for file in files() {
        let Some(floor) = floor_of(&file.module) else {
            continue;
        };
        for path in paths_after(&file.code, "crate::") {
            let target = first_word(path);
            let Some(other) = FLOORS.iter().position(|(name, _)| *name == target) else {
                continue;
            };
            assert!(
                other <= floor,
                "{}: crate::{target} is on a higher floor",
                file.path
            );
        }
    }
}

/// The one circle of imports: the loop calls back with a view, and a view lends the loop. Ten
/// files are enough for that.
const CIRCLE: [&str; 10] = [
    "net/event_loop",
    "net/event_loop/agenda",
    "net/event_loop/errands",
    "net/event_loop/firing",
    "net/event_loop/lookups",
    "net/event_loop/queues",
    "net/server",
    "net/server/events",
    "net/socket",
    "net/socket/events",
];

#[test]
fn imports_go_in_one_circle_only_and_it_does_not_grow() {
    let circles = imports::Imports::of(&files()).circles();
    let (of_net, others): (Vec<_>, Vec<_>) = circles
        .into_iter()
        .partition(|circle| circle.iter().all(|module| module.starts_with("net/")));
    assert_eq!(of_net.len(), 1, "one circle: {of_net:#?}");
    let (circle, others) = (of_net.into_iter().flatten(), others.into_iter().flatten());
    assert_listed("in the circle of net", &circle.collect(), &CIRCLE);
    assert_listed("in another circle", &others.collect(), &[]);
}

#[test]
fn no_super_climbs_out_of_its_floor() {
    for file in files() {
        if floor_of(&file.module).is_none() {
            continue;
        }
        // Test modules inside a file stand one deeper than the file.
        let depth = file.module.len() + usize::from(file.code.contains("mod tests {"));
        for path in paths_after(&file.code, "super::") {
            let rest = path
                .split("super::")
                .take_while(|part| part.is_empty())
                .count();
            let climbs = 1 + rest;
            assert!(
                climbs < depth.max(2),
                "{}: super climbs to the crate's root",
                file.path
            );
        }
    }
}

#[test]
fn each_floor_names_only_the_crates_it_may_know() {
    for file in files() {
        let Some(floor) = floor_of(&file.module) else {
            continue;
        };
        let (name, allowed) = FLOORS[floor];
        for known in CRATES {
            let is_named = paths_after(&file.code, &format!("{known}::"))
                .next()
                .is_some();
            assert!(
                !is_named || allowed.contains(&known),
                "{}: floor {name} may not know {known}",
                file.path
            );
        }
    }
}

#[test]
fn a_library_user_compiles_no_crate_of_the_programs() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest = fs::read_to_string(manifest).expect("the manifest");
    let (_, dependencies) = manifest.split_once("\n[dependencies]\n").expect("they");
    let dependencies = dependencies.split("\n[").next().unwrap_or_default();
    let below: Vec<&str> = FLOORS[..PROGRAMS]
        .iter()
        .flat_map(|(_, crates)| *crates)
        .copied()
        .collect();
    for line in dependencies.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, value)) = line.split_once(" = ") else {
            continue;
        };
        let name = name.replace('-', "_");
        assert!(
            CRATES.contains(&&*name),
            "{name}: which floors may name it?"
        );
        assert!(
            below.contains(&&*name) || value.contains("optional = true"),
            "{name}: only the programs name it, and a library user compiles it"
        );
    }
}

#[test]
fn what_stands_once_stands_where_it_should() {
    for (word, allowed) in ONCE {
        let mut seen = 0;
        for file in files() {
            if floor_of(&file.module).is_none_or(|floor| floor == PROGRAMS)
                || !file.code.contains(word)
            {
                continue;
            }
            seen += 1;
            assert!(
                allowed.split(", ").any(|place| place == file.path),
                "{word} stands in {}, it belongs to {allowed}",
                file.path
            );
        }
        assert!(seen > 0, "{word} stands nowhere: has it another name now?");
    }
}

#[test]
fn the_library_prints_nothing_and_the_rules_log_nothing() {
    for file in files() {
        let Some(floor) = floor_of(&file.module) else {
            continue;
        };
        let prints = ["println!(", "print!(", "eprintln!(", "eprint!(", "dbg!("];
        let is_silent = !prints.iter().any(|word| file.code.contains(word));
        assert!(
            floor == PROGRAMS || is_silent,
            "{}: the library prints",
            file.path
        );
    }
}

#[test]
fn nothing_is_shared_by_rc_and_refcell_in_the_programs_either() {
    for file in files() {
        let code = file.without_tests();
        for word in ["Rc", "RefCell"] {
            let is_used = paths_after(code, word).any(|rest| rest.starts_with([':', '<', ';']));
            assert!(!is_used, "{}: {word}", file.path);
        }
    }
}

#[test]
fn the_programs_use_the_library_as_a_stranger_would() {
    for file in files() {
        if floor_of(&file.module) == Some(PROGRAMS) {
            for hidden in [
                "crate::net",
                "crate::kernel",
                "crate::rules",
                "crate::values",
            ] {
                assert!(!file.code.contains(hidden), "{}: {hidden}", file.path);
            }
        }
    }
}
