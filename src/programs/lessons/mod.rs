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
    let mut played = run_of(lesson, settings)?;
    played.recording.args = ["netloop", "lesson", lesson.name].map(str::to_owned).into();
    if let Some(path) = &settings.html {
        let node = lesson.beside.map(Beside::read);
        write_page(path, &played.recording, node.as_ref()).map_err(Error::new)?;
    }
    let is_recorded = lesson.recorded.is_some() && settings.wire.is_none() && !settings.is_live;
    page::story(&played, is_recorded, words);
    let (text, is_true) = page::after(lesson, &played, language);
    output::text(&text);
    output::text(&page::next(lesson, next, words));
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
    Ok(())
}

/// Runs the program. A lesson that needs a wire, or a server beside it, shows its recorded run without that.
fn run_of(lesson: &Lesson, settings: &Settings) -> Result<Played, Error> {
    let record = &settings.recorded;
    match (&lesson.recorded, &settings.wire) {
        (None, _) => stage::play(lesson.program, record),
        (Some(_), None) if settings.is_live => stage::play(lesson.program, record),
        (Some(recorded), None) => {
            if let Some(path) = &record.file {
                std::fs::write(path, recorded.run)?;
            }
            Ok(stage::recorded(recorded))
        }
        (Some(_), Some(log)) => {
            let mut played = stage::play(lesson.program, record)?;
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
        let played =
            stage::play(two_programs::LESSON.program, &trace::Recorded::default()).unwrap();
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

    /// The run of a lesson on one host of a world with this seed.
    #[cfg(feature = "sim")]
    fn played_in_a_world(lesson: &Lesson, seed: u64) -> Played {
        let mut world = netloop::sim::World::new(seed);
        let host = world.add_host("host").unwrap();
        let recorded = trace::Recorded::default();
        stage::begin(world.event_loop(host), lesson.program, &recorded).unwrap();
        world.run().unwrap();
        drop(world);
        stage::end()
    }

    /// Those without a wire.
    #[cfg(feature = "sim")]
    fn live() -> impl Iterator<Item = &'static Lesson> {
        LESSONS.iter().filter(|lesson| lesson.recorded.is_none())
    }

    /// Sockets are numbered in each process from 1, so each page is made in a process of its own.
    #[cfg(feature = "sim")]
    #[test]
    fn a_lesson_replayed_from_a_seed_has_always_the_same_page() {
        const SEED: &str = "NETLOOP_LESSONS_FROM_SEED";
        if let Ok(seed) = std::env::var(SEED) {
            let seed = seed.parse().unwrap();
            let recordings = live().map(|lesson| played_in_a_world(lesson, seed).recording);
            let pages = recordings.map(|recording| netloop::study::page(&recording, None));
            return std::io::stdout()
                .write_all(pages.collect::<String>().as_bytes())
                .unwrap();
        }
        let pages = |seed: &str| {
            let mut this = std::process::Command::new(std::env::current_exe().unwrap());
            let this = this.args(["--nocapture", "a_lesson_replayed_from_a_seed"]);
            let told = this.env(SEED, seed).output().unwrap();
            assert!(told.status.success());
            let text = String::from_utf8(told.stdout).unwrap();
            let (_, pages) = text.split_once("<!doctype html>").unwrap();
            let (pages, _) = pages.rsplit_once("</script>").unwrap();
            pages.to_owned()
        };
        let first = pages("1");
        assert!(first == pages("1"), "the same seed, another page");
        assert!(first != pages("2"), "another seed, the same page");
    }

    #[cfg(feature = "sim")]
    #[test]
    fn a_lesson_prints_in_a_world_what_it_prints_on_a_machine() {
        // What keeps a loop busy takes no time of a world, and no file of it is on the machine.
        let has_its_own = |it: &&Lesson| ["blocking", "path"].contains(&it.name);
        for lesson in live().filter(|lesson| !has_its_own(lesson)) {
            let lines = |run: &Played| {
                let mut lines: Vec<String> = run.prints().map(str::to_owned).collect();
                lines.sort_unstable();
                lines
            };
            let real = stage::play(lesson.program, &trace::Recorded::default()).unwrap();
            for seed in 0..2 {
                let simulated = played_in_a_world(lesson, seed);
                assert_eq!(
                    lines(&simulated),
                    lines(&real),
                    "{}, seed {seed}",
                    lesson.name
                );
            }
        }
    }
}
