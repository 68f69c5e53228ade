//! Running a test with many seeds.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a test with each of these seeds, until it fails. The panic names the seed.
///
/// ```
/// use netloop::sim::{World, for_each_seed};
///
/// for_each_seed(0..20, |seed| {
///     let mut world = World::new(seed);
///     let host = world.add_host("host")?;
///     world.event_loop(host).set_immediate(|_| {}); // the program, and the assertions
///     world.run()
/// });
/// ```
///
/// # Panics
/// If the test returns an error or panics, with a message such as `seed 7: assertion failed`. The panic hook has
/// reported the original panic before, with its source line.
#[track_caller]
pub fn for_each_seed<E: fmt::Debug>(
    seeds: impl IntoIterator<Item = u64>,
    mut test: impl FnMut(u64) -> Result<(), E>,
) {
    for seed in seeds {
        match catch_unwind(AssertUnwindSafe(|| test(seed))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => panic!("seed {seed}: {error:?}"),
            Err(panic) => panic!("seed {seed}: {}", message(&*panic)),
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a message")
}
