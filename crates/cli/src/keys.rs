//! The keys of the labelling loop, in one table: what they do and how they are explained.

use std::io;

use crossterm::{
    event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
    terminal::{disable_raw_mode, enable_raw_mode},
};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Action {
    /// Score the record shown, from -1 to +1.
    Score(f32),
    /// Leave it without a score.
    Skip,
    /// Take back the last score or skip.
    Undo,
    /// Fit on all scores and go on with the next round.
    Fit,
    /// List the keys.
    Help,
    /// Stop; everything is kept.
    Quit,
}

/// The keys as the help shows them.
pub(crate) const HELP: [(&str, &str); 8] = [
    ("1 .. 9", "score -1 .. +1 in steps of a quarter; 5 is 0, on the boundary"),
    ("a", "+1, just what I look for"),
    ("x", "-1, not at all"),
    ("space", "skip: no score, not shown again"),
    ("backspace", "undo the last score or skip"),
    ("enter", "fit on all scores and show the next round"),
    ("?", "these keys"),
    ("q", "stop; every score is kept, and \"linprobe label\" goes on here"),
];

/// The keys in one line, under every record.
pub(crate) const LINE: &str =
    "1-9 score  a +1  x -1  space skip  backspace undo  enter fit  ? keys  q quit";

/// Waits for a key that means something.
pub(crate) fn next_action() -> io::Result<Action> {
    loop {
        if let Event::Key(key) = raw(event::read)?
            && key.kind != KeyEventKind::Release
            && let Some(action) = action(key)
        {
            return Ok(action);
        }
    }
}

/// Runs with keys delivered one by one and unechoed, and only as long as needed, so that whatever
/// ends the program leaves a usable terminal.
fn raw<T>(read: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    enable_raw_mode()?;
    let result = read();
    disable_raw_mode()?;
    result
}

fn action(key: KeyEvent) -> Option<Action> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c' | 'd') => Some(Action::Quit),
            KeyCode::Char('z') => Some(Action::Undo),
            _ => None,
        };
    }
    Some(match key.code {
        KeyCode::Char(digit @ '1'..='9') => Action::Score(score(digit)),
        KeyCode::Char('a') => Action::Score(1.0),
        KeyCode::Char('x') => Action::Score(-1.0),
        KeyCode::Char(' ') => Action::Skip,
        KeyCode::Backspace | KeyCode::Delete => Action::Undo,
        KeyCode::Enter => Action::Fit,
        KeyCode::Char('?' | 'h') => Action::Help,
        KeyCode::Char('q') | KeyCode::Esc => Action::Quit,
        _ => return None,
    })
}

/// The score of a digit: 1 is -1, 5 is 0, 9 is +1.
fn score(digit: char) -> f32 {
    let steps = u8::try_from(u32::from(digit) - u32::from('0')).unwrap_or(5);
    (f32::from(steps) - 5.0) / 4.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(code: KeyCode) -> Option<Action> {
        action(KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn digits_span_the_whole_scale() {
        let scores: Vec<_> = ('1'..='9').map(score).collect();
        assert_eq!(scores, [-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0]);
    }

    #[test]
    fn control_c_quits_and_an_unknown_key_does_nothing() {
        let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(action(ctrl_c), Some(Action::Quit));
        assert_eq!(pressed(KeyCode::Char('w')), None);
        assert_eq!(pressed(KeyCode::Char('0')), None);
    }
}
