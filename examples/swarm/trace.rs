//! The records of the trace, as text.

use netloop::Loop;
use netloop::trace::What;

/// What becomes of the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trace {
    Off,
    /// There are some, and nothing reads them.
    Silent,
    Printed,
}

/// Prints what a loop does.
pub(super) fn follow(event_loop: &mut Loop, host: &'static str, trace: Trace) {
    event_loop.on_trace(move |record| {
        if trace != Trace::Printed {
            return;
        }
        let words = match record.what {
            What::Phase(name) => format!("phase {name}"),
            What::Readiness { epoll, .. } => epoll.to_owned(),
            What::Nothing(why) => format!("nothing: {why}"),
            What::Again(why) => format!("again: {why}"),
            What::Transition { from, input, to } => format!("{from} -{input:?}-> {to}"),
            What::Callback(name) => format!("callback {name}"),
            What::Call(name) => format!("call {name}"),
            What::Tick(work) => format!("tick: {work}"),
            What::System { name, errno } => match (errno, record.bytes) {
                (Some(errno), _) => format!("{name}: errno {errno}"),
                (None, count) => format!("{name}: {count:?}"),
            },
            What::Queued { queue, work } => format!("queued in {queue}: {work}"),
            _ => return,
        };
        let subject = record.subject.to_string();
        println!(
            "{:>9.3} {host:>6} {subject:<12} {words}",
            record.at.as_secs_f64()
        );
    });
}
