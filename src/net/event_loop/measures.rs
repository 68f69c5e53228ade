//! Measures of the loop: how many turns it has made, and how long it was idle.

use std::time::Duration;

use super::Loop;

impl Loop {
    /// How many turns the loop has begun: Node's `performance.nodeTiming.uvMetricsInfo.loopCount`.
    pub fn turns(&self) -> u64 {
        self.agenda.trace.turn()
    }

    /// Begins to measure how long the loop waits in epoll_wait(2), which takes two readings of the clock in
    /// each turn: libuv's `UV_METRICS_IDLE_TIME`. See [`idle_time`](Loop::idle_time).
    #[track_caller]
    pub fn measure_idle_time(&mut self) {
        self.calls("measure_idle_time", |event_loop| {
            event_loop.agenda.idle_time.get_or_insert_default();
        });
    }

    /// How long the loop has waited for something to do, since
    /// [`measure_idle_time`](Loop::measure_idle_time): Node's `performance.nodeTiming.idleTime`. The rest
    /// of the time went to callbacks and to the loop's own work. A wait counts once it is over.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// event_loop.measure_idle_time();
    /// event_loop.after(Duration::from_millis(5), |_| {});
    /// let start = Instant::now();
    /// event_loop.run()?;
    /// assert!(event_loop.idle_time() <= start.elapsed());
    /// assert!(event_loop.idle_time() > Duration::from_millis(3)); // whole milliseconds, floored
    /// assert!(event_loop.turns() > 0);
    /// # Ok::<(), netloop::Error>(())
    /// ```
    pub fn idle_time(&self) -> Duration {
        self.agenda.idle_time.unwrap_or_default()
    }
}
