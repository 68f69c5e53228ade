use netloop::{ConnectOptions, Error, LookupRequest, Loop};

pub(super) fn program(event_loop: &mut Loop) -> Result<(), Error> {
    let mut first = event_loop.create_server(|socket| {
        let peer = socket.remote_address().expect("a peer of TCP");
        println!("server: a client at {peer}");
        socket.end();
        let server = socket.server().expect("its server");
        socket.event_loop().server_at(server).close();
    });
    first.listen(("127.0.0.1", 0), |first| {
        let port = first.port().expect("it listens");
        let mut second = first.event_loop().create_server(|_| {});
        second.on_error(move |second, error| {
            let code = error.code().expect("a code");
            println!("the same port at 127.0.0.1: {code}");
            let mut third = second.event_loop().create_server(|_| {});
            let listened = third.listen(("127.0.0.2", port), move |third| {
                println!("the same port at 127.0.0.2: free");
                third.close();
                connect(third.event_loop(), port);
            });
            listened.expect("a valid address");
        });
        let listened = second.listen_on(("127.0.0.1", port));
        listened.expect("a valid address");
    })?;
    Ok(())
}

fn lookup(event_loop: &mut Loop, request: LookupRequest) {
    let addresses = [[127, 0, 0, 3], [127, 0, 0, 1]].map(Into::into);
    event_loop.answer_lookup(request.id, Ok(addresses.to_vec()));
}

fn connect(event_loop: &mut Loop, port: u16) {
    let options = ConnectOptions::from(("shop.example", port));
    let client = event_loop.connect_to(options.lookup(lookup));
    let mut client = client.expect("a valid port");
    client.on_connection_attempt(|_, attempt| {
        println!("client: tries {}", attempt.address);
    });
    client.on_connection_attempt_failed(|_, attempt, error| {
        let code = error.code().expect("a code");
        println!("client: {} says {code}", attempt.address);
    });
    client.on_connect(|client| {
        let peer = client.remote_address().expect("connected");
        println!("client: connected to {peer}");
    });
    client.resume();
}
