use std::time::Duration;

use netloop::{Error, Loop, ServerOptions, Socket};

const SIZE: usize = 16_000_000;

pub(super) fn program(event_loop: &mut Loop) -> Result<(), Error> {
    let options = ServerOptions::default().pause_on_connect(true);
    let mut server = event_loop.create_server_with(options, connected);
    server.listen(("127.0.0.1", 0), |server| {
        let port = server.port().expect("it listens");
        let client = server.event_loop().connect_to(("127.0.0.1", port));
        let mut client = client.expect("a valid port");
        client.on_connect(|client| {
            let goes_on = client.write(vec![0; SIZE]);
            println!("client: write returns {goes_on}");
        });
        client.on_drain(|client| {
            println!("client: drain");
            client.end();
        });
    })?;
    Ok(())
}

fn connected(socket: &mut Socket<'_>) {
    socket.set_data(0_usize);
    socket.on_data(|socket, chunk| {
        *socket.data_mut::<usize>().expect("set above") += chunk.len();
    });
    socket.on_end(|socket| {
        let received = socket.data::<usize>().expect("set above");
        println!("server: received {received} bytes");
    });
    socket.after(Duration::from_millis(100), |socket| {
        println!("server: reads at last");
        socket.resume();
    });
    let server = socket.server().expect("its server");
    socket.event_loop().server_at(server).close();
}
