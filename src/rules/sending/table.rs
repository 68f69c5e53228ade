//! The table of the request, printed from the code.

use std::io::{self, IoSlice};

use super::{Kernel, Later, Next, Reply, Request, Sending};

const TURN: u32 = 2;

/// The kernel's answer to one offer.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// It takes all that it is offered, and nothing is left.
    All,
    /// It takes all that one call can offer, and more is left.
    CallFull,
    Part,
    Full,
    Starved,
    Error,
}

struct Script<'s>(&'s [Answer]);

impl Kernel for Script<'_> {
    fn offer(&mut self, slices: &[IoSlice<'_>]) -> Reply {
        let (answer, rest) = self.0.split_first().expect("no more offers");
        self.0 = rest;
        let offered = slices.iter().map(|slice| slice.len()).sum();
        match answer {
            Answer::All | Answer::CallFull => Reply::Took(offered),
            Answer::Part => Reply::Took(1),
            Answer::Full => Reply::Full,
            Answer::Starved => Reply::Starved,
            Answer::Error => Reply::Failed(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

type Kernels = &'static [(&'static str, &'static [Answer])];
type Tell = fn(&mut Sending<u32>, &mut Script<'_>) -> String;

const FIRST: [(&str, &[Answer]); 8] = [
    ("all", &[Answer::All]),
    ("a part, then all", &[Answer::Part, Answer::All]),
    ("a part, then it is full", &[Answer::Part, Answer::Full]),
    ("a part, then an error", &[Answer::Part, Answer::Error]),
    ("as much as a call takes, twice", &[Answer::CallFull; 2]),
    ("it is full", &[Answer::Full]),
    ("no memory", &[Answer::Starved]),
    ("an error", &[Answer::Error]),
];

const LATER: [(&str, &[Answer]); 6] = [
    ("all", &[Answer::All]),
    ("as much as a call takes", &[Answer::CallFull]),
    ("a part", &[Answer::Part]),
    ("it is full", &[Answer::Full]),
    ("no memory", &[Answer::Starved]),
    ("an error", &[Answer::Error]),
];

/// The inputs, and the answers that the kernel may give to each.
const TOLD: [(&str, Kernels, Tell); 6] = [
    ("`hold`", &[("", &[])], |ours, _| match ours.hold() {
        true => "`true`".into(),
        false => String::new(),
    }),
    ("`send`", &FIRST, |ours, kernel| match ours.may_send() {
        true => next(ours.send(TURN, kernel)),
        false => String::new(),
    }),
    ("`release`", &FIRST, |ours, kernel| {
        ours.release(TURN, kernel).map_or_else(String::new, next)
    }),
    ("`room_reported`", &[("", &[])], |ours, _| {
        ours.room_reported(TURN);
        String::new()
    }),
    ("`try_again`", &LATER, |ours, kernel| {
        match ours.is_on_its_way() {
            true => later(ours.try_again(kernel)),
            false => String::new(),
        }
    }),
    ("`take_landed`", &[("", &[])], |ours, _| {
        match ours.take_landed() {
            None => String::new(),
            Some((_, Ok(()))) => "its callbacks".into(),
            Some((_, Err(_))) => "its callbacks, and the error".into(),
        }
    }),
];

fn next(next: Next<u32>) -> String {
    match next {
        Next::Done(_) => "`Done`".into(),
        Next::Failed(..) => "`Failed`".into(),
        Next::InFlight(this) => later(this),
    }
}

fn later(later: Later) -> String {
    format!("`{later:?}`")
}

fn name(request: &Request) -> &'static str {
    match request {
        Request::None => "none",
        Request::Held => "held",
        Request::Waiting { .. } => "waiting",
        Request::Roomy { .. } => "roomy",
        Request::Landed(Ok(())) => "landed",
        Request::Landed(Err(_)) => "landed, failed",
    }
}

/// A sending half in this state. If `is_long`, its request has more slices than two calls take.
fn in_state(state: &'static str, is_long: bool) -> Sending<u32> {
    let mut ours = Sending::default();
    let owed = ours.owed_mut();
    let count = if is_long { 3000 } else { 3 };
    for name in 0..count {
        owed.outbox.push(b"bytes".to_vec(), Some(name));
    }
    if state != "none" {
        owed.outbox.make_request();
    }
    let since = TURN - 1;
    owed.request = match state {
        "none" => Request::None,
        "held" => Request::Held,
        "waiting" => Request::Waiting { since },
        "roomy" => Request::Roomy { since },
        "landed" => Request::Landed(Ok(())),
        _ => Request::Landed(Err(io::ErrorKind::BrokenPipe.into())),
    };
    ours
}

fn rows() -> String {
    let mut page = String::from(
        "| request | told | the kernel takes | next | answer |\n| --- | --- | --- | --- | --- |\n",
    );
    for state in [
        "none",
        "held",
        "waiting",
        "roomy",
        "landed",
        "landed, failed",
    ] {
        for (told, kernels, tell) in TOLD {
            for (word, answers) in kernels {
                let is_long = word.starts_with("as much");
                let mut ours = in_state(state, is_long);
                let answer = tell(&mut ours, &mut Script(answers));
                let after = ours.request().map_or("none", name);
                if after != state || !answer.is_empty() {
                    page += &format!("| {state} | {told} | {word} | {after} | {answer} |\n");
                }
            }
        }
    }
    page
}

#[test]
fn the_page_shows_what_becomes_of_a_request() {
    let page = include_str!("table.md");
    assert!(page.contains(&rows()), "the page should have:\n{}", rows());
}

#[test]
fn what_the_kernel_tells_in_the_turn_of_a_request_is_not_meant_for_it() {
    let mut ours = in_state("none", false);
    ours.send(TURN, &mut Script(&[Answer::Full]));
    ours.room_reported(TURN);
    assert!(!ours.has_room());
    ours.was_made_before();
    ours.room_reported(TURN);
    assert!(ours.has_room());
}

#[test]
fn a_request_that_waits_for_memory_is_told_of_no_room() {
    let mut ours = in_state("waiting", false);
    let later = ours.try_again(&mut Script(&[Answer::Starved]));
    assert_eq!(later, Later::Timer);
    let timer = crate::rules::timers::Timers::new().insert(0, 10, ());
    ours.set_timer(timer);
    ours.room_reported(TURN);
    assert!(!ours.has_room());
    let later = ours.try_again(&mut Script(&[Answer::Starved]));
    assert_eq!(later, Later::Readiness, "one timer looks");
    assert_eq!(ours.take_timer(), Some(timer));
    ours.room_reported(TURN);
    assert!(ours.has_room());
}

#[test]
fn each_write_waits_within_the_limit_even_an_empty_one() {
    let limits = super::Limits {
        mark: 10,
        limit: 200,
    };
    let mut ours = Sending::default();
    ours.cork();
    let mut count = 0;
    while ours.queue(b"", Some(count), limits).is_ok() {
        count += 1;
    }
    assert_eq!(count, 4);
    ours.queue_in_vain(b"more", Some(9), limits);
    assert_eq!(
        (ours.len(), ours.count()),
        (0, 5),
        "only its callback is kept"
    );
    ours.uncork();
    assert_eq!(ours.end_waiting(), [0, 1, 2, 3, 9]);
}
