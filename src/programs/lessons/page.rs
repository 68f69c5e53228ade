//! A lesson as text.

use std::fmt::Write;
use std::io;

use super::super::output;
use super::super::printer::{Level, Paint, Printer, Row, wrapped};
use super::super::show::print_turn;
use super::lesson::Lesson;
use super::stage::Played;
use super::wire;

fn paint() -> Paint {
    Paint::for_terminal(&io::stdout())
}

fn heading(words: &str) -> String {
    format!("\n{}\n\n", paint().paint("1", words))
}

/// All lessons, a line each.
pub(super) fn list(lessons: &[Lesson]) -> String {
    let mut text = String::from(
        "Each lesson has a question, and a program to answer it: in JavaScript, and the\n\
         same in Rust. Answer first, then look at its run. What a lesson says of the run\n\
         is checked on that run, and Node prints the same.\n\n",
    );
    for lesson in lessons {
        _ = writeln!(text, "  {:<14}{}", lesson.name, lesson.title());
    }
    _ = write!(text, "\nBegin with:  netloop lesson {}", lessons[0].name);
    text
}

/// What is read before the run.
pub(super) fn before(lesson: &Lesson) -> String {
    let mut text = heading(lesson.title()) + lesson.part("") + "\n";
    text.push_str(&heading("In JavaScript"));
    text.push_str(&indented(lesson.javascript));
    text.push_str(&heading("In Rust, as program.rs"));
    text.push_str(&numbered(lesson.rust));
    text + &heading("Before you look") + lesson.part("Before you look") + "\n"
}

fn indented(code: &str) -> String {
    let lines = code.lines().map(|line| format!("    {line}"));
    lines
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

/// With the numbers that the run names.
fn numbered(code: &str) -> String {
    let lines = code.lines().enumerate().map(|(index, line)| {
        let number = paint().paint("2", &format!("{:>3}", index + 1));
        format!("{number} {line}").trim_end().to_owned() + "\n"
    });
    lines.collect()
}

const RECORDED: &str = "
This run is a recording. It was made on a wire that loses what it is told to,
which needs a device of its own (tests/wire.py, in the repository, makes it
again). The segments stand between the records by their time.
";

/// Prints what the program printed, and what happened.
pub(super) fn story(played: &Played, is_recorded: bool) {
    let lines: String = (played.said.iter())
        .map(|said| format!("    {}\n", output::harmless(&said.line)))
        .collect();
    output::lines(&(heading("What it prints") + &lines));
    output::text(&heading("What happens"));
    if is_recorded {
        output::lines(RECORDED);
    }
    let mut printer = Printer::new(paint(), Level::Story);
    let (mut turn, mut rows) = (0, Vec::new());
    // Of a recorded run it is not known where it has printed.
    let said = played.said.iter().filter(|said| said.after < u64::MAX);
    let mut said = said.peekable();
    let mut segments = played.recording.segments.iter().peekable();
    for entry in &played.recording.entries {
        while let Some(said) = said.next_if(|said| said.after < entry.number) {
            rows.push(printer.printed(said.during, &said.line));
        }
        while let Some(segment) = segments.next_if(|segment| segment.at <= entry.at) {
            rows.push(Row::aside("wire", &wire::words(segment)));
        }
        if entry.turn != turn {
            print_turn(&mut printer, turn, &mut rows);
            turn = entry.turn;
        }
        rows.extend(printer.row(entry, played.names.get(&entry.who), true));
    }
    rows.extend(said.map(|said| printer.printed(said.during, &said.line)));
    rows.extend(segments.map(|segment| Row::aside("wire", &wire::words(segment))));
    print_turn(&mut printer, turn, &mut rows);
}

/// What is read after the run, and whether the run has shown all of it.
pub(super) fn after(lesson: &Lesson, played: &Played) -> (String, bool) {
    let mut text = heading("What you saw");
    let mut is_true = true;
    for claim in lesson.claims {
        let seen = (claim.seen)(played);
        is_true &= seen.is_some();
        let (mark, code, words) = match &seen {
            Some(numbers) => ("✓", "32", lines(numbers)),
            None => ("✗", "31", format!("not{STAY}in{STAY}this{STAY}run")),
        };
        let sentence = wrapped(&format!("{} ({words})", claim.sentence), MARK, MARK);
        let sentence = sentence.replace(STAY, " ");
        _ = writeln!(text, "  {} {sentence}", paint().paint(code, mark));
    }
    text.push_str(&heading("Why"));
    (text + lesson.part("Why") + "\n", is_true)
}

/// The width of a mark and the blanks around it.
const MARK: usize = 4;

/// A blank at which no line ends.
const STAY: char = '\u{a0}';

/// Where it is to be seen.
fn lines(numbers: &[u64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    match numbers.len() {
        0 => format!("on{STAY}the{STAY}wire"),
        1 => format!("line{STAY}{}", numbers[0]),
        _ => format!("lines{STAY}{}", numbers.join(&format!(",{STAY}"))),
    }
}

/// What to do next.
pub(super) fn next(lesson: &Lesson, next: Option<&str>) -> String {
    let mut text = heading("Next");
    _ = writeln!(
        text,
        "  netloop lesson {} --html run.html   the run as a page",
        lesson.name
    );
    match next {
        Some(next) => text + "  netloop lesson " + next,
        None => text + "  That was the last lesson.",
    }
}
