use std::thread;
use std::time::Duration;

use netloop::{Error, Loop};

pub(super) fn program(event_loop: &mut Loop) -> Result<(), Error> {
    let mut server = event_loop.create_server(|socket| {
        println!("server: connection");
        socket.end();
    });
    server.listen(("10.9.0.1", 8000), |server| {
        let server_id = server.id();
        let event_loop = server.event_loop();
        connect("first", event_loop, move |event_loop| {
            connect("second", event_loop, move |event_loop| {
                event_loop.server_at(server_id).close();
            });
        });
        event_loop.set_immediate(|_| {
            thread::sleep(Duration::from_millis(600));
            println!("the program was busy");
        });
    })?;
    Ok(())
}

fn connect<F>(name: &'static str, event_loop: &mut Loop, mut then: F)
where
    F: FnMut(&mut Loop) + 'static,
{
    let client = event_loop.connect_to(("10.9.0.2", 8000));
    let mut client = client.expect("a valid port");
    client.on_connect(move |_| println!("{name}: connected"));
    client.on_close(move |client, _| then(client.event_loop()));
    client.resume();
}
