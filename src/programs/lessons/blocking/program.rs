use std::thread;
use std::time::Duration;

use netloop::{Error, Loop, Socket, TimerId};

struct Clock {
    ticks: u32,
    timer: TimerId,
}

pub(super) fn program(event_loop: &mut Loop) -> Result<(), Error> {
    let mut server = event_loop.create_server(|socket| {
        socket.on_data(|socket, chunk| match chunk {
            b"heavy" => heavy(socket.event_loop()),
            _ => light(socket),
        });
    });
    server.listen(("127.0.0.1", 0), |server| {
        let port = server.port().expect("it listens");
        for word in ["heavy", "light"] {
            let event_loop = server.event_loop();
            let client = event_loop.connect_to(("127.0.0.1", port));
            client.expect("a valid port").end_with(word);
        }
    })?;
    Ok(())
}

fn heavy(event_loop: &mut Loop) {
    println!("heavy: begins");
    let period = Duration::from_millis(20);
    let timer = event_loop.set_interval(period, |event_loop| {
        event_loop.data_mut::<Clock>().expect("set below").ticks += 1;
    });
    event_loop.set_data(Clock { ticks: 0, timer });
    thread::sleep(Duration::from_millis(300));
    println!("heavy: is done");
}

fn light(socket: &mut Socket<'_>) {
    let server = socket.server().expect("its server");
    let event_loop = socket.event_loop();
    let clock: Clock = event_loop.take_data().expect("set by heavy");
    println!("light: is done, ticks so far: {}", clock.ticks);
    event_loop.clear_interval(clock.timer);
    event_loop.server_at(server).close();
}
