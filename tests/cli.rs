//! The programs as people start them: what they print, what they answer, how they end.

mod support;

#[path = "support/balancer.rs"]
mod balancer;
#[path = "cli/client.rs"]
mod client;
#[path = "cli/demo.rs"]
mod demo;
#[path = "cli/lesson.rs"]
mod lesson;
#[path = "cli/limits.rs"]
mod limits;
#[path = "cli/listening.rs"]
mod listening;
#[path = "cli/manual.rs"]
mod manual;
#[path = "cli/memory.rs"]
mod memory;
#[path = "cli/network.rs"]
mod network;
#[path = "cli/output.rs"]
mod output;
#[path = "cli/page.rs"]
mod page;
#[path = "cli/paths.rs"]
mod paths;
#[path = "cli/perfetto.rs"]
mod perfetto;
#[path = "support/program.rs"]
mod program;
#[path = "cli/proxy.rs"]
mod proxy;
#[path = "cli/rolling.rs"]
mod rolling;
#[path = "cli/seed.rs"]
mod seed;
#[path = "cli/server.rs"]
mod server;
#[path = "cli/show.rs"]
mod show;
#[path = "cli/sight.rs"]
mod sight;
#[path = "cli/stage.rs"]
mod stage;
#[path = "cli/stopping.rs"]
mod stopping;
#[path = "cli/systemd.rs"]
mod systemd;
#[path = "cli/usage.rs"]
mod usage;
#[path = "cli/whoami.rs"]
mod whoami;
