//! `netloop lesson`: short programs, each run for the reader. The claims of a lesson are checked on that run.

/// In a lesson's program this is the `println!` of the reader's own: the lesson keeps the line.
macro_rules! println {
    ($($words:tt)*) => {
        $crate::programs::lessons::stage::say(format!($($words)*))
    };
}

/// A lesson is a folder: its program in Rust and in JavaScript, and its prose in each language.
macro_rules! lesson {
    ($name:literal, $claims:expr) => {
        Lesson {
            name: $name,
            english: include_str!("en.md"),
            korean: include_str!("ko.md"),
            javascript: include_str!("program.js"),
            rust: include_str!("program.rs"),
            program: program::program,
            claims: $claims,
            recorded: None,
            beside: None,
            outside: None,
        }
    };
    ($name:literal, $claims:expr, beside) => {
        Lesson {
            beside: Some(include_str!("node.txt")),
            ..lesson!($name, $claims)
        }
    };
    ($name:literal, $claims:expr, recorded) => {
        Lesson {
            recorded: Some(Recorded {
                run: include_str!("run.jsonl"),
            }),
            ..lesson!($name, $claims)
        }
    };
}

mod addresses;
mod blocking;
mod drain;
mod edge;
mod ending;
mod handshake;
mod hundred;
mod language;
mod lesson;
mod lost;
mod page;
mod path;
mod queues;
mod ready;
mod stage;
mod stream;
mod two_programs;
mod wire;

use std::fs::OpenOptions;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use netloop::Error;
use netloop::study::{Beside, Segment};

pub(crate) use self::language::{CODES, Language};
use self::lesson::Lesson;
use self::stage::Played;
use super::course::{Course, Seed};
use super::show::write_page;
use super::{output, trace};

/// All lessons, in the order in which they are read.
const LESSONS: [Lesson; 13] = [
    two_programs::LESSON,
    ready::LESSON,
    queues::LESSON,
    stream::LESSON,
    lost::LESSON,
    handshake::LESSON,
    ending::LESSON,
    drain::LESSON,
    blocking::LESSON,
    hundred::LESSON,
    addresses::LESSON,
    path::LESSON,
    edge::LESSON,
];

/// Their names.
pub(crate) const NAMES: [&str; LESSONS.len()] = {
    let mut names = [""; LESSONS.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = LESSONS[index].name;
        index += 1;
    }
    names
};

pub(crate) struct Settings {
    /// Without it all are listed.
    pub(crate) name: Option<String>,
    pub(crate) language: Language,
    pub(crate) recorded: trace::Recorded,
    /// The file for a page of the run.
    pub(crate) html: Option<PathBuf>,
    /// The seed of a simulated run.
    pub(crate) seed: Option<Seed>,
    /// The log of a wire on which a lesson about the wire runs.
    pub(crate) wire: Option<PathBuf>,
    /// Whether what a recorded lesson needs is there.
    pub(crate) is_live: bool,
}

pub(crate) fn run(settings: &Settings) -> ExitCode {
    let Some(name) = settings.name.as_deref() else {
        output::text(&page::list(&LESSONS, settings.language));
        return ExitCode::from(u8::from(output::is_lost()));
    };
    let index = NAMES.iter().position(|it| *it == name);
    let index = index.expect("the command line allows no other");
    match teach(&LESSONS[index], LESSONS.get(index + 1), settings) {
        Ok(true) if !output::is_lost() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            output::complaint(&format!("netloop lesson {name}: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Returns whether the run has shown all that the lesson says.
fn teach(lesson: &Lesson, next: Option<&Lesson>, settings: &Settings) -> Result<bool, Error> {
    let language = settings.language;
    let words = language.words();
    check(lesson, settings)?;
    output::text(&page::before(lesson, language));
    wait_for_enter(words.enter);
    let played = run_of(lesson, settings)?;
    if let Some(path) = &settings.html {
        let node = lesson.beside.map(Beside::read);
        write_page(path, &played.recording, node.as_ref()).map_err(Error::new)?;
    }
    let is_recorded = lesson.recorded.is_some() && settings.wire.is_none() && !settings.is_live;
    page::story(&played, is_recorded, words);
    let (text, is_true) = page::after(lesson, &played, language);
    output::text(&text);
    output::text(&page::next(lesson, played.recording.seed, next, words));
    Ok(is_true)
}

/// A wire or a server is for a lesson that needs it.
fn check(lesson: &Lesson, settings: &Settings) -> Result<(), Error> {
    if settings.wire.is_some() && !lesson.needs_wire() {
        return Err(Error::new("--wire is for the lessons lost and handshake"));
    }
    if settings.is_live && !lesson.needs_server() {
        return Err(Error::new("--live is for the lesson edge"));
    }
    if let Some(why) = lesson.outside().filter(|_| settings.seed.is_some()) {
        return Err(Error::new(format!("--seed: {why}")));
    }
    Ok(())
}

/// Runs the program. A lesson that needs a wire, or a server beside it, shows its recorded run without that.
fn run_of(lesson: &Lesson, settings: &Settings) -> Result<Played, Error> {
    let record = &settings.recorded;
    let course = Course::new(&["netloop", "lesson", lesson.name], settings.seed);
    match (&lesson.recorded, &settings.wire) {
        (None, _) => stage::play(lesson.program, &course, record),
        (Some(_), None) if settings.is_live => stage::play(lesson.program, &course, record),
        (Some(recorded), None) => {
            if let Some(path) = &record.file {
                std::fs::write(path, recorded.run)?;
            }
            let mut played = stage::recorded(recorded);
            played.recording.args = course.args;
            Ok(played)
        }
        (Some(_), Some(log)) => {
            let mut played = stage::play(lesson.program, &course, record)?;
            let text = std::fs::read_to_string(log)?;
            let segments = wire::segments(&text, played.recording.began);
            if let Some(path) = &record.file {
                let lines: String = segments.iter().map(Segment::line).collect();
                let mut file = OpenOptions::new().append(true).open(path)?;
                file.write_all(lines.as_bytes())?;
            }
            played.recording.segments = segments;
            Ok(played)
        }
    }
}

/// Waits for Enter at a terminal, so that the reader can answer the question before the program runs.
fn wait_for_enter(request: &str) {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        output::text(&format!("\n{request}"));
        _ = io::stdin().lock().read_line(&mut String::new());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::lesson::Claim;
    use super::*;

    #[test]
    fn a_sentence_that_the_run_does_not_show_fails_its_lesson() {
        let (program, record) = (two_programs::LESSON.program, trace::Recorded::default());
        let played = stage::play(program, &Course::new(&[], None), &record).unwrap();
        let told = |seen| {
            let claims: &[Claim] = Box::leak(Box::new([Claim {
                sentence: "A sentence.",
                seen,
            }]));
            let lesson = Lesson {
                claims,
                ..two_programs::LESSON
            };
            page::after(&lesson, &played, Language::English)
        };
        let (text, is_true) = told(|_| Some(vec![1, 2]));
        assert!(is_true && text.contains("✓ A sentence. (lines 1, 2)\n"));
        let (text, is_true) = told(|_| None);
        assert!(!is_true && text.contains("✗ A sentence. (not in this run)\n"));
    }

    /// What a lesson says in a language: title, introduction, question, explanation, and the claims.
    fn texts(lesson: &Lesson, language: Language) -> Vec<String> {
        let words = language.words();
        let parts = ["", words.question, words.why].map(|heading| lesson.part(language, heading));
        let texts = [lesson.title(language)].into_iter().chain(parts);
        let mut texts: Vec<String> = texts.map(str::to_owned).collect();
        texts.extend(lesson.sentences(language));
        texts
    }

    /// The words that no language translates: code, numbers, and names in capitals.
    fn names(text: &str) -> BTreeSet<String> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let code = text.split('`').skip(1).step_by(2);
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
        let is_name = |word: &&str| {
            let is_small = word.bytes().any(|byte| byte.is_ascii_lowercase());
            !is_small && (word.len() > 1 || word.bytes().any(|byte| byte.is_ascii_digit()))
        };
        let names = code.chain(words.filter(is_name));
        names.map(str::to_owned).collect()
    }

    #[test]
    fn a_lesson_has_all_its_parts_in_each_language() {
        for lesson in &LESSONS {
            for language in CODES.map(|code| Language::of(code).unwrap()) {
                let texts = texts(lesson, language);
                let place = format!("{}, {language:?}", lesson.name);
                assert!(texts.iter().all(|text| !text.is_empty()), "{place}");
                assert!(texts[2].contains('?'), "{place}");
                assert!(texts.len() == 4 + lesson.claims.len(), "{place}");
                assert!(lesson.claims.len() > 2, "{place}");
            }
        }
    }

    #[test]
    fn what_a_lesson_says_names_the_same_in_each_language() {
        for lesson in &LESSONS {
            let english = texts(lesson, Language::English);
            let korean = texts(lesson, Language::Korean);
            for (english, korean) in english.iter().zip(&korean) {
                assert!(
                    names(english).is_subset(&names(korean)),
                    "{english}\n{korean}"
                );
            }
        }
    }
}
