//! What may stand on the command line, and what it says about itself.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use linprobe::{
    Engine, Method, PredictionsForm, Resizing, Shard, SourceKind, SourceOptions, Strategy,
    ThresholdPolicy, VectorDatabase,
    laboratory::{Oracle, Player},
};

use crate::choices;

/// The variable that names the project's folder.
pub(crate) const PROJECT_VARIABLE: &str = "LINPROBE_PROJECT_DIR";

/// How a program plays the person.
const ROUNDS_IN_JSON: &str = "With --json, rounds are printed and answers are read from standard input, an object a \
    line: {\"id\": \"7\", \"label\": 0.5}, {\"id\": \"7\", \"skip\": true}, {\"undo\": true}, or {\"fit\": true} for a \
    fit and the next round.";

/// The same where records are judged.
const AUDITS_IN_JSON: &str = "With --json, records are printed and judgements are read from standard input, an object a \
    line: {\"id\": \"7\", \"label\": 1}, {\"id\": \"7\", \"skip\": true} or {\"undo\": true}.";

/// Under what the help lists the options that every command takes.
const OF_EVERY_COMMAND: &str = "Options of every command";

/// Records to a round, and those that a search shows.
const TEN: NonZeroUsize = NonZeroUsize::new(10).expect("10 is not 0");

/// Finds the records that you mean in a dataset, and learns a classifier of them from a few labels.
///
/// A dataset of texts, pictures or vectors is embedded with a pretrained model and ranked by a phrase or an
/// example. You are shown the records that teach most, score them from -1 to +1, and are asked again after a
/// fit of milliseconds. What was learned is a linear classifier, which scores any other dataset and leaves as
/// a file.
///
/// Start with "linprobe demo". With data of your own: "init", "index", "label", "audit", "predict".
#[derive(Parser)]
#[command(
    name = "linprobe",
    version,
    after_help = "Exit codes: 0 done, 1 failed, 2 the command line is wrong, 3 done but some \
        records were skipped (index, predict), the check found damage (inspect) or labels \
        contradict each other (session conflicts)."
)]
pub(crate) struct Cli {
    /// The project's folder.
    #[arg(
        short, long, global = true, env = PROJECT_VARIABLE, default_value = ".",
        help_heading = OF_EVERY_COMMAND
    )]
    pub(crate) project: PathBuf,
    /// Prints JSON for scripts, one object a line.
    #[arg(long, global = true, help_heading = OF_EVERY_COMMAND)]
    pub(crate) json: bool,
    /// What runs the model: what is built in (bf16: with numbers of half the width), ONNX Runtime (cuda: on
    /// an Nvidia GPU) or OpenVINO, where they are installed. auto takes what is built in where that knows the
    /// model, else ONNX Runtime.
    #[arg(
        long, global = true, env = "LINPROBE_ENGINE", default_value_t,
        value_parser = choices::engines(), help_heading = OF_EVERY_COMMAND
    )]
    pub(crate) engine: Engine,
    /// Whose resized pixels a model of pictures is given: of Pillow, over which most were trained, or of torchvision,
    /// as transformers does where it is installed. A project goes on as it began.
    #[arg(
        long, global = true, env = "LINPROBE_RESIZE", default_value_t,
        value_parser = choices::resizings(), help_heading = OF_EVERY_COMMAND
    )]
    pub(crate) resize: Resizing,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Makes a project in a folder.
    Init(InitArgs),
    /// Embeds a dataset; run again, it goes on where it was and takes what is new.
    Index(IndexArgs),
    /// Ranks the records for a phrase, an example or a classifier.
    Search(SearchArgs),
    /// Shows records and takes your scores, round by round.
    #[command(after_help = ROUNDS_IN_JSON)]
    Label(LabelArgs),
    /// Measures precision and recall of a session's classifier on records drawn at random.
    #[command(after_help = AUDITS_IN_JSON)]
    Audit(AuditArgs),
    /// Lists, shows, exports and imports sessions, and finds labels that contradict each other.
    #[command(subcommand)]
    Session(SessionCommand),
    /// Plays the loop over a dataset whose classes are known, and compares how fast it learns.
    Simulate(SimulateArgs),
    /// Scores the project's records, or another dataset, with a classifier.
    Predict(PredictArgs),
    /// Exports, imports, lists and shows classifiers.
    #[command(subcommand)]
    Classifier(ClassifierCommand),
    /// Lists the models that are here, shows what one is, and checks that it is whole.
    #[command(subcommand)]
    Model(ModelCommand),
    /// Opens the page: labelling, results and audits in the browser, and the HTTP API.
    Serve(ServeArgs),
    /// Shows counts, norms and disk space of a project; with --check, whether it is whole.
    Inspect(InspectArgs),
    /// Looks for the mistakes that real indexes have, and says what mends them.
    Doctor(DoctorArgs),
    /// Lists groups of records that are nearly the same, and lets sessions show one of each.
    Duplicates(DuplicatesArgs),
    /// Copies vectors from one store to another, and compares what has arrived.
    Copy(CopyArgs),
    /// Gives back the disk space of what was replaced or removed.
    Compact(CompactArgs),
    /// Finds astronomy among Debian's packages: the whole loop on a dataset that comes along.
    Demo(DemoArgs),
    /// Prints what a shell reads to complete the command by the tab key.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Writes a manual page for each command to a folder.
    #[command(hide = true)]
    Man {
        /// The folder; made if it is not there.
        folder: PathBuf,
    },
}

#[derive(Args)]
pub(crate) struct InitArgs {
    /// The folder; made if it is not there. [default: the --project folder]
    pub(crate) folder: Option<PathBuf>,
    /// The model to embed with: "builtin", a folder or .onnx file, a name on the hub, or a
    /// server's address with #model behind it. [default: chosen by the first dataset]
    #[arg(long)]
    pub(crate) model: Option<String>,
    #[expect(clippy::doc_markdown, reason = "the help shows it as it stands")]
    /// Vectors that are in a database already, to be asked and never written:
    /// "postgres://user@host/database?table=schema.name", "qdrant://host/collection", "pinecone://host"
    /// or "milvus://host/collection". They are those of --model; without a model no phrase can be
    /// searched for. A password or a key comes from PGPASSWORD, QDRANT_API_KEY, PINECONE_API_KEY or
    /// MILVUS_TOKEN.
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
}

#[derive(Args)]
pub(crate) struct IndexArgs {
    #[expect(clippy::doc_markdown, reason = "the help shows it as it stands")]
    /// A folder of pictures or videos; a .csv, .tsv, .jsonl, .json or .txt file; .parquet or .arrow files;
    /// .tar files of samples, such as "shard-{000..041}.tar"; a .npy, .npz or .safetensors file of
    /// vectors. Of many files, their folder. Or a dataset on the Hugging Face hub, such as
    /// "frgfm/imagenette", which may have "@" and a branch behind it. Or the web address of a file, or a
    /// file or prefix of a bucket: "s3://bucket/prefix/", "gs://bucket/file.csv".
    pub(crate) dataset: PathBuf,
    /// The model to embed with: "builtin", a folder or .onnx file, a name on the hub, or a
    /// server's address with #model behind it. [default: the project's; for texts the one built in]
    #[arg(long)]
    pub(crate) model: Option<String>,
    #[command(flatten)]
    pub(crate) columns: ColumnArgs,
    /// Records that are prepared and embedded together; of short texts, up to sixteen times as many.
    #[arg(long)]
    pub(crate) batch_size: Option<NonZeroUsize>,
    /// Removes the records that the dataset no longer has, once all of it is read; those that a
    /// session has shown stay.
    #[arg(long)]
    pub(crate) prune: bool,
    /// Keeps an int8 copy of the vectors from now on, which makes searches of a million records
    /// and more faster; it takes half as much disk again.
    #[arg(long, conflicts_with = "store")]
    pub(crate) int8: bool,
    #[expect(clippy::doc_markdown, reason = "the help shows it as it stands")]
    /// A table or collection that the vectors are written to in place of the project's folder; made if
    /// it is not there: "postgres://user@host/database?table=schema.name", "qdrant://host/collection"
    /// and so on.
    #[arg(long, value_name = "URL", requires = "write")]
    pub(crate) store: Option<String>,
    /// Allows to write to the store of --store, or to that of a project over one: else it is only asked.
    #[arg(long)]
    pub(crate) write: bool,
    /// Indexes one share of the dataset, the first to the N-th, where several machines index it together.
    /// The id of a record tells which share it is in.
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
}

/// How a dataset is read.
#[derive(Args)]
pub(crate) struct ColumnArgs {
    /// What the dataset is: images, csv, tsv, jsonl, json, lines, npy, npz, safetensors, parquet
    /// (Arrow and Feather, too), webdataset, clip-retrieval or video. [default: told by its name]
    #[arg(long)]
    pub(crate) kind: Option<SourceKind>,
    /// The column of ids. [default: found by name, else the row number]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) id: Option<String>,
    /// The column of texts. [default: found by name]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) text: Option<String>,
    /// The column of class labels. [default: found by name]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) label: Option<String>,
    /// The columns to keep as metadata, comma separated. [default: all others]
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub(crate) metadata: Option<Vec<String>>,
    /// A file of ids for a file of vectors. [default: found beside it]
    #[arg(long, value_name = "FILE")]
    pub(crate) ids: Option<PathBuf>,
    /// A file of texts for a file of vectors. [default: found beside it]
    #[arg(long, value_name = "FILE")]
    pub(crate) texts: Option<PathBuf>,
    /// A file of class labels for a file of vectors. [default: found beside it]
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: Option<PathBuf>,
    /// The name of the vectors in an .npz or .safetensors file.
    #[arg(long, value_name = "NAME")]
    pub(crate) tensor: Option<String>,
    /// The split to read, of files whose names or folders tell it, such as train. [default: all]
    #[arg(long, value_name = "NAME")]
    pub(crate) split: Option<String>,
    /// The configuration of a dataset on the hub that has several.
    #[arg(long, value_name = "NAME")]
    pub(crate) config: Option<String>,
    /// The branch, tag or commit of a dataset on the hub. [default: main]
    #[arg(long, value_name = "NAME")]
    pub(crate) revision: Option<String>,
    /// Of videos, the time between the frames that are read; ffmpeg reads them. [default: 1]
    #[arg(long, value_name = "SECONDS", value_parser = choices::seconds)]
    pub(crate) every: Option<Duration>,
}

/// What to look for.
#[derive(Args)]
pub(crate) struct StartArgs {
    /// What to look for, in words; several phrases are averaged.
    #[arg(value_name = "PHRASE")]
    pub(crate) phrases: Vec<String>,
    /// What it is not, in words.
    #[arg(long = "not", value_name = "PHRASE")]
    pub(crate) negative_phrases: Vec<String>,
    /// A record or file that is an example of it.
    #[arg(long, value_name = "ID|FILE")]
    pub(crate) like: Vec<String>,
    /// A record or file that is a counterexample.
    #[arg(long, value_name = "ID|FILE")]
    pub(crate) unlike: Vec<String>,
    /// A vector to start from: the first row of a .npy, .npz or .safetensors file, or row N of it.
    #[arg(long, value_name = "FILE[:N]")]
    pub(crate) vector: Option<String>,
    /// A classifier to start from: a file, of many classes with one of them behind a colon, a session
    /// or an imported one.
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) classifier: Option<String>,
}

/// Which records are meant.
#[derive(Args)]
pub(crate) struct WhereArgs {
    /// Looks at some records only, as in "split = 'train' and year > 2020": columns of the dataset, id,
    /// label and text with =, !=, <, <=, >, >=, in (...), like 'a%', contains, is null, and, or, not.
    #[arg(long = "where", value_name = "FILTER")]
    pub(crate) filter: Option<String>,
}

#[derive(Args)]
pub(crate) struct SearchArgs {
    #[command(flatten)]
    pub(crate) start: StartArgs,
    #[command(flatten)]
    pub(crate) only: WhereArgs,
    /// How many records.
    #[arg(short = 'k', long, default_value_t = TEN)]
    pub(crate) top_k: NonZeroUsize,
}

#[derive(Args)]
pub(crate) struct LabelArgs {
    #[command(flatten)]
    pub(crate) start: StartArgs,
    #[command(flatten)]
    pub(crate) only: WhereArgs,
    /// The session's name: a new one, or one to go on with. [default: made from the phrase; without
    /// a phrase the session that was used last]
    #[arg(short, long, value_name = "NAME")]
    pub(crate) session: Option<String>,
    /// Records to a round.
    #[arg(short = 'k', long, default_value_t = TEN)]
    pub(crate) round_size: NonZeroUsize,
    /// What a round shows.
    #[arg(long, default_value_t, value_parser = choices::strategies())]
    pub(crate) strategy: Strategy,
    /// Opens the session in the browser.
    #[arg(long)]
    pub(crate) web: bool,
    #[command(flatten)]
    pub(crate) method: MethodArgs,
}

/// How the classifier is fitted.
#[derive(Args)]
pub(crate) struct MethodArgs {
    /// How a new session fits its classifier. All but the default are there to compare with.
    #[arg(long, default_value_t, value_parser = choices::methods())]
    pub(crate) method: Method,
    /// The learning rate of the method "article".
    #[arg(long, default_value_t = 0.2, value_name = "RATE")]
    pub(crate) learning_rate: f64,
    /// The iterations of the method "article".
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub(crate) iterations: u32,
}

#[derive(Args)]
pub(crate) struct AuditArgs {
    /// The session. [default: the one that was used last]
    pub(crate) session: Option<String>,
    /// Records to judge. An audit that is not finished goes on with those that it has drawn.
    #[arg(long, default_value_t = 100)]
    pub(crate) budget: usize,
    /// The decisions to measure: f1, precision>=P, recall>=R, count=K, score=S.
    #[arg(long, default_value = "score=0", value_name = "POLICY", allow_hyphen_values = true)]
    pub(crate) threshold: ThresholdPolicy,
    /// Decides which records are drawn.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Reports what was judged so far, and draws nothing.
    #[arg(long)]
    pub(crate) report: bool,
    /// Lets the classifier learn from the judgements afterwards; they measure nothing any more.
    #[arg(long)]
    pub(crate) learn: bool,
}

#[derive(Subcommand)]
pub(crate) enum SessionCommand {
    /// Lists the sessions of the project.
    List,
    /// Shows the labels and rounds of a session.
    Show {
        /// The session.
        name: String,
    },
    /// Shows every event of a session, as lines of JSON: a log that "import --format log" takes up.
    Log {
        /// The session.
        name: String,
    },
    /// Writes the labels of a session, or its log, to a file.
    Export {
        /// The session.
        name: String,
        /// The file.
        file: PathBuf,
        /// Its form. [default: by its ending, .csv, .jsonl or .parquet]
        #[arg(long, value_enum)]
        format: Option<LabelsFormat>,
    },
    /// Takes the labels of a file into a session, and fits; or takes up a log as a new session.
    Import {
        /// The session; a new one for a log.
        name: String,
        /// The file, with ids of the project's records.
        file: PathBuf,
        /// Its form. [default: by its ending, .csv, .jsonl or .parquet]
        #[arg(long, value_enum)]
        format: Option<LabelsFormat>,
    },
    /// Lists labels that contradict each other: of nearly equal records within a session, and of
    /// records that are relevant in several sessions whose concepts exclude each other.
    Conflicts {
        /// The sessions.
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Lets a session show again what it has shown; its labels stay.
    ResetSeen {
        /// The session.
        name: String,
    },
}

/// The form of a file of labels.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LabelsFormat {
    /// Comma separated values.
    Csv,
    /// JSON objects, one a line.
    Jsonl,
    /// A table in Parquet.
    Parquet,
    /// Lines of Prodigy.
    Prodigy,
    /// Tasks of Label Studio.
    LabelStudio,
    /// Labels of a dataset of pictures in Voxel51's tool.
    #[value(name = "fiftyone")]
    FiftyOne,
    /// Every event of the session, one a line: the whole session, in place of its labels.
    Log,
}

#[derive(Args)]
pub(crate) struct SimulateArgs {
    /// A class to find: a value of the dataset's label column; may be given again.
    #[arg(long, value_name = "LABEL", required_unless_present = "all_labels")]
    pub(crate) positive: Vec<String>,
    /// Finds every class of enough records, each by itself.
    #[arg(long, conflicts_with = "positive")]
    pub(crate) all_labels: bool,
    #[command(flatten)]
    pub(crate) only: WhereArgs,
    /// How many records are enough for --all-labels.
    #[arg(long, default_value_t = 25, value_name = "N")]
    pub(crate) min_records: u64,
    /// What sessions start from. [default: the class's own name]
    #[command(flatten)]
    pub(crate) start: StartArgs,
    /// Where sessions start: "name" for the class's own, "examples:N" for N of its records,
    /// "head:FILE" for a classifier, or a phrase; may be given again.
    #[arg(long = "start", value_name = "START")]
    pub(crate) starts: Vec<String>,
    /// Who plays: linprobe, a baseline such as article or seesaw, or METHOD+STRATEGY such as
    /// rocchio+boundary; may be given again. [default: linprobe, article, random, no-feedback]
    #[arg(long = "player", value_name = "NAME", conflicts_with = "all_players")]
    pub(crate) players: Vec<Player>,
    /// Lets every baseline play.
    #[arg(long)]
    pub(crate) all_players: bool,
    /// Who answers: exact, graded (0 for --related), or noisy:P, wrong with probability P; may be
    /// given again.
    #[arg(long = "oracle", value_name = "ORACLE", default_value = "exact")]
    pub(crate) oracles: Vec<Oracle>,
    /// A class of which the graded oracle says 0; may be given again.
    #[arg(long, value_name = "LABEL")]
    pub(crate) related: Vec<String>,
    /// Records to a round.
    #[arg(short = 'k', long, default_value_t = TEN)]
    pub(crate) round_size: NonZeroUsize,
    /// Rounds.
    #[arg(long, default_value_t = 10)]
    pub(crate) rounds: usize,
    /// The first seed of the split and the random order.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// How many seeds, each with a split of its own.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) seeds: u64,
    /// Writes the curves, a row for each point: to a .csv, which a run that was cut short goes on
    /// with, one for each --where, or to a .parquet.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Writes a page with figures and tables.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct PredictArgs {
    /// Another dataset. [default: the project's records]
    pub(crate) dataset: Option<PathBuf>,
    /// The classifier: a session, an imported one or a file, of many classes with one of them behind
    /// a colon. Several, or all classes of a file, score the project's records in one pass, and the
    /// output has a column for each.
    #[arg(short, long, value_name = "NAME|FILE", required = true)]
    pub(crate) classifier: Vec<String>,
    /// Writes ids and scores alone, in the order of the store: in little memory, however many
    /// records there are. Always so with several classifiers; the output is Parquet.
    #[arg(long, conflicts_with_all = ["dataset", "threshold", "positive_only"])]
    pub(crate) unranked: bool,
    /// What counts as positive: f1, precision>=P, recall>=R, count=K, or a lowest score.
    /// [default: the classifier's own threshold]
    #[arg(long, value_name = "POLICY", allow_hyphen_values = true)]
    pub(crate) threshold: Option<ThresholdPolicy>,
    /// The form of the output. [default: by the ending of --output, else a table]
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// The file to write; an .html is a page to look at. [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Keeps the records that count as positive only.
    #[arg(long)]
    pub(crate) positive_only: bool,
    /// Writes the scores to a column of the table that the project asks, which has to be there, or to a
    /// field of its collection. Without --write, only shows what would be written.
    #[arg(
        long, value_name = "COLUMN",
        conflicts_with_all = ["dataset", "unranked", "threshold", "format", "output", "positive_only"]
    )]
    pub(crate) to_column: Option<String>,
    /// Writes to what --to-column names, which is only asked else.
    #[arg(long, requires = "to_column")]
    pub(crate) write: bool,
    #[command(flatten)]
    pub(crate) only: WhereArgs,
    #[command(flatten)]
    pub(crate) sort: SortArgs,
    #[command(flatten)]
    pub(crate) columns: ColumnArgs,
}

/// Pictures in folders, by decision.
#[derive(Args)]
#[group(skip)]
pub(crate) struct SortArgs {
    /// Copies the pictures into DIR/relevant and DIR/irrelevant. What is there is never written
    /// over; run again, it goes on.
    #[arg(long, value_name = "DIR", group = "sorts", conflicts_with = "unranked")]
    pub(crate) copy_to: Option<PathBuf>,
    /// The same with symbolic links to the files of the dataset.
    #[arg(long, value_name = "DIR", group = "sorts", conflicts_with = "unranked")]
    pub(crate) link_to: Option<PathBuf>,
    /// Says what would be copied or linked, and writes nothing.
    #[arg(long, requires = "sorts")]
    pub(crate) dry_run: bool,
}

/// A form that predictions are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Csv,
    Jsonl,
    Parquet,
}

impl Format {
    /// The form for programs; none for the table, which is for people.
    pub(crate) fn form(self) -> Option<PredictionsForm> {
        match self {
            Self::Table => None,
            Self::Csv => Some(PredictionsForm::Csv),
            Self::Jsonl => Some(PredictionsForm::Jsonl),
            Self::Parquet => Some(PredictionsForm::Parquet),
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum ClassifierCommand {
    /// Lists the project's classifiers.
    List,
    /// Writes a classifier to a file that other tools read, with a page about it, or as a query.
    Export(ExportArgs),
    /// Writes many classifiers to one file, a class each: a linear layer that scores all in one product.
    Head(HeadArgs),
    /// Takes a classifier file into the project; nothing in a file is run.
    Import {
        /// The file: what "export" writes in any form, or a linear layer of another tool in
        /// safetensors, in an .npz with scikit-learn's coef_ and intercept_, or from torch.save.
        file: PathBuf,
        /// Which class of a layer of many: its name, or its number from 0.
        #[arg(long, value_name = "NAME|INDEX")]
        class: Option<String>,
        /// Its name in the project. [default: the one on its card, else the file's]
        #[arg(long)]
        name: Option<String>,
    },
    /// Shows what a classifier is.
    Show {
        /// A session, an imported classifier or a file. Of a file of many classes all are listed, or
        /// one is shown that stands behind a colon.
        name: String,
    },
}

#[derive(Args)]
pub(crate) struct ExportArgs {
    /// A session, or an imported classifier.
    pub(crate) name: String,
    /// The file, whose ending names its form: .safetensors, .json, .onnx for ONNX Runtime, .npz for
    /// NumPy, .pt for PyTorch. A folder, as "hub/", gets the classifier and its page for a hub of
    /// models.
    #[arg(required_unless_present = "query")]
    pub(crate) file: Option<PathBuf>,
    /// The threshold on its card: f1, precision>=P, recall>=R, count=K, or a lowest score.
    /// [default: the classifier's own]
    #[arg(long, value_name = "POLICY", allow_hyphen_values = true)]
    pub(crate) threshold: Option<ThresholdPolicy>,
    /// Puts the encoder of its embeddings in front, in ONNX: token ids or pixels go in, as the model's
    /// own tokenizer or image processor makes them.
    #[arg(long, value_enum, value_name = "INPUT", conflicts_with = "query")]
    pub(crate) with_encoder: Option<EncoderInput>,
    /// Writes a page about it, too, in Markdown, and a plot beside it in SVG.
    #[arg(long, value_name = "FILE.md")]
    pub(crate) card: Option<PathBuf>,
    /// Writes a query that finds what it takes as relevant, in place of the classifier: to the file,
    /// or to standard output.
    #[arg(long, value_name = "DATABASE", value_parser = choices::databases(), conflicts_with = "card")]
    pub(crate) query: Option<VectorDatabase>,
}

/// What goes into an encoder.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum EncoderInput {
    /// Token ids of texts.
    Texts,
    /// Pixels of pictures.
    Pictures,
}

#[derive(Args)]
pub(crate) struct HeadArgs {
    /// The file, whose ending names its form: .safetensors, .json, .onnx, .npz or .pt.
    pub(crate) file: PathBuf,
    /// The classes in their order, each a session, an imported classifier or a file, of many classes
    /// with one behind a colon. CLASS=CLASSIFIER calls the class otherwise than the classifier.
    #[arg(required = true, value_name = "[CLASS=]CLASSIFIER")]
    pub(crate) classifiers: Vec<String>,
    /// A head of which the classes that are named are replaced. All other rows stay as they are, to
    /// the bit.
    #[arg(long, value_name = "FILE")]
    pub(crate) of: Option<PathBuf>,
    /// The threshold of each class that is named: f1, precision>=P, recall>=R, count=K, or a lowest
    /// score. [default: each classifier's own]
    #[arg(long, value_name = "POLICY", allow_hyphen_values = true)]
    pub(crate) threshold: Option<ThresholdPolicy>,
}

#[derive(Subcommand)]
pub(crate) enum ModelCommand {
    /// Lists the model inside the program and those in the hub's cache.
    List,
    /// Shows architecture, dimension, size, digest and place of a model.
    Show {
        /// "builtin", a folder or .onnx file, a server's address, or a name on the hub, which is
        /// fetched when it is not here.
        name: String,
    },
    /// Verifies the checksums of a model's files and tries it out.
    Check {
        /// "builtin", a folder or .onnx file, a server's address, or a name on the hub, which is
        /// fetched when it is not here.
        name: String,
    },
}

#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// A dataset, to look at before it is indexed. [default: what the project has indexed]
    pub(crate) dataset: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) columns: ColumnArgs,
}

#[derive(Args)]
pub(crate) struct DuplicatesArgs {
    /// The cosine from which two records are nearly the same.
    #[arg(long, default_value_t = 0.98, value_name = "COSINE")]
    pub(crate) cosine: f32,
    /// Also takes pictures together that look the same when they are very small: copies of other
    /// sizes and qualities. Reads every picture.
    #[arg(long)]
    pub(crate) pictures: bool,
    /// Lets sessions show one record of each group from now on.
    #[arg(long, conflicts_with = "forget")]
    pub(crate) label_once: bool,
    /// Lets sessions show every record again.
    #[arg(long)]
    pub(crate) forget: bool,
}

#[derive(Args)]
pub(crate) struct InspectArgs {
    /// Reads everything and verifies every promise of the formats.
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Args)]
pub(crate) struct CopyArgs {
    #[expect(clippy::doc_markdown, reason = "the help shows it as it stands")]
    /// A project, a folder with a store, or the address of a table or collection, such as
    /// "postgres://user@host/database?table=schema.name" or "qdrant://host/collection".
    pub(crate) from: String,
    /// A folder for a store, or such an address, where the table or collection is made if it is not
    /// there. Points that are there already, the same, are passed over, so a run that was stopped goes
    /// on.
    pub(crate) to: String,
}

#[derive(Args)]
pub(crate) struct CompactArgs {
    /// Gives up vectors that are damaged; indexing again embeds their records again.
    #[arg(long)]
    pub(crate) give_up_damaged: bool,
}

#[derive(Args)]
pub(crate) struct ServeArgs {
    /// Projects, or folders of projects, in which new ones can be made. [default: the --project
    /// folder]
    pub(crate) projects: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) at: AddressArgs,
    /// The token to ask for. Any address but this machine's own needs one: without this option, it is
    /// made and printed.
    #[arg(long, env = "LINPROBE_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// A further name by which the server may be asked; may be given again.
    #[arg(long = "allow-host", value_name = "NAME")]
    pub(crate) allowed_hosts: Vec<String>,
    /// A folder that datasets may be indexed from; may be given again. [default: none]
    #[arg(long = "data-root", value_name = "FOLDER")]
    pub(crate) data_roots: Vec<PathBuf>,
    /// Minutes without an answer after which others get the records that somebody has left open.
    #[arg(long, value_name = "MINUTES", default_value_t = 30)]
    pub(crate) patience: u32,
}

/// Where the page is.
#[derive(Args)]
pub(crate) struct AddressArgs {
    /// The address to serve at.
    #[arg(long, env = "LINPROBE_HOST", default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// The port; 0 for any that is free.
    #[arg(long, env = "LINPROBE_PORT", default_value_t = 7575)]
    pub(crate) port: u16,
    /// Opens the page in the browser.
    #[arg(long)]
    pub(crate) open: bool,
}

#[derive(Args)]
pub(crate) struct DemoArgs {
    /// Opens the page with the demo's project, to label in the browser.
    #[arg(long, conflicts_with = "simulate")]
    pub(crate) web: bool,
    /// Lets the packages' own classes play the user, as it does without a terminal.
    #[arg(long)]
    pub(crate) simulate: bool,
    /// The demo's project. [default: linprobe-demo in the folder for temporary files]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
}

impl ColumnArgs {
    /// The same, as the library takes it.
    pub(crate) fn source_options(&self) -> SourceOptions {
        let Self { kind, id, text, label, metadata, ids, texts, labels, tensor, .. } = self;
        SourceOptions {
            kind: *kind,
            id: id.clone(),
            text: text.clone(),
            label: label.clone(),
            metadata: metadata.clone(),
            texts: texts.clone(),
            ids: ids.clone(),
            labels: labels.clone(),
            tensor: tensor.clone(),
            split: self.split.clone(),
            config: self.config.clone(),
            revision: self.revision.clone(),
            every: self.every,
            ..SourceOptions::default()
        }
    }
}

impl LabelArgs {
    /// What `linprobe label PHRASE` alone means.
    pub(crate) fn for_session(phrase: &str) -> Self {
        let words = ["label", phrase];
        LabelOnly::parse_from(words).args
    }
}

/// The command line of `label` by itself, for its defaults.
#[derive(Parser)]
struct LabelOnly {
    #[command(flatten)]
    args: LabelArgs,
}
