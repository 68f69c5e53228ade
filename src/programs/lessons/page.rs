//! A lesson as text.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::io;

use super::super::output;
use super::super::printer::{Level, Paint, wrapped};
use super::super::show::{Story, Turns};
use super::language::{Language, Words};
use super::lesson::Lesson;
use super::stage::Played;

fn paint() -> Paint {
    Paint::for_terminal(&io::stdout())
}

fn heading(words: &str) -> String {
    format!("\n{}\n\n", paint().paint("1", words))
}

/// All lessons, a line each.
pub(super) fn list(lessons: &[Lesson], language: Language) -> String {
    let words = language.words();
    let mut text = words.list.to_owned() + "\n\n";
    for lesson in lessons {
        _ = writeln!(text, "  {:<14}{}", lesson.name, lesson.title(language));
    }
    _ = write!(text, "\n{}  {}", words.begin, command(&lessons[0], words));
    text
}

/// The command for a lesson.
fn command(lesson: &Lesson, words: &Words) -> String {
    format!("netloop lesson {}{}", lesson.name, words.option)
}

/// What is read before the run.
pub(super) fn before(lesson: &Lesson, language: Language) -> String {
    let words = language.words();
    let mut text = heading(lesson.title(language)) + lesson.part(language, "") + "\n";
    text.push_str(&heading(words.javascript));
    text.push_str(&indented(lesson.javascript));
    text.push_str(&heading(words.rust));
    text.push_str(&numbered(lesson.rust));
    text + &heading(words.question) + lesson.part(language, words.question) + "\n"
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

/// Prints what the program printed, and what happened.
pub(super) fn story(played: &Played, is_recorded: bool, words: &Words) {
    let lines = played.prints().map(output::harmless);
    let lines: String = lines.map(|line| format!("    {line}\n")).collect();
    output::lines(&(heading(words.prints) + &lines));
    output::text(&heading(words.happens));
    output::lines(words.english);
    if let Some(seed) = played.recording.seed {
        output::lines(&words.simulated.replace('#', &seed.to_string()));
    }
    if is_recorded && played.recording.segments.is_empty() {
        output::lines(words.apart);
    } else if is_recorded {
        output::lines(words.recorded);
    }
    let story = Story {
        recording: &played.recording,
        names: &played.names,
        level: Level::Story,
        turns: Turns::ALL,
        has_wire: true,
    };
    story.print(|_| true);
}

/// What is read after the run, and whether the run has shown all of it.
pub(super) fn after(lesson: &Lesson, played: &Played, language: Language) -> (String, bool) {
    let words = language.words();
    let mut text = heading(words.saw);
    let mut is_true = true;
    for (claim, sentence) in lesson.claims.iter().zip(lesson.sentences(language)) {
        let seen = (claim.seen)(played);
        is_true &= seen.is_some();
        let (mark, code, place) = match &seen {
            Some(numbers) => ("✓", "32", place(lesson, numbers, words)),
            None => ("✗", "31", words.nowhere.to_owned()),
        };
        let place = place.replace(' ', STAY);
        let sentence = wrapped(&format!("{sentence} ({place})"), MARK, MARK);
        let sentence = sentence.replace(STAY, " ");
        _ = writeln!(text, "  {} {sentence}", paint().paint(code, mark));
    }
    text.push_str(&heading(words.why));
    (text + lesson.part(language, words.why) + "\n", is_true)
}

/// The width of a mark and the blanks around it.
const MARK: usize = 4;

/// A blank at which no line ends.
const STAY: &str = "\u{a0}";

/// Where it is to be seen.
fn place(lesson: &Lesson, numbers: &[u64], words: &Words) -> String {
    let numbers: BTreeSet<u64> = numbers.iter().copied().collect();
    let place = match numbers.len() {
        0 if lesson.recorded.is_some() => words.wire,
        0 => words.everywhere,
        1 => words.line,
        _ => words.lines,
    };
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    place.replace('#', &numbers.join(", "))
}

/// What to do next.
pub(super) fn next(
    lesson: &Lesson,
    seed: Option<u64>,
    next: Option<&Lesson>,
    words: &Words,
) -> String {
    let mut text = heading(words.next);
    let seed = seed.map(|seed| format!(" --seed {seed}"));
    let this = command(lesson, words) + &seed.unwrap_or_default();
    _ = writeln!(
        text,
        "  {this} --html run.html   {}\n  \
           {this} --record run.jsonl\n  \
           netloop show run.jsonl --all   {}\n",
        words.page, words.hidden
    );
    match next {
        Some(next) => text + "  " + &command(next, words),
        None => text + "  " + words.last,
    }
}
