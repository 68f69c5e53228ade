use std::fs;
use std::os::unix::fs::FileTypeExt;

use netloop::{Error, Loop};

pub(super) fn program(event_loop: &mut Loop) -> Result<(), Error> {
    let name = format!("netloop-lesson-{}", std::process::id());
    let place = std::env::temp_dir().join(name);
    let mut server = event_loop.create_server(|socket| {
        let peer = match socket.remote_address() {
            Some(address) => address.to_string(),
            None => "undefined".to_owned(),
        };
        println!("server: the client's address: {peer}");
        socket.on_data(|socket, chunk| {
            println!("server: received {}", text(chunk));
            socket.end_with("pong");
        });
        let server = socket.server().expect("its server");
        socket.event_loop().server_at(server).close();
    });
    server.listen(place.clone(), move |server| {
        let kind = fs::metadata(&place).map(|it| it.file_type());
        let is_socket = kind.is_ok_and(|kind| kind.is_socket());
        println!("a socket in a folder: {is_socket}");
        let client = server.event_loop().connect_to(place.clone());
        let mut client = client.expect("a path that is not too long");
        client.on_connect(|client| _ = client.write("ping"));
        client.on_data(|_, chunk| {
            println!("client: received {}", text(chunk));
        });
        let place = place.clone();
        client.on_close(move |_, _| {
            println!("still there: {}", place.exists());
        });
    })?;
    Ok(())
}

fn text(chunk: &[u8]) -> String {
    String::from_utf8_lossy(chunk).into_owned()
}
