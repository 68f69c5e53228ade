//! Whatever a callback of a scenario is, the trace leads from it to what the kernel has said, or to a
//! statement of the program's: all scenarios are played once more, with a tracer.

use std::cell::RefCell;
use std::fs::File;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use netloop::EventLoop;
use netloop::study::Recorder;
use netloop::trace::{Record, What};

/// Says to the process of the second time that it is that, and where it leaves its recordings.
pub(crate) const TRACED: &str = "NETLOOP_TRACED";

/// How many loops were followed.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// What is known of a record: what led to it, whether a chain may end with it, and its words.
struct Link {
    origin: u64,
    is_root: bool,
    callback: Option<&'static str>,
}

#[derive(Default)]
pub(crate) struct Chains {
    links: Rc<RefCell<Vec<Link>>>,
}

impl Chains {
    /// Follows a loop, in the process of the second time.
    pub(crate) fn follow(event_loop: &mut EventLoop) -> Chains {
        let chains = Chains::default();
        if let Some(folder) = std::env::var_os(TRACED) {
            let links = Rc::clone(&chains.links);
            let name = format!("{}.jsonl", COUNT.fetch_add(1, Relaxed));
            let file = File::create(Path::new(&folder).join(name)).unwrap();
            let mut recorder = Recorder::new(file).unwrap();
            event_loop.on_trace(move |record| {
                links.borrow_mut().push(Link::of(record));
                recorder.tell(record);
            });
        }
        chains
    }

    /// Each callback leads to a root.
    pub(crate) fn check(&self, name: &str) {
        let links = self.links.borrow();
        for link in links.iter().filter(|link| link.callback.is_some()) {
            let mut above = link;
            while !above.is_root {
                let before = usize::try_from(above.origin).unwrap().checked_sub(1);
                let callback = link.callback.unwrap_or_default();
                above = &links[before.unwrap_or_else(|| panic!("{name}: why {callback}?"))];
            }
        }
    }
}

impl Link {
    fn of(record: &Record<'_>) -> Link {
        let (is_root, callback) = match record.what {
            What::Readiness { .. } => (true, None),
            What::Call(_) => (record.cause == 0, None),
            What::Callback(name) => (false, Some(name)),
            _ => (false, None),
        };
        Link {
            origin: record.origin(),
            is_root,
            callback,
        }
    }
}
