//! The loop as a person at a terminal sees it: a record, a key, the next record; after each round
//! a fit, and what it makes of the whole dataset.

use std::io::{self, Write};

use anyhow::Result;
use crossterm::{
    style::{Attribute, Stylize},
    terminal,
};
use linprobe::{
    Answer, CatalogueRecord, Content, Label, Project, RecordId, Session, ShownRecord, Strategy,
};

use crate::{
    advice,
    args::LabelArgs,
    command::{Outcome, print, program_for},
    keys::{self, Action},
    picture, report,
};

/// Lines of a text that are shown of one record.
const TEXT_LINES: usize = 12;

/// Columns of a text or picture, at most.
const WIDTH: u16 = 100;

/// The room for a picture, in characters: it leaves some for the text and the keys.
const PICTURE_COLUMNS: u32 = 64;
const PICTURE_ROWS: u32 = 18;

/// A session at a terminal.
pub(super) struct Loop<'a> {
    project: &'a Project,
    session: Session,
    round_size: usize,
    strategy: Strategy,
    /// Whether something was said since the last fit.
    unfitted: bool,
}

/// A record that waits for a score, and its place.
struct Open {
    round: u32,
    position: usize,
    n_records: usize,
    record: ShownRecord,
}

enum Flow {
    GoOn,
    Stop,
}

impl<'a> Loop<'a> {
    pub(super) fn new(project: &'a Project, session: Session, args: &LabelArgs) -> Self {
        let LabelArgs { round_size, strategy, .. } = *args;
        Self { project, session, round_size: round_size.get(), strategy, unfitted: false }
    }

    pub(super) fn run(mut self) -> Result<Outcome> {
        let state = self.session.state();
        let name = state.name().bold();
        print(&format!("session {name}: {}", state.query().description))?;
        self.fit()?;
        while let Flow::GoOn = self.step()? {}
        // What was answered since the last fit counts for the classifier, too.
        pollster::block_on(self.session.refit())?;
        self.farewell()?;
        Ok(Outcome::Done)
    }

    /// One key: for the record that waits, or, at the end of a round, for the fit.
    fn step(&mut self) -> Result<Flow> {
        if let Some(open) = self.open() {
            self.show(&open)?;
            return self.act(Some(&open.record.id));
        }
        if self.unfitted {
            prompt("that was the round: enter fits, backspace undoes, q quits")?;
            return self.act(None);
        }
        let round = pollster::block_on(self.session.next_round(self.round_size, self.strategy))?;
        if round.records.is_empty() {
            let name = self.session.state().name();
            let hint = format!("linprobe session reset-seen {name:?}");
            print(&format!("every record has been shown\nhint: {hint}"))?;
            return Ok(Flow::Stop);
        }
        let ids: Vec<_> = round.records.iter().map(|shown| shown.id.clone()).collect();
        self.project.read_ahead(&ids)?;
        Ok(Flow::GoOn)
    }

    fn open(&self) -> Option<Open> {
        let round = self.session.state().open_round(None)?;
        let mut numbered = (1..).zip(&round.records);
        let (position, record) = numbered.find(|(_, record)| record.answer.is_none())?;
        let (n_records, record) = (round.records.len(), record.clone());
        Some(Open { round: round.number, position, n_records, record })
    }

    /// Waits for a key and does what it asks.
    fn act(&mut self, id: Option<&RecordId>) -> Result<Flow> {
        match (keys::next_action()?, id) {
            (Action::Score(value), Some(id)) => {
                pollster::block_on(self.session.label(id, Label::new(value)?))?;
                echo(&format!("{value:+.2}"))?;
            }
            (Action::Skip, Some(id)) => {
                pollster::block_on(self.session.skip(id))?;
                echo("skipped")?;
            }
            (Action::Score(_) | Action::Skip, None) => return Ok(Flow::GoOn),
            (Action::Undo, _) => self.undo()?,
            (Action::Fit, _) => {
                self.session.skip_rest()?;
                echo("fit")?;
                self.fit()?;
                return Ok(Flow::GoOn);
            }
            (Action::Help, _) => return help().map(|()| Flow::GoOn),
            (Action::Quit, _) => return echo("").map(|()| Flow::Stop),
        }
        self.unfitted = true;
        Ok(Flow::GoOn)
    }

    fn undo(&mut self) -> Result<()> {
        match self.session.undo()? {
            None => echo("nothing to undo"),
            Some(undone) => {
                let answer = match undone.answer {
                    Answer::Labelled(label) => format!("{:+.2}", label.value()),
                    Answer::Skipped => "the skip".to_owned(),
                };
                echo(&format!("took back {answer} of {}", undone.id))
            }
        }
    }

    fn fit(&mut self) -> Result<()> {
        let report = pollster::block_on(self.session.fit())?;
        self.unfitted = false;
        print(&report::fit_lines(&report))?;
        let advice = pollster::block_on(self.session.view().advise())?;
        print(&advice::advice_line(&advice).dim().to_string())?;
        let linprobe = program_for(self.project.folder());
        match advice::look_again_line(&mut self.session, &linprobe)? {
            Some(line) => print(&line.dim().to_string()),
            None => Ok(()),
        }
    }

    fn show(&self, open: &Open) -> Result<()> {
        let ShownRecord { id, score, reason, .. } = &open.record;
        let record = self.project.record(id)?;
        let place = format!("round {}, {} of {}", open.round, open.position, open.n_records);
        let why = reason.words();
        print(&format!("\n{}", format!("{place} · {why} · score {score:+.2}").dim()))?;
        show_record(self.project, &record)?;
        prompt(keys::LINE)
    }

    fn farewell(&self) -> Result<()> {
        let state = self.session.state();
        let (name, n_labels) = (state.name(), state.counts().n_labels);
        let linprobe = program_for(self.project.folder());
        print(&format!(
            "{n_labels} labels are kept in the session {name:?}\n\
             hint: go on with         {linprobe} label --session {name:?}\n\
             hint: score everything   {linprobe} predict --classifier {name:?}\n\
             hint: take it elsewhere  {linprobe} classifier export {name:?} head.safetensors"
        ))
    }
}

/// Shows what a person judges a record by.
pub(in crate::command) fn show_record(project: &Project, record: &CatalogueRecord) -> Result<()> {
    if record.kind == "image" {
        show_picture(project, &record.id)?;
    }
    print(&record_text(record))
}

/// Draws the picture. One that cannot be read or drawn is still labelled by its name.
fn show_picture(project: &Project, id: &RecordId) -> Result<()> {
    let picture = match project.content(id) {
        Ok(Content::Image(bytes)) => picture::decode(&bytes, PICTURE_COLUMNS, PICTURE_ROWS),
        Ok(Content::Text(_) | Content::Vector { .. }) => None,
        Err(error) => {
            let reason = report::one_line(&error.to_string());
            return print(&format!("(this picture cannot be read: {reason})"));
        }
    };
    match picture {
        Some(picture) => Ok(picture::draw(&picture, &mut io::stdout())?),
        None => print("(this picture cannot be drawn)"),
    }
}

/// Says how to answer, and leaves the cursor behind it.
pub(in crate::command) fn prompt(text: &str) -> Result<()> {
    let mut out = io::stdout();
    write!(out, "{}{text}{} ", Attribute::Dim, Attribute::Reset)?;
    Ok(out.flush()?)
}

/// Says what was answered, behind the prompt.
pub(in crate::command) fn echo(text: &str) -> Result<()> {
    print(&text.bold().to_string())
}

pub(in crate::command) fn help() -> Result<()> {
    echo("")?;
    let lines = keys::HELP.map(|(key, what)| format!("  {key:<10} {what}"));
    print(&lines.join("\n"))
}

/// What a person reads of a record: its name, its text, its class and further columns.
fn record_text(record: &CatalogueRecord) -> String {
    // A terminal that does not know its size says 0.
    let columns = terminal::size().map_or(0, |(columns, _)| columns);
    let width = if columns == 0 { WIDTH } else { columns.min(WIDTH) };
    let mut lines = vec![record.id.to_string().bold().to_string()];
    if let Some(text) = &record.text {
        let text = report::printable(text);
        let wrapped = textwrap::wrap(&text, usize::from(width));
        lines.extend(wrapped.iter().take(TEXT_LINES).map(ToString::to_string));
        if wrapped.len() > TEXT_LINES {
            lines.push(format!("… {} more lines", wrapped.len() - TEXT_LINES));
        }
    }
    let metadata = record.metadata.iter().map(|(name, cell)| format!("{name} {cell}"));
    let metadata = metadata.collect::<Vec<_>>().join(" · ");
    if !metadata.is_empty() {
        lines.push(report::one_line(&metadata).dim().to_string());
    }
    lines.join("\n")
}
