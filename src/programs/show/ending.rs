//! The end of a recording: what runs, what waits and why, and what holds the loop.

use netloop::study::{Model, Names, Waiting};

use super::super::output::harmless;
use super::super::printer::{Paint, wrapped};

/// How many of a kind are listed.
const LISTED: usize = 8;

/// The width of the first column.
const HEAD: usize = 11;

/// What is the case after the last line.
pub(super) fn text(model: &Model, names: &Names, paint: Paint) -> String {
    let mut text = String::new();
    list(&mut text, "runs", &running(model, names), paint);
    list(&mut text, "waits", &waiting(model, names), paint);
    list(&mut text, "holds", &holding(model, names), paint);
    if text.is_empty() {
        text = "  nothing runs, nothing waits, and nothing holds the loop\n".into();
    }
    format!("\n{}\n{text}", paint.paint("1", "at this point"))
}

fn running(model: &Model, names: &Names) -> Vec<String> {
    let running = model.running().iter().map(|it| {
        let who = names.get(&it.who);
        let kind = if it.is_callback { "callback" } else { "call" };
        format!("{who}: {kind} {}, since line {}", it.words, it.number)
    });
    running.collect()
}

fn waiting(model: &Model, names: &Names) -> Vec<String> {
    let waiting = model.waiting().map(|it| {
        let why = model.why_not_yet(it);
        format!("{}: {why}", work(it, names))
    });
    let bytes = model.standings().filter_map(|(who, standing)| {
        let why = standing.why_not_yet()?;
        Some(format!("{}: {why}", names.get(who)))
    });
    waiting.chain(bytes).collect()
}

fn holding(model: &Model, names: &Names) -> Vec<String> {
    let (holders, queued) = model.holders();
    let holders = holders.into_iter().map(|who| {
        let name = names.get(who);
        let state = model.standing(who).map(|standing| &*standing.state);
        match state.filter(|state| !state.is_empty()) {
            Some(state) => format!("{name}: {state}"),
            None => name.to_owned(),
        }
    });
    let queued = queued.into_iter().map(|it| work(it, names));
    holders.chain(queued).collect()
}

/// What waits, and where.
fn work(it: &Waiting, names: &Names) -> String {
    let who = names.get(&it.who);
    format!("{who}: {} ({}, queued by {})", it.work, it.queue, it.cause)
}

fn list(text: &mut String, head: &str, lines: &[String], paint: Paint) {
    let more = match lines.len().saturating_sub(LISTED) {
        0 => None,
        more => Some(format!("… and {more} more")),
    };
    for (index, line) in lines.iter().take(LISTED).chain(&more).enumerate() {
        let head = if index == 0 { head } else { "" };
        text.push_str(&paint.paint("2", &format!("{:<HEAD$}", format!("  {head}"))));
        text.push_str(&wrapped(&harmless(line), HEAD, HEAD + 2));
        text.push('\n');
    }
}
