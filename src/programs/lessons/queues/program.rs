use std::time::Duration;

use netloop::{Error, Loop, Socket};

pub(super) fn program(event_loop: &mut Loop) -> Result<(), Error> {
    let mut server = event_loop.create_server(connected);
    server.listen(("127.0.0.1", 0), |server| {
        let port = server.port().expect("it listens");
        let client = server.event_loop().connect_to(("127.0.0.1", port));
        client.expect("a valid port");
    })?;
    Ok(())
}

fn connected(socket: &mut Socket<'_>) {
    let event_loop = socket.event_loop();
    event_loop.set_timeout(Duration::ZERO, |_| println!("timeout"));
    event_loop.set_immediate(|_| println!("immediate"));
    event_loop.queue_microtask(|event_loop| {
        println!("microtask");
        event_loop.next_tick(|_| println!("tick of a microtask"));
    });
    event_loop.next_tick(|event_loop| {
        println!("tick");
        event_loop.next_tick(|_| println!("tick of a tick"));
    });
    socket.on_close(|_, _| println!("close"));
    socket.destroy();
    let server = socket.server().expect("its server");
    socket.event_loop().server_at(server).close();
    println!("the callback returns");
}
