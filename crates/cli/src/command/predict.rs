//! `linprobe predict`.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use comfy_table::{Table, presets};
use linprobe::{
    ChosenThreshold, ClassifierFile, PredictOptions, Predictions, PredictionsForm, Project,
    ProjectError, ReadClass, RecordId, Scorer, ThresholdPolicy, WriteBack, classifier_in_file,
    predict_dataset,
    predictions::{
        gallery,
        sort::{Pictures, SortBy, Sorted, Sorting, pictures_of},
    },
    read_classes, write_atomic_with,
};
use serde_json::json;

use super::{Door, Outcome, index::say_skipped, start};
use crate::{
    args::{Format, PredictArgs},
    progress::Progress,
    report,
};

/// The side of a picture on a page, in pixels.
const THUMBNAIL: u32 = 320;

/// Rows that a table shows, and characters of a text in it.
const TABLE_ROWS: usize = 50;

pub(crate) fn run(door: &Door, args: &PredictArgs) -> Result<Outcome> {
    let mut scorers = Vec::new();
    for name in &args.classifier {
        scorers.extend(scorers_of(door, name, args.dataset.is_some())?);
    }
    if let Some(column) = &args.to_column {
        let [scorer] = scorers.as_slice() else {
            bail!("a column takes the scores of one classifier\nhint: give one --classifier")
        };
        return write_back(door, args, (scorer, column));
    }
    match scorers.as_slice() {
        [scorer] if !args.unranked => predict_ranked(door, args, scorer),
        _ => predict_wide(door, args, &scorers),
    }
}

/// Writes scores to the store elsewhere, or says what would be written.
fn write_back(
    door: &Door,
    args: &PredictArgs,
    (scorer, column): (&Scorer, &str),
) -> Result<Outcome> {
    let shown = Progress::new(door.json);
    let project = door.project()?;
    let filter = start::filter(&project, &args.only)?;
    let mut report = |n| shown.show_scored(n);
    let done = project.write_back(scorer, (column, args.write), filter.as_ref(), &mut report);
    shown.finish();
    let WriteBack { store, n_records, n_positive, range, n_written } = done?;
    let [low, high] = range.unwrap_or_default();
    let what = format!(
        "scores of {n_records} records, from {low:+.3} to {high:+.3}, of which {n_positive} count as \
         positive"
    );
    let text = match n_written {
        Some(n_written) => format!("wrote {what}, to {n_written} rows of {column:?} in {store}"),
        None => format!(
            "would write {what}, to {column:?} in {store}\nhint: nothing is written yet; --write does it"
        ),
    };
    let object = json!({
        "store": store, "column": column, "n_records": n_records, "n_positive": n_positive,
        "lowest": low, "highest": high, "n_written": n_written,
    });
    door.answer(&object, &text)?;
    Ok(Outcome::Done)
}

/// The classifier of a name, or every class of a file of many.
fn scorers_of(door: &Door, name: &str, is_for_dataset: bool) -> Result<Vec<Scorer>> {
    match classifier(door, name, is_for_dataset) {
        Err(error) if error.downcast_ref().is_some_and(ProjectError::is_many_classes) => {
            let classes = read_classes(name.as_ref())?.into_iter();
            Ok(classes.map(|ReadClass { name, file }| Scorer { name, file }).collect())
        }
        found => Ok(vec![Scorer { name: name.to_owned(), file: found? }]),
    }
}

/// All records of the project, by all classifiers.
fn predict_wide(door: &Door, args: &PredictArgs, scorers: &[Scorer]) -> Result<Outcome> {
    let path = match (&args.output, args.format) {
        (Some(path), None) if PredictionsForm::of(path) == Some(PredictionsForm::Parquet) => path,
        (Some(path), Some(Format::Parquet)) => path,
        _ => bail!("unranked scores are written as Parquet\nhint: give --output FILE.parquet"),
    };
    let is_sorted = args.sort.copy_to.is_some() || args.sort.link_to.is_some();
    if args.dataset.is_some() || args.threshold.is_some() || args.positive_only || is_sorted {
        bail!(
            "several classifiers score the project's records, each at its own threshold\n\
             hint: leave out the dataset, --threshold, --positive-only, --copy-to and --link-to, or \
             give one classifier"
        );
    }
    let shown = Progress::new(door.json);
    let project = door.project()?;
    let filter = start::filter(&project, &args.only)?;
    let mut report = |n| shown.show_scored(n);
    let n_records = project.predict_wide(scorers, path, filter.as_ref(), &mut report);
    shown.finish();
    let n_records = n_records?;
    let object = json!({ "file": path, "n_records": n_records, "n_classifiers": scorers.len() });
    let wrote = format!("wrote {}: {n_records} records", path.display());
    door.answer(&object, &wrote)?;
    Ok(Outcome::Done)
}

fn predict_ranked(door: &Door, args: &PredictArgs, scorer: &Scorer) -> Result<Outcome> {
    let project;
    let mut result = if let Some(dataset) = &args.dataset {
        expect_another_file(dataset, args.output.as_deref())?;
        predict_other(door, args, &scorer.file, dataset)?
    } else {
        project = door.project()?;
        predict_project(door, &project, args, scorer)?
    };
    let (n_records, n_positive) = (result.n_records(), result.n_positive());
    if args.positive_only {
        result.keep_positive();
    }
    say_skipped(door, &result.skipped)?;
    let sorted = sort(door, args, &result)?;
    if args.output.is_some() || args.format.is_some() || sorted.is_none() {
        write(door, args, &result)?;
    }
    door.say(&format!(
        "{n_positive} of {n_records} records predicted positive, at a threshold of {}",
        result.threshold
    ))?;
    let has_missed = sorted.is_some_and(|sorted| !sorted.skipped.is_empty());
    let outcome = Outcome::with_findings(!result.skipped.is_empty() || has_missed);
    if let Some(working) = working_file(args) {
        drop(result);
        fs::remove_file(&working).with_context(|| format!("{}", working.display()))?;
    }
    Ok(outcome)
}

/// Refuses to write over the dataset that is read.
fn expect_another_file(dataset: &Path, output: Option<&Path>) -> Result<()> {
    let there = |path: &Path| fs::canonicalize(path).ok();
    if output.and_then(there).is_some_and(|output| there(dataset) == Some(output)) {
        bail!("{} is the dataset itself\nhint: write to another file", dataset.display())
    }
    Ok(())
}

/// Copies or links the pictures, where that is asked for.
fn sort(door: &Door, args: &PredictArgs, result: &Predictions<'_>) -> Result<Option<Sorted>> {
    let (folder, by) = match (&args.sort.copy_to, &args.sort.link_to) {
        (Some(folder), _) => (folder, SortBy::Copy),
        (_, Some(folder)) => (folder, SortBy::Link),
        (None, None) => return Ok(None),
    };
    let project;
    let pictures = if let Some(dataset) = &args.dataset {
        pictures_of(dataset, &args.columns.source_options(), &door.surroundings().models)?
    } else {
        project = door.project()?;
        Pictures::Project(&project)
    };
    let sorting = Sorting { folder, by, is_rehearsal: args.sort.dry_run };
    let sorted = result.sort_into(sorting, &pictures)?;
    say_skipped(door, &sorted.skipped)?;
    let Sorted { n_relevant, n_irrelevant, n_there, .. } = sorted;
    let would = if args.sort.dry_run { "would be put into" } else { "put into" };
    let text = format!(
        "{n_relevant} relevant and {n_irrelevant} irrelevant pictures {would} {}, {n_there} were there",
        folder.display()
    );
    let object = json!({
        "folder": folder,
        "n_relevant": n_relevant,
        "n_irrelevant": n_irrelevant,
        "n_there": n_there,
        "n_skipped": sorted.skipped.len(),
        "dry_run": args.sort.dry_run,
    });
    door.answer(&object, &text)?;
    Ok(Some(sorted))
}

/// A classifier of the project, or a file where there is no project. That of another model is one for a dataset, which is
/// embedded with the model that it names.
fn classifier(door: &Door, name: &str, is_for_dataset: bool) -> Result<ClassifierFile> {
    let in_project = door.project().and_then(|project| Ok(project.find_classifier(name)?));
    let is_elsewhere = |error: &anyhow::Error| match error.downcast_ref() {
        Some(ProjectError::NotAProject { .. } | ProjectError::Empty) => true,
        Some(ProjectError::ForeignClassifier { .. }) => is_for_dataset,
        _ => false,
    };
    match in_project {
        Err(error) if is_elsewhere(&error) => {
            classifier_in_file(name).map_or(Err(error), |file| Ok(file?))
        }
        found => found,
    }
}

/// Where the scores of another dataset are kept while they are made: beside the file that is asked for.
fn working_file(args: &PredictArgs) -> Option<PathBuf> {
    let output = args.output.as_ref().filter(|_| args.dataset.is_some())?;
    let mut name = output.file_name()?.to_os_string();
    name.push(".scores");
    Some(output.with_file_name(name))
}

/// The project's own records, with the threshold that the session's audits or labels tell.
fn predict_project<'a>(
    door: &Door,
    project: &'a Project,
    args: &PredictArgs,
    scorer: &Scorer,
) -> Result<Predictions<'a>> {
    let policy = match args.threshold {
        Some(policy) if !matches!(policy, ThresholdPolicy::Score(_)) => {
            let chosen = pollster::block_on(project.choose_threshold(&scorer.name, policy))?;
            door.say(&threshold_line(policy, &chosen))?;
            Some(ThresholdPolicy::Score(chosen.score()))
        }
        given => given,
    };
    let filter = start::filter(project, &args.only)?;
    Ok(pollster::block_on(project.predict(&scorer.file, policy, filter.as_ref()))?)
}

/// What is known of a threshold, and from where.
fn threshold_line(policy: ThresholdPolicy, chosen: &ChosenThreshold) -> String {
    match chosen {
        ChosenThreshold::Expected(threshold) => format!(
            "{policy}: expected by the classifier's own probabilities, not audited: precision \
             {:.3}, recall {:.3}",
            threshold.precision, threshold.recall
        ),
        ChosenThreshold::Audited(report) => format!(
            "{policy}: measured by {} audited records: precision at least {:.3}, recall at least \
             {:.3}",
            report.n_judged, report.precision.low, report.recall.low
        ),
    }
}

fn predict_other(
    door: &Door,
    args: &PredictArgs,
    file: &ClassifierFile,
    dataset: &Path,
) -> Result<Predictions<'static>> {
    let options = PredictOptions {
        threshold: args.threshold,
        filter: args.only.filter.as_deref().map(str::parse).transpose()?,
        working: working_file(args),
        source: args.columns.source_options(),
        server: door.project().ok().and_then(|project| project.model().ok()?).map(|model| model.id),
        ..PredictOptions::default()
    };
    let shown = Progress::new(door.json);
    let result =
        predict_dataset(file, dataset, &options, &door.surroundings().models, &mut |n_scored| {
            shown.show_scored(n_scored);
        });
    shown.finish();
    Ok(result?)
}

fn write(door: &Door, args: &PredictArgs, result: &Predictions<'_>) -> Result<()> {
    if let Some(path) = args.output.as_ref().filter(|path| is_page(path)) {
        return write_page(door, args, path, result);
    }
    let form = form(door, args)?;
    let Some(path) = &args.output else {
        return Ok(write_to(form, result, &mut io::stdout())?);
    };
    write_atomic_with(path, |file| {
        let mut out = io::BufWriter::new(file);
        write_to(form, result, &mut out)?;
        out.flush()
    })?;
    door.answer(&json!({ "file": path }), &format!("wrote {}", path.display()))
}

fn is_page(path: &Path) -> bool {
    ["html", "htm"]
        .iter()
        .any(|ending| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending)))
}

/// A page to look at, with the pictures of the project's own records.
fn write_page(
    door: &Door,
    args: &PredictArgs,
    path: &Path,
    result: &Predictions<'_>,
) -> Result<()> {
    let own = if args.dataset.is_none() { Some(door.project()?) } else { None };
    let picture = |id: &RecordId| own.as_ref()?.thumbnail(id, THUMBNAIL).ok();
    write_atomic_with(path, |file| {
        let mut out = io::BufWriter::new(file);
        gallery::write(result, &args.classifier.join(", "), &picture, &mut out)?;
        out.flush()
    })?;
    door.answer(&json!({ "file": path }), &format!("wrote {}", path.display()))
}

/// The form that is asked for, or that the file's ending means; none for a table.
fn form(door: &Door, args: &PredictArgs) -> Result<Option<PredictionsForm>> {
    let Some(path) = &args.output else {
        let unsaid = if door.json { Format::Jsonl } else { Format::Table };
        return Ok(args.format.unwrap_or(unsaid).form());
    };
    let is_table = || path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("txt"));
    match (args.format, PredictionsForm::of(path)) {
        (Some(format), _) => Ok(format.form()),
        (None, Some(form)) => Ok(Some(form)),
        (None, None) if is_table() => Ok(None),
        (None, None) => bail!(
            "the form of the output is not told by its name\n\
             hint: name it .csv, .jsonl, .parquet or .html, or give --format"
        ),
    }
}

fn write_to(
    form: Option<PredictionsForm>,
    result: &Predictions<'_>,
    out: &mut (impl Write + Send),
) -> io::Result<()> {
    match form {
        Some(form) => form.write(result, out),
        None => writeln!(out, "{}", table(result).map_err(io::Error::other)?),
    }
}

fn table(result: &Predictions<'_>) -> Result<String, ProjectError> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["rank", "score", "probability", "", "record"]);
    for prediction in result.iter().take(TABLE_ROWS) {
        let prediction = prediction?;
        table.add_row([
            prediction.rank.to_string(),
            format!("{:+.3}", prediction.score),
            format!("{:.3}", prediction.probability),
            if prediction.positive { "yes" } else { "no" }.to_owned(),
            report::record_line(&prediction.record),
        ]);
    }
    Ok(match result.n_records().saturating_sub(TABLE_ROWS) {
        0 => table.to_string(),
        n_more => format!("{table}\n{n_more} more: all are in --format csv, jsonl or parquet"),
    })
}
