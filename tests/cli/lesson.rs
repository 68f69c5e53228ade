//! `netloop lesson`: what each lesson says is seen in its run, and Node prints what it prints.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use netloop::study::{Recording, Segment};

use crate::program::netloop;
use crate::show::{Kept, shown};
use crate::support::{node, skipped};

/// What a lesson prints, line by line, when it ends well.
fn lesson(arguments: &[&str]) -> Vec<String> {
    let output = netloop(&[&["lesson"], arguments].concat())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {errors}{text}");
    assert_eq!(errors, "");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_wire_or_a_server_is_for_a_lesson_that_needs_it() {
    let refused = |arguments: &[&str]| {
        let output = netloop(arguments).output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(
        refused(&["lesson", "lost", "--live"]),
        "netloop lesson lost: --live is for the lesson edge\n"
    );
    assert_eq!(
        refused(&["lesson", "edge", "--wire", "log"]),
        "netloop lesson edge: --wire is for the lessons lost and handshake\n"
    );
}

fn names() -> Vec<String> {
    let listed = lesson(&[])
        .into_iter()
        .filter(|line| line.starts_with("  "));
    let names = listed.filter_map(|line| Some(line.split_whitespace().next()?.to_owned()));
    names.collect()
}

/// The lines below a heading.
fn part<'a>(lines: &'a [String], heading: &str) -> Vec<&'a str> {
    let below = lines.iter().skip_while(|line| *line != heading).skip(2);
    below
        .take_while(|line| !line.is_empty())
        .map(String::as_str)
        .collect()
}

/// The columns of a terminal that a line takes: those of Hangul are two wide.
fn columns(line: &str) -> usize {
    let is_wide = |letter: &char| ('가'..='힣').contains(letter);
    line.chars().count() + line.chars().filter(is_wide).count()
}

#[test]
fn the_lessons_are_listed_and_each_leads_to_the_next() {
    let names = names();
    for (index, name) in names.iter().enumerate() {
        let lines = lesson(&[name]);
        let next = match names.get(index + 1) {
            Some(next) => format!("  netloop lesson {next}"),
            None => "  That was the last lesson.".into(),
        };
        assert_eq!(lines.last(), Some(&next));
    }
    let listed = lesson(&["--lang", "ko"]);
    for name in &names {
        let line = listed
            .iter()
            .find(|line| line.starts_with(&format!("  {name} ")));
        assert!(
            line.is_some_and(|line| columns(line) > line.chars().count()),
            "{name}"
        );
    }
    assert_eq!(
        listed.last().unwrap(),
        "첫 레슨:  netloop lesson two-programs --lang ko"
    );
    let folders = std::fs::read_dir("src/programs/lessons").unwrap();
    let folders = folders
        .map(|it| it.unwrap().path())
        .filter(|it| it.is_dir());
    assert_eq!(folders.count(), names.iter().collect::<BTreeSet<_>>().len());
}

#[test]
fn what_a_lesson_says_is_seen_in_its_run() {
    for name in names() {
        let english = lesson(&[&name]);
        let korean = lesson(&[&name, "--lang=ko"]);
        let seen = part(&english, "What you saw");
        for number in cited(&seen) {
            let shown = format!("{number:>4}  ");
            let is_there = english.iter().any(|line| line.starts_with(&shown));
            assert!(is_there, "{name}: line {number} is not shown: {seen:#?}");
        }
        let claims = |seen: &[&str]| {
            let claims = seen.iter().filter(|line| line.starts_with("  ✓ "));
            claims.count()
        };
        assert!(claims(&seen) > 2, "{name}: {seen:#?}");
        let told = part(&korean, "실행에서 확인한 것");
        assert_eq!(claims(&told), claims(&seen), "{name}: {told:#?}");
        let prints = part(&english, "What it prints");
        assert!(
            !prints.is_empty() && part(&korean, "출력") == prints,
            "{name}"
        );
        let mut lines = english.iter().chain(&korean);
        assert_eq!(lines.find(|line| columns(line) > 80), None, "{name}");
    }
}

#[test]
fn the_fifteen_questions_are_answered_from_lessons_that_exist() {
    let guide = std::fs::read_to_string("src/guide/questions.md").unwrap();
    let questions = guide.lines().filter(|line| line.starts_with("# "));
    assert_eq!(questions.count(), 15);
    let names = names();
    let words: Vec<&str> = guide.split_whitespace().collect();
    let after = words
        .windows(2)
        .filter(|it| ["lesson", "lessons"].contains(it.first().unwrap()));
    let quoted = after.filter_map(|it| it[1].strip_prefix('`')?.split('`').next());
    let named: Vec<&str> = quoted.collect();
    assert!(named.len() > 10, "{named:?}");
    for name in named {
        assert!(names.iter().any(|it| it == name), "{name}");
    }
}

/// The lines that claims cite: `(line 7)`, `(lines 7, 9)`.
fn cited(claims: &[&str]) -> Vec<u64> {
    let words: Vec<&str> = claims.iter().map(|line| line.trim()).collect();
    let words = words.join(" ");
    let lists = words
        .split("(line")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let numbers = lists.flat_map(|list| list.trim_start_matches('s').split(','));
    numbers
        .map(|number| number.trim().parse().unwrap())
        .collect()
}

#[test]
fn node_prints_what_the_lessons_print() {
    let Some(node) = node() else {
        let why = "no Node 26 (NETLOOP_NODE, or node on the path)";
        return skipped("what Node prints for the lessons", why);
    };
    for name in names() {
        if lost(&name).is_none() && name != FORGETFUL {
            let mut command = Command::new(&node);
            command.arg(folder(&name).join("program.js"));
            assert_eq!(told_by(command), prints(&lesson(&[&name])), "{name}");
        }
    }
}

/// The lesson whose server is `examples/reactor.rs`, which forgets.
const FORGETFUL: &str = "edge";

/// Starts it with a fifo for its first line, then the command, in a network of their own.
const BESIDE: &str = r#"
ip link set lo up && mkfifo "$1" || exit
"$0" 8000 60000 --once > "$1" & server=$!
read listening < "$1"
shift
"$@"; status=$?
kill $server
exit $status
"#;

/// The example, compiled as this test was.
fn reactor() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--offline", "--example", "reactor"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    assert!(cargo.status().expect("cargo runs").success());
    Path::new(env!("CARGO_BIN_EXE_netloop")).with_file_name("examples/reactor")
}

#[test]
fn the_lesson_about_a_server_that_forgets_shows_a_run_that_happens_again() {
    let alone = ["-rn", "ip", "link", "set", "lo", "up"];
    let probe = Command::new("unshare").args(alone).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        return skipped("a server that forgets", "no namespaces, or no ip(8)");
    }
    let reactor = reactor();
    let beside = |program: &str, arguments: &[&str]| {
        let fifo = Kept::new("fifo");
        let mut command = Command::new("unshare");
        command.args(["-rn", "sh", "-c", BESIDE]).arg(&reactor);
        command.args([fifo.path(), program]).args(arguments);
        told_by(command)
    };
    let recorded = lesson(&[FORGETFUL]);
    let told = beside(
        env!("CARGO_BIN_EXE_netloop"),
        &["lesson", FORGETFUL, "--live"],
    );
    assert_eq!(prints(&told), prints(&recorded));
    assert_eq!(calls(&told), calls(&recorded));
    let Some(node) = node() else {
        return skipped("a server that forgets, with Node", "no Node 26");
    };
    let program = folder(FORGETFUL).join("program.js");
    let told = beside(&node.to_string_lossy(), &[&program.to_string_lossy()]);
    assert_eq!(told, prints(&recorded));
}

/// What a lesson about the wire loses.
fn lost(name: &str) -> Option<&'static [&'static str]> {
    match name {
        "lost" => Some(&["--delay=100", "--lose=2"]),
        // The busy callback begins before the connection is there, however slow the machine.
        "handshake" => Some(&["--delay=100", "--lose-syn=2"]),
        _ => None,
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new("src/programs/lessons").join(name.replace('-', "_"))
}

/// What a program prints.
fn told_by(mut command: Command) -> Vec<String> {
    for coloured in ["FORCE_COLOR", "NO_COLOR", "NODE_OPTIONS"] {
        command.env_remove(coloured);
    }
    let output = command.output().unwrap();
    let (told, errors) = (output.stdout, String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(told).unwrap();
    assert!(output.status.success(), "{command:?}: {errors}{told}");
    told.lines().map(str::to_owned).collect()
}

/// What the program of a lesson prints.
fn prints(lines: &[String]) -> Vec<String> {
    let printed = part(lines, "What it prints");
    printed.iter().map(|line| line.trim().to_owned()).collect()
}

/// What the program has called in a run, with its lines.
fn calls(lines: &[String]) -> Vec<&str> {
    let calls = lines.iter().filter_map(|line| line.split_once(" calls "));
    calls.map(|(_, call)| call).collect()
}

/// A command on a wire that loses something, and writes this log.
fn on_a_wire(loses: &[&str], log: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["-rn", "python3", "tests/wire.py"]);
    command.args(loses).arg(log);
    command
}

/// The segments that a wire has lost, of those in a recording.
fn lost_in(file: &Kept) -> Vec<String> {
    let recording = Recording::read(&*std::fs::read(file.path()).unwrap());
    assert_eq!(recording.damage, None);
    let lost = recording.segments.iter().filter(|it| it.is_lost);
    lost.map(Segment::words).collect()
}

#[test]
fn the_lessons_about_the_wire_show_a_run_that_happens_again() {
    let (log, file, kept) = (Kept::new("wire"), Kept::new("wired"), Kept::new("shipped"));
    let probe = on_a_wire(&[], log.path()).arg("true").output();
    if !probe.is_ok_and(|output| output.status.success()) {
        return skipped("the wire", "no Python, no TUN device, or no namespaces");
    }
    for name in names() {
        let Some(loses) = lost(&name) else { continue };
        let recorded = lesson(&[&name, "--record", kept.path()]);
        let words = "This run is a recording.";
        assert!(recorded.iter().any(|line| line.starts_with(words)));
        let mut command = on_a_wire(loses, log.path());
        command.arg(env!("CARGO_BIN_EXE_netloop"));
        command.args(["lesson", &name, "--wire", log.path()]);
        command.args(["--record", file.path()]);
        let told = told_by(command);
        assert_eq!(lost_in(&file), lost_in(&kept), "{name}");
        assert_eq!(prints(&told), prints(&recorded), "{name}");
        let words = "tests/wire.py says how the recording is made again";
        assert_eq!(calls(&told), calls(&recorded), "{name}: {words}");
        let Some(node) = node() else {
            skipped("the wire, with Node", "no Node 26");
            continue;
        };
        let mut command = on_a_wire(loses, log.path());
        command.arg(node).arg(folder(&name).join("program.js"));
        assert_eq!(told_by(command), prints(&recorded), "{name}");
    }
}

#[test]
fn the_run_of_a_lesson_can_be_kept_as_a_recording_and_as_a_page() {
    let (file, page) = (Kept::new("lesson"), Kept::new("lesson-page"));
    let kept = ["--record", file.path(), "--html", page.path()];
    let lines = lesson(&[&["two-programs"], &kept[..]].concat());
    let html = std::fs::read_to_string(page.path()).unwrap();
    assert!(html.starts_with("<!") && html.contains("connection"));
    let callback = lines
        .iter()
        .find(|line| line.contains("callback: connection"));
    assert!(shown(&file, &[]).contains(callback.unwrap()));
}
