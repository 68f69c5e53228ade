//! `netloop lesson`: what each lesson says is seen in its run, and Node prints what it prints.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

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
    let folders = std::fs::read_dir("src/programs/lessons").unwrap();
    let folders = folders
        .map(|it| it.unwrap().path())
        .filter(|it| it.is_dir());
    assert_eq!(folders.count(), names.iter().collect::<BTreeSet<_>>().len());
}

#[test]
fn what_a_lesson_says_is_seen_in_its_run() {
    for name in names() {
        let lines = lesson(&[&name]);
        let seen = part(&lines, "What you saw");
        let claims = seen.iter().filter(|line| line.starts_with("  ✓ "));
        assert!(claims.count() > 2, "{name}: {seen:#?}");
        assert!(!part(&lines, "What it prints").is_empty(), "{name}");
        let wide = lines.iter().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "{name}");
    }
}

#[test]
fn node_prints_what_the_lessons_print() {
    let Some(node) = node() else {
        let why = "no Node 26 (NETLOOP_NODE, or node on the path)";
        return skipped("what Node prints for the lessons", why);
    };
    for name in names() {
        let folder = Path::new("src/programs/lessons").join(name.replace('-', "_"));
        let mut command = Command::new(&node);
        command.arg(folder.join("program.js"));
        for coloured in ["FORCE_COLOR", "NO_COLOR", "NODE_OPTIONS"] {
            command.env_remove(coloured);
        }
        let output = command.output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let lines = lesson(&[&name]);
        let ours: Vec<&str> = part(&lines, "What it prints")
            .iter()
            .map(|line| line.trim())
            .collect();
        assert_eq!(told.lines().collect::<Vec<_>>(), ours, "{name}");
    }
}

#[test]
fn the_run_of_a_lesson_can_be_kept() {
    let file = Kept::new("lesson");
    let lines = lesson(&["two-programs", "--record", file.path()]);
    let callback = lines
        .iter()
        .find(|line| line.contains("callback: connection"));
    assert!(shown(&file, &[]).contains(callback.unwrap()));
}
