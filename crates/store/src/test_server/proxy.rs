//! A line between a client and a server that can be slow, or go silent without being cut.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// How the line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// It passes on what comes.
    Good,
    /// It passes on what comes so much later.
    Slow(Duration),
    /// It takes what comes, and passes nothing on.
    Silent,
}

/// A line to a server on this machine.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    line: Arc<Mutex<Line>>,
}

impl Proxy {
    /// A good line to a port.
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let own = listener.local_addr().expect("an address").port();
        let line = Arc::new(Mutex::new(Line::Good));
        let shared = Arc::clone(&line);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                join(&client, &server, &shared);
                join(&server, &client, &shared);
            }
        });
        Self { port: own, line }
    }

    /// The port that clients connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes the line, for what is connected already, too.
    pub fn set(&self, line: Line) {
        *lock(&self.line) = line;
    }
}

fn join(from: &TcpStream, to: &TcpStream, line: &Arc<Mutex<Line>>) {
    let copies = (from.try_clone(), to.try_clone(), Arc::clone(line));
    let (Ok(from), Ok(to), line) = copies else { return };
    thread::spawn(move || pass_on(from, to, &line));
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, line: &Mutex<Line>) {
    let mut buffer = [0; 16 << 10];
    while let Ok(n_bytes @ 1..) = from.read(&mut buffer) {
        let now = *lock(line);
        match now {
            Line::Good => {}
            Line::Slow(time) => thread::park_timeout(time),
            Line::Silent => continue,
        }
        if to.write_all(&buffer[..n_bytes]).is_err() {
            break;
        }
    }
    // Either end may be gone already.
    drop((from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both)));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
