//! Calls that take long: they run on a thread of their own, without the interpreter's lock, while the calling thread shows
//! how far they have come and looks whether Ctrl-C was pressed.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use linprobe::Cancel;
use pyo3::prelude::*;

/// How long Ctrl-C may go unnoticed.
const PATIENCE: Duration = Duration::from_millis(50);

/// How long the end of what is cancelled is waited for. What hangs on a network that is silent is left to itself then.
const GRACE: Duration = Duration::from_secs(10);

/// Is told how far a call has come.
pub(crate) type Report<'a, P> = &'a mut (dyn FnMut(P) + Send);

/// Runs `work`, and shows what it reports. When a signal or what shows it raises, the work is cancelled, and its end waited
/// for.
pub(crate) fn run<P: Send + 'static, T: Send + 'static>(
    py: Python<'_>,
    cancel: &Cancel,
    work: impl FnOnce(Report<'_, P>) -> T + Send + 'static,
    mut show: impl FnMut(P) -> PyResult<()>,
) -> PyResult<T> {
    let (sender, mut receiver) = channel();
    // Once nobody listens, nobody is told.
    let worker = thread::spawn(move || work(&mut |reached| drop(sender.send(reached))));
    if let Err(raised) = listen(py, &mut receiver, &mut show) {
        cancel.cancel();
        py.detach(move || await_end(&receiver));
        return Err(raised);
    }
    result(py, worker)
}

/// Runs what cannot be cancelled. When a signal raises, it is left to itself.
pub(crate) fn leave<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    let (sender, mut receiver) = channel::<()>();
    let worker = thread::spawn(move || {
        let done = work();
        drop(sender);
        done
    });
    listen(py, &mut receiver, &mut |()| Ok(()))?;
    result(py, worker)
}

fn result<T: Send>(py: Python<'_>, worker: JoinHandle<T>) -> PyResult<T> {
    match py.detach(|| worker.join()) {
        Ok(done) => Ok(done),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn await_end<P>(receiver: &Receiver<P>) {
    let begun = Instant::now();
    let left = || GRACE.checked_sub(begun.elapsed());
    while left().is_some_and(|left| {
        !matches!(receiver.recv_timeout(left), Err(RecvTimeoutError::Disconnected))
    }) {}
}

/// Until the work has ended.
fn listen<P: Send>(
    py: Python<'_>,
    receiver: &mut Receiver<P>,
    show: &mut impl FnMut(P) -> PyResult<()>,
) -> PyResult<()> {
    loop {
        let waiting = &mut *receiver;
        let heard = py.detach(move || waiting.recv_timeout(PATIENCE));
        py.check_signals()?;
        match heard {
            Ok(reached) => show(reached)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}
