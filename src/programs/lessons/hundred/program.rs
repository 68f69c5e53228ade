use netloop::{Error, Loop, ServerId, ServerOptions};

struct Clients {
    answers: u32,
    open: u32,
}

pub(super) fn program(event_loop: &mut Loop) -> Result<(), Error> {
    event_loop.set_data(Clients {
        answers: 0,
        open: 0,
    });
    // Node accepts one connection in a turn, which makes for a long run.
    let options = ServerOptions::default().accepts_per_turn(100);
    let mut server = event_loop.create_server_with(options, |socket| {
        socket.on_data(|socket, chunk| _ = socket.end_with(chunk));
    });
    server.listen(("127.0.0.1", 0), |server| {
        let port = server.port().expect("it listens");
        let server_id = server.id();
        for _ in 0..100 {
            connect(server.event_loop(), port, server_id);
        }
    })?;
    Ok(())
}

fn connect(event_loop: &mut Loop, port: u16, server: ServerId) {
    event_loop.data_mut::<Clients>().expect("set above").open += 1;
    let client = event_loop.connect_to(("127.0.0.1", port));
    let mut client = client.expect("a valid port");
    client.on_connect(|client| _ = client.write("hello"));
    client.on_data(|client, _| {
        let event_loop = client.event_loop();
        event_loop.data_mut::<Clients>().expect("set above").answers += 1;
    });
    client.on_close(move |client, _| {
        let event_loop = client.event_loop();
        let clients: &mut Clients = event_loop.data_mut().expect("set");
        clients.open -= 1;
        if clients.open == 0 {
            println!("{} answers", clients.answers);
            event_loop.server_at(server).close();
        }
    });
}
