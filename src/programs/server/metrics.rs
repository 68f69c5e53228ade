//! The metrics, as Prometheus reads them.
//!
//! It is text in a format of one page. The crate `prometheus-client` writes another one, OpenMetrics,
//! and its counters are shared by threads, of which there is one here.

use std::fmt::{Display, Write};
use std::fs;
use std::time::{Duration, Instant};

use netloop::Loop;
use rustix::time::{ClockId, clock_gettime};

use super::counts::{Counts, Histogram, note, traffic};
use super::reason::Reason;
use super::{connections, stop};
use crate::programs::descriptors;

/// How often it is looked how late a timer comes.
const LAG_INTERVAL: Duration = Duration::from_millis(100);

/// Begins to measure how late timers come, and how long the loop is busy.
pub(super) fn measure(event_loop: &mut Loop) {
    event_loop.measure_idle_time();
    note(event_loop, |counts| {
        counts.measured_since = Some(Instant::now())
    });
    let mut due = Instant::now() + LAG_INTERVAL;
    let timer = event_loop.set_interval(LAG_INTERVAL, move |event_loop| {
        let now = Instant::now();
        let lag = now.saturating_duration_since(due);
        due = now + LAG_INTERVAL;
        note(event_loop, |counts| counts.lag.add(lag));
    });
    event_loop.unref_timer(timer);
}

/// The text to which the metrics are written, one after another.
struct Text(String);

impl Text {
    fn describe(&mut self, name: &str, kind: &str, help: &str) {
        _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn value(&mut self, name: &str, labels: &str, value: impl Display) {
        _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.describe(name, "counter", help);
        self.value(name, "", value);
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.describe(name, "gauge", help);
        self.value(name, "", value);
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.describe(name, "histogram", help);
        let bucket = format!("{name}_bucket");
        for (bound, count) in Histogram::BOUNDS.iter().zip(histogram.counts) {
            self.value(&bucket, &format!("{{le=\"{bound}\"}}"), count);
        }
        self.value(&bucket, "{le=\"+Inf\"}", histogram.count);
        self.value(&format!("{name}_sum"), "", histogram.sum);
        self.value(&format!("{name}_count"), "", histogram.count);
    }
}

/// All metrics, as they are now.
pub(super) fn text(event_loop: &mut Loop) -> String {
    let open = connections(event_loop);
    let traffic = traffic(event_loop);
    let is_draining = stop::has_begun(event_loop);
    let mut text = Text(String::new());
    let build = "netloop_build_info";
    text.describe(build, "gauge", "The version, as a label.");
    let version = format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    text.value(build, &version, 1);
    text.gauge("netloop_connections", "Connections open.", open);
    text.gauge(
        "netloop_draining",
        "Whether a stop has begun.",
        u8::from(is_draining),
    );
    text.gauge(
        "netloop_owed_bytes",
        "Bytes written that the kernel has not taken yet.",
        traffic.owed,
    );
    if let Some(counts) = event_loop.data::<Counts>() {
        counted(&mut text, counts);
        let (received, sent) = (counts.closed.received, counts.closed.sent);
        text.counter(
            "netloop_received_bytes_total",
            "Bytes received of clients.",
            received + traffic.received,
        );
        text.counter(
            "netloop_sent_bytes_total",
            "Bytes that the kernel has taken for clients.",
            sent + traffic.sent,
        );
    }
    turns(&mut text, event_loop);
    process(&mut text);
    text.0
}

fn turns(text: &mut Text, event_loop: &Loop) {
    text.counter(
        "netloop_loop_turns_total",
        "Turns of the event loop.",
        event_loop.turns(),
    );
    let counts = event_loop.data::<Counts>();
    let since = counts.and_then(|counts| counts.measured_since);
    let measured = since.map_or(Duration::ZERO, |since| since.elapsed());
    let busy = measured.saturating_sub(event_loop.idle_time());
    text.counter(
        "netloop_loop_busy_seconds_total",
        "Time in callbacks and in the work of the loop: all but its waits.",
        busy.as_secs_f64(),
    );
}

fn counted(text: &mut Text, counts: &Counts) {
    text.counter(
        "netloop_accepted_total",
        "Connections accepted and served.",
        counts.accepted,
    );
    let dropped = "netloop_dropped_total";
    text.describe(dropped, "counter", "Connections not served, by reason.");
    for reason in Reason::ALL {
        let label = format!("{{reason=\"{}\"}}", reason.name());
        text.value(dropped, &label, counts.dropped[reason as usize]);
    }
    text.counter(
        "netloop_timed_out_total",
        "Connections closed by --idle-timeout.",
        counts.timed_out,
    );
    text.counter(
        "netloop_cut_total",
        "Connections cut by --max-owed.",
        counts.cut,
    );
    let errors = "netloop_errors_total";
    text.describe(errors, "counter", "Errors of connections, by code.");
    for (code, count) in &counts.errors {
        text.value(errors, &format!("{{code=\"{code}\"}}"), count);
    }
    text.histogram(
        "netloop_loop_lag_seconds",
        "How late a timer of 100 ms comes.",
        &counts.lag,
    );
}

/// The metrics that every process has under these names; without /proc some are missing.
fn process(text: &mut Text) {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = Duration::try_from(time).unwrap_or_default().as_secs_f64();
    text.counter(
        "process_cpu_seconds_total",
        "CPU time of user and system.",
        seconds,
    );
    if let Some(count) = descriptors::open() {
        text.gauge("process_open_fds", "Open descriptors.", count);
    }
    if let Some(limit) = descriptors::limit() {
        text.gauge(
            "process_max_fds",
            "How many descriptors there may be.",
            limit,
        );
    }
    if let Some(bytes) = resident_bytes() {
        text.gauge(
            "process_resident_memory_bytes",
            "Memory that is resident.",
            bytes,
        );
    }
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}
