use std::time::Duration;

use netloop::{Error, Loop, Socket};

pub(super) fn program(event_loop: &mut Loop) -> Result<(), Error> {
    let mut server = event_loop.create_server(|socket| {
        println!("server: connected");
        socket.on_data(|_, chunk| println!("server: {}", text(chunk)));
        socket.on_close(|socket, _| {
            println!("server: disconnected");
            let server = socket.server().expect("its server");
            socket.event_loop().server_at(server).close();
        });
        socket.write("Welcome");
    });
    server.listen(("127.0.0.1", 0), |server| {
        println!("server: listening");
        let port = server.port().expect("it listens");
        let client = server.event_loop().connect_to(("127.0.0.1", port));
        let mut client = client.expect("a valid port");
        client.on_connect(|client| {
            println!("client: connected");
            let mut count = 0;
            client.set_interval(Duration::from_millis(100), move |client| {
                client.write("hi");
                count += 1;
                if count == 2 {
                    stop_interval(client);
                    client.end();
                }
            });
        });
        client.on_data(|_, chunk| println!("client: {}", text(chunk)));
        client.on_end(|_| println!("client: disconnected"));
    })?;
    Ok(())
}

fn stop_interval(client: &mut Socket<'_>) {
    let event_loop = client.event_loop();
    let timer = event_loop.current_timer().expect("we are in its callback");
    event_loop.clear_interval(timer);
}

fn text(chunk: &[u8]) -> String {
    String::from_utf8_lossy(chunk).into_owned()
}
