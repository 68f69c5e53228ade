use std::time::Duration;

use netloop::{Error, Loop};

pub(super) fn program(event_loop: &mut Loop) -> Result<(), Error> {
    let mut words = ["one", "two", "three", "four"].into_iter();
    let mut client = event_loop.connect_to(("127.0.0.1", 8000))?;
    client.on_data(|_, chunk| {
        println!("server: {}", String::from_utf8_lossy(chunk));
    });
    client.set_timeout(Duration::from_secs(1));
    client.on_timeout(move |client| match words.next() {
        Some(word) => {
            println!("client: {word}");
            client.write(word);
        }
        None => {
            println!("client: gives up");
            client.destroy();
        }
    });
    Ok(())
}
