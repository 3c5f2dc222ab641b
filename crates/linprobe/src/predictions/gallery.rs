//! Predictions as a page to look at: one file, without scripts, that needs no server and no network.

use std::io::{self, Write};

use base64::{Engine, prelude::BASE64_STANDARD};
use linprobe_core::RecordId;

use super::{Prediction, Predictions};

/// Records that count as positive and are shown, best first.
const N_POSITIVE: usize = 1000;

/// Those that come next, to see what the threshold leaves out.
const N_BELOW: usize = 200;

/// Characters of a text.
const N_CHARACTERS: usize = 600;

const STYLE: &str = include_str!("gallery.css");

/// Writes a page with the predictions around the threshold. Pictures are asked for as JPEG; none where a
/// record is no picture, or it cannot be had.
///
/// # Errors
/// A record cannot be read, or what the writer says.
pub fn write(
    predictions: &Predictions<'_>,
    title: &str,
    picture: &dyn Fn(&RecordId) -> Option<Vec<u8>>,
    mut out: impl Write,
) -> io::Result<()> {
    let (n_records, n_positive) = (predictions.n_records(), predictions.n_positive());
    let title = escaped(title);
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n<h1>{title}</h1>\n\
         <p>{n_positive} of {n_records} records reach the threshold of {}.</p>\n<main>\n",
        predictions.threshold
    )?;
    let n_shown = n_positive.min(N_POSITIVE);
    for prediction in predictions.iter().take(n_shown) {
        write_card(&prediction.map_err(io::Error::other)?, picture, &mut out)?;
    }
    if n_shown < n_positive {
        writeln!(out, "</main>\n<p>{} more reach it.</p>\n<main>", n_positive - n_shown)?;
    }
    writeln!(out, "</main>\n<h2>Below the threshold</h2>\n<main>")?;
    for prediction in predictions.iter().skip(n_positive).take(N_BELOW) {
        write_card(&prediction.map_err(io::Error::other)?, picture, &mut out)?;
    }
    writeln!(out, "</main>\n</html>")
}

fn write_card(
    prediction: &Prediction,
    picture: &dyn Fn(&RecordId) -> Option<Vec<u8>>,
    out: &mut impl Write,
) -> io::Result<()> {
    let Prediction { rank, score, probability, record, .. } = prediction;
    let id = escaped(record.id.as_str());
    write!(out, "<article>")?;
    if let Some(jpeg) = picture(&record.id) {
        let jpeg = BASE64_STANDARD.encode(jpeg);
        write!(out, "<img alt=\"{id}\" loading=\"lazy\" src=\"data:image/jpeg;base64,{jpeg}\">")?;
    }
    if let Some(text) = &record.text {
        let shown: String = text.chars().take(N_CHARACTERS).collect();
        let more = if shown.len() < text.len() { "…" } else { "" };
        write!(out, "<p>{}{more}</p>", escaped(&shown))?;
    }
    let label = record.label.as_deref().map(|label| format!(" · {}", escaped(label)));
    let label = label.unwrap_or_default();
    writeln!(
        out,
        "<footer><b>{rank}</b> {score:+.2} · {:.0} %{label}<br>{id}</footer></article>",
        100.0 * probability
    )
}

/// Text that no browser takes for anything else.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(title: &str) -> String {
        let mut out = Vec::new();
        let picture = |id: &RecordId| (id.as_str() == "b").then(|| b"JPEG".to_vec());
        write(&super::super::tests::predictions(), title, &picture, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_page_shows_what_is_above_the_threshold_and_what_is_below() {
        let page = page("stars");
        let (above, below) = page.split_once("Below the threshold").unwrap();
        assert!(above.contains("2 of 3 records reach the threshold of 0."), "{above}");
        assert!(above.contains("<p>é</p>") && above.contains("+2.00 · 88 %"), "{above}");
        assert!(
            below.contains("src=\"data:image/jpeg;base64,SlBFRw==\"") && below.contains("-1.50")
        );
    }

    #[test]
    fn nothing_in_a_record_becomes_part_of_the_page() {
        let page = page("<script>alert(1)</script>");
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
        assert!(page.contains("a,&quot;1&quot;"));
    }
}
