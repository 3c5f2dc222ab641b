//! Predictions as comma separated values with a header.

use std::io::{self, Write};

use super::{FIXED_COLUMNS, Prediction, Predictions, column_name};

/// Writes predictions.
///
/// # Errors
/// What the writer says.
pub fn write(predictions: &Predictions<'_>, out: impl Write) -> io::Result<()> {
    let columns = predictions.columns()?;
    let mut writer = csv::Writer::from_writer(out);
    let header = FIXED_COLUMNS.into_iter().map(str::to_owned);
    writer.write_record(header.chain(columns.iter().map(|column| column_name(column))))?;
    for prediction in predictions.iter() {
        let Prediction { rank, score, probability, positive, record } =
            prediction.map_err(io::Error::other)?;
        let numbers = [score.to_string(), probability.to_string(), positive.to_string()];
        let [rank, id] = [rank.to_string(), record.id.to_string()];
        let shown = [&record.label, &record.text].map(|cell| cell.clone().unwrap_or_default());
        let fixed = [rank, id].into_iter().chain(numbers).chain(shown);
        let metadata =
            columns.iter().map(|column| record.metadata.get(column).cloned().unwrap_or_default());
        writer.write_record(fixed.chain(metadata))?;
    }
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_quotes_what_it_must_and_keeps_every_column() {
        let mut out = Vec::new();
        write(&super::super::tests::predictions(), &mut out).unwrap();
        let mut lines = String::from_utf8(out).unwrap();
        lines.retain(|c| c != '\r');
        insta::assert_snapshot!(lines, @r#"
        rank,id,score,probability,positive,label,text,_rank,year
        1,a,2,0.880797,true,,é,,
        2,"a,""1""",2,0.880797,true,,"two
        lines",dean,
        3,b,-1.5,0.18242553,false,,,,2020
        "#);
    }
}
