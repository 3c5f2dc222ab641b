//! A server that is busy is asked again, a little later each time.

use std::{thread, time::Duration};

use crate::HubError;

/// How often it is asked.
const MAX_ATTEMPTS: usize = 5;

/// The first pause, and the longest.
const PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// Does something again for as long as the server says that it is busy.
pub(crate) fn patiently<T>(mut ask: impl FnMut() -> Result<T, HubError>) -> Result<T, HubError> {
    let mut pause = PAUSE;
    for _ in 1..MAX_ATTEMPTS {
        match ask() {
            Err(HubError::Busy { asked, .. }) => {
                // Woken early, it only asks early.
                thread::park_timeout(asked.unwrap_or(pause).min(MAX_PAUSE));
                pause *= 2;
            }
            answered => return answered,
        }
    }
    ask()
}
