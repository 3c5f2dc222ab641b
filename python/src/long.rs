//! Calls that take long: they run on a thread of their own, without the interpreter's lock, while the calling thread shows
//! how far they have come and looks whether Ctrl-C was pressed.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use linprobe::Cancel;
use pyo3::prelude::*;

/// How long Ctrl-C may go unnoticed.
const PATIENCE: Duration = Duration::from_millis(50);

/// Is told how far a call has come.
pub(crate) type Report<'a, P> = &'a mut (dyn FnMut(P) + Send);

/// Runs `work`, and shows what it reports. When a signal or what shows it raises, the work is cancelled, and its end waited
/// for.
pub(crate) fn run<P: Send, T: Send>(
    py: Python<'_>,
    cancel: &Cancel,
    work: impl FnOnce(Report<'_, P>) -> T + Send,
    mut show: impl FnMut(P) -> PyResult<()>,
) -> PyResult<T> {
    thread::scope(|scope| {
        let (sender, mut receiver) = channel();
        // Once nobody listens, nobody is told.
        let worker = scope.spawn(move || work(&mut |reached| drop(sender.send(reached))));
        let listened = listen(py, &mut receiver, &mut show);
        if listened.is_err() {
            cancel.cancel();
        }
        match py.detach(|| worker.join()) {
            Ok(done) => listened.map(|()| done),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
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
