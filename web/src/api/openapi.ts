export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description What to do next, and why. */
        Advice: {
            reasons: string[];
            verdict: components["schemas"]["Verdict"];
        };
        /** @description Records that both, or one of them, rank among the highest. */
        Agreement: {
            both: number;
            only_a: number;
            only_b: number;
        };
        /** @description What has come of an answer. */
        AnswerDone: {
            id: string;
            problem?: components["schemas"]["Problem"] | null;
            request: string;
            status: components["schemas"]["AnswerStatus"];
        };
        /**
         * @description What has come of an answer.
         * @enum {string}
         */
        AnswerStatus: "recorded" | "repeated" | "refused";
        /** @description What has come of answers. */
        AnswersDone: {
            answers: components["schemas"]["AnswerDone"][];
            /** Format: int64 */
            n_labels: number;
            /** Format: int64 */
            n_positive: number;
            /**
             * Format: int64
             * @description Events so far.
             */
            version: number;
        };
        /** @description What audits say of the last classifier's decisions. Intervals hold the truth in nine of ten audits. */
        AuditReport: {
            /** @description `drawn` for this classifier, or `reweighted` from an earlier one. */
            basis: string;
            estimated: boolean;
            f1: components["schemas"]["Interval"];
            /** Format: int64 */
            n_above: number;
            /** Format: int64 */
            n_judged: number;
            /**
             * Format: int64
             * @description Records that are labelled: they are known, and not drawn.
             */
            n_known: number;
            /** Format: int64 */
            n_points: number;
            /** @description Relevant records in the whole project. */
            n_relevant: components["schemas"]["Interval"];
            precision: components["schemas"]["Interval"];
            recall: components["schemas"]["Interval"];
            /** Format: float */
            threshold: number;
        };
        /** @description An audit and what it says. */
        AuditState: {
            n_answered: number;
            n_total: number;
            /** @description Whether there are records to judge. */
            open: boolean;
            /** @description In the random order in which they are to be judged. */
            records: components["schemas"]["AuditedRecord"][];
            report?: components["schemas"]["AuditReport"] | null;
        };
        /** @description A record to judge. Neither its score nor why it was drawn is told. */
        AuditedRecord: {
            answer?: components["schemas"]["GivenAnswer"] | null;
            record: components["schemas"]["Record"];
        };
        /**
         * @description How numbers were obtained.
         * @enum {string}
         */
        Basis: "expected" | "audited";
        /** @description A new session with what had happened up to the end of a round. */
        Branch: {
            /** @description Made from that of the old one, when not given. */
            name?: string | null;
            /**
             * Format: int32
             * @description 0 for the start.
             */
            round: number;
        };
        /** @description Precision, recall and F1 of a threshold. */
        ChosenThreshold: {
            basis: components["schemas"]["Basis"];
            f1: components["schemas"]["Interval"];
            /** Format: int64 */
            n_above: number;
            precision: components["schemas"]["Interval"];
            recall: components["schemas"]["Interval"];
            /** Format: float */
            score: number;
        };
        /** @description A classifier. */
        Classifier: {
            /** @description The model that it was made with, where it says so. */
            model?: string | null;
            name: string;
            source: components["schemas"]["Origin"];
            /** Format: float */
            threshold: number;
        };
        /** @description The classifiers of a project. */
        Classifiers: {
            classifiers: components["schemas"]["Classifier"][];
        };
        /** @description Two classifiers side by side. */
        Comparison: {
            a: components["schemas"]["Side"];
            agreement: components["schemas"]["Agreement"];
            b: components["schemas"]["Side"];
            /**
             * Format: double
             * @description The cosine of the weights.
             */
            cosine: number;
            /** @description The records that either ranks highest, the one that has moved furthest first. */
            moved: components["schemas"]["Moved"][];
        };
        /** @description A class of the dataset. */
        DatasetLabel: {
            /** Format: int64 */
            n_records: number;
            name: string;
        };
        /** @description A label that the others speak against. */
        Doubtful: {
            /** Format: float */
            label: number;
            /** @description In words. */
            reason: string;
            record: components["schemas"]["Record"];
            /**
             * Format: double
             * @description What a classifier that was fitted without it makes of the record, a logit; 0 where a record
             *     that is nearly the same has the opposite label.
             */
            score_without: number;
        };
        /** @description What was said of a record: a label, or that it was passed over. */
        GivenAnswer: {
            /**
             * Format: float
             * @description From -1, irrelevant, to 1, relevant.
             */
            label?: number | null;
            /** @description True where it was passed over. */
            skipped?: boolean | null;
        };
        /** @description What the server is. */
        Health: {
            /** @description Its version. */
            version: string;
        };
        /** @description Scores in bins of equal width. */
        Histogram: {
            counts: number[];
            /** Format: float */
            high: number;
            /** Format: float */
            low: number;
        };
        /** @description All rounds of a session. */
        History: {
            rounds: components["schemas"]["PastRound"][];
        };
        /** @description A record that was found. */
        Hit: {
            record: components["schemas"]["Record"];
            /**
             * Format: float
             * @description A cosine, or a classifier's logit.
             */
            score: number;
        };
        /** @description What was found. */
        Hits: {
            hits: components["schemas"]["Hit"][];
        };
        /** @description What a session has come to. */
        Insight: {
            advice: components["schemas"]["Advice"];
            basis: components["schemas"]["Basis"];
            doubtful: components["schemas"]["Doubtful"][];
            /** @description Whether counts come from a sample. */
            estimated: boolean;
            f1?: components["schemas"]["Interval"] | null;
            /** Format: double */
            fit_ms: number;
            histogram: components["schemas"]["Histogram"];
            landmarks: components["schemas"]["Landmark"][];
            /** Format: int64 */
            n_above: number;
            n_expected_left: components["schemas"]["Interval"];
            /** Format: int64 */
            n_labels: number;
            /** Format: int64 */
            n_points: number;
            /** Format: int64 */
            n_positive_found: number;
            precision?: components["schemas"]["Interval"] | null;
            recall?: components["schemas"]["Interval"] | null;
            rounds: components["schemas"]["RoundReport"][];
            /** Format: float */
            threshold: number;
            /** @description About 60, over the range of the histogram, as expected. */
            thresholds: components["schemas"]["ThresholdRow"][];
            trajectory: components["schemas"]["Step"][];
            /**
             * Format: int64
             * @description Events so far.
             */
            version: number;
        };
        /** @description A number, and where the truth may lie. */
        Interval: {
            /** Format: double */
            estimate: number;
            /** Format: double */
            high: number;
            /** Format: double */
            low: number;
        };
        /** @description An index job. */
        Job: {
            id: string;
            /**
             * Format: int64
             * @description Records dealt with, one way or another.
             */
            n_done: number;
            /** Format: int64 */
            n_embedded: number;
            /**
             * Format: int64
             * @description Records that were removed since the dataset has them no longer.
             */
            n_pruned: number;
            /** Format: int64 */
            n_skipped: number;
            /**
             * Format: int64
             * @description Where that is known.
             */
            n_total?: number | null;
            /** @description What a person should know of the dataset that concerns no skipped record. */
            notes?: string[];
            problem?: components["schemas"]["Problem"] | null;
            /** Format: double */
            records_per_second: number;
            source: string;
            state: components["schemas"]["JobState"];
        };
        /** @description All jobs since the server started. */
        JobList: {
            jobs: components["schemas"]["Job"][];
        };
        /**
         * @description How a job is.
         * @enum {string}
         */
        JobState: "running" | "done" | "failed" | "cancelled";
        /** @description Where a labelled record lies in the same plane. */
        Landmark: {
            id: string;
            /** Format: float */
            label: number;
            /** Format: double */
            x: number;
            /** Format: double */
            y: number;
        };
        /** @description The token that the server printed. */
        Login: {
            token: string;
        };
        /** @description The model of a project. */
        Model: {
            dimension: number;
            name: string;
            takes_images: boolean;
            takes_text: boolean;
        };
        /** @description Where two classifiers put a record. */
        Moved: {
            /** @description From 1; null where it is not among the highest. */
            rank_a?: number | null;
            rank_b?: number | null;
            record: components["schemas"]["Record"];
            /** Format: float */
            score_a: number;
            /** Format: float */
            score_b: number;
        };
        /** @description What somebody says of a record: a label, or nothing. */
        NewAnswer: {
            /** @description The record. */
            id: string;
            /**
             * Format: float
             * @description From -1, irrelevant, to 1, relevant.
             */
            label?: number | null;
            /** @description A name that the client makes, such as a UUID: the same one again changes nothing. */
            request: string;
            /** @description True to pass it over. */
            skip?: boolean | null;
        };
        /** @description What somebody says of records. */
        NewAnswers: {
            /** @description Who labels. */
            annotator?: string | null;
            answers: components["schemas"]["NewAnswer"][];
        };
        /** @description An audit to draw. */
        NewAudit: {
            /** @description How many records to judge; 100 when not given. */
            budget?: number | null;
            policy?: components["schemas"]["PolicyName"] | null;
            /** Format: double */
            value?: number | null;
        };
        /** @description A dataset to index. */
        NewJob: {
            id_column?: string | null;
            label_column?: string | null;
            /** @description The model to embed with; the project's, or one for the kind of dataset, when not given. */
            model?: string | null;
            /**
             * @description Removes the records that the dataset no longer has, once all of it is read; those that a session
             *     has shown stay.
             */
            prune?: boolean | null;
            /** @description A folder or file below one of the server's data roots. */
            source: string;
            /** @description Columns of a table; found by their names when not given. */
            text_column?: string | null;
        };
        /** @description Judgements. */
        NewJudgements: {
            answers: components["schemas"]["NewAnswer"][];
        };
        /** @description A project to make. */
        NewProject: {
            name: string;
        };
        /** @description A session to open. */
        NewSession: {
            /** @description How it fits; the default is the best that there is. */
            method?: string | null;
            /** @description Made from what it looks for, when not given. */
            name?: string | null;
            start: components["schemas"]["Start"];
        };
        /** @description The next records, please. */
        NextRound: {
            /** @description Who labels. */
            annotator?: string | null;
            /** @description How many records, 10 when not given. */
            k?: number | null;
            rest?: components["schemas"]["Rest"] | null;
            /** @description `auto`, `top`, `diverse`, `boundary` or `random`. */
            strategy?: string | null;
        };
        /**
         * @description Where a classifier comes from.
         * @enum {string}
         */
        Origin: "session" | "imported";
        /** @description A round, what it has brought, and its records. */
        PastRound: components["schemas"]["RoundReport"] & {
            records: components["schemas"]["ShownRecord"][];
        };
        /** @description What is wanted of a threshold. */
        Policy: {
            policy: components["schemas"]["PolicyName"];
            /**
             * Format: double
             * @description The share, the number or the score that is wanted; `f1` wants none.
             */
            value?: number | null;
        };
        /**
         * @description What is wanted of a threshold.
         * @enum {string}
         */
        PolicyName: "f1" | "precision" | "recall" | "count" | "score";
        /** @description What the classifier says of a record. */
        Prediction: {
            /** @description Records of this page that are nearly the same. */
            folded: string[];
            /**
             * Format: float
             * @description What a person said of it.
             */
            label?: number | null;
            n_folded: number;
            /** Format: float */
            probability: number;
            /** @description Its place when all are sorted by score, from 1. */
            rank: number;
            record: components["schemas"]["Record"];
            /** Format: float */
            score: number;
            seen: boolean;
        };
        /** @description Some of the predictions. */
        Predictions: {
            predictions: components["schemas"]["Prediction"][];
            /** @description How many there are on all pages. */
            total: number;
            /**
             * Format: int64
             * @description Events so far.
             */
            version: number;
        };
        /** @description Why a request failed. */
        Problem: {
            /** @description What exactly is wrong. */
            detail: string;
            /** @description What would help. */
            hint?: string | null;
            /**
             * Format: int32
             * @description The status of the answer.
             */
            status: number;
            /** @description The same in words. */
            title: string;
            /** @description A stable name: `unknown-record`, `name-taken`, ... */
            type: string;
        };
        /** @description A project. */
        ProjectSummary: {
            kind?: components["schemas"]["RecordKind"] | null;
            /** @description Classes of the dataset's label column, most frequent first, 50 at most. */
            labels: components["schemas"]["DatasetLabel"][];
            model?: components["schemas"]["Model"] | null;
            /** Format: int64 */
            n_records: number;
            /** Format: int64 */
            n_skipped: number;
            /** @description Its name for people. */
            name: string;
            problem?: components["schemas"]["Problem"] | null;
            sessions: components["schemas"]["SessionSummary"][];
            /** @description Its name in addresses. */
            slug: string;
            status: components["schemas"]["Status"];
        };
        /** @description The projects that are served. */
        Projects: {
            /** @description Whether new ones can be made. */
            can_create: boolean;
            /** @description Folders that datasets may be indexed from. */
            data_roots: string[];
            projects: components["schemas"]["ProjectSummary"][];
        };
        /** @description One thing of the dataset. */
        Record: {
            /** Format: int32 */
            height?: number | null;
            id: string;
            kind: components["schemas"]["RecordKind"];
            /** @description The class that the dataset gives it. */
            label?: string | null;
            /** @description The other columns. */
            metadata: {
                [key: string]: string;
            };
            /** @description Of a picture: where it stands in the dataset. */
            path?: string | null;
            /** @description What a person can read of it, 20,000 characters at most. */
            text?: string | null;
            /** @description Whether there is more of the text. */
            truncated?: boolean | null;
            /**
             * Format: int32
             * @description Of a picture, in pixels.
             */
            width?: number | null;
        };
        /**
         * @description What a record consists of.
         * @enum {string}
         */
        RecordKind: "text" | "image" | "vector";
        /** @description Some of the records, in the order in which they were indexed. */
        Records: {
            /** @description The last of them, to ask for those after it; null at the end. */
            next?: string | null;
            records: components["schemas"]["Record"][];
        };
        /** @description Show all again. */
        ResetSeen: {
            /** @description A name that the client makes: the same one again changes nothing. */
            request: string;
        };
        /**
         * @description What becomes of records that are still open.
         * @enum {string}
         */
        Rest: "irrelevant" | "skip";
        /** @description A round of records. */
        Round: {
            /**
             * Format: int32
             * @description Its number, from 1.
             */
            number: number;
            /** @description Empty when all records were seen. */
            records: components["schemas"]["ShownRecord"][];
        };
        /** @description A round, and what the session has come to. */
        RoundAndInsight: {
            insight: components["schemas"]["Insight"];
            round: components["schemas"]["Round"];
        };
        /** @description What a round has brought. */
        RoundReport: {
            /**
             * Format: double
             * @description How far the fit after it turned the weights.
             */
            angle_degrees: number;
            /**
             * Format: double
             * @description How likely its records were to be relevant, on average, when they were chosen.
             */
            mean_probability: number;
            /**
             * Format: int64
             * @description How many records the fit after it puts above the boundary; null where nobody has looked.
             */
            n_above?: number | null;
            /** Format: int64 */
            n_labels: number;
            /** Format: int64 */
            n_positive: number;
            /**
             * Format: int64
             * @description All relevant labels up to and with this round.
             */
            n_positive_total: number;
            /** Format: int32 */
            round: number;
        };
        /** @description What to search for. */
        Search: {
            /** @description How many, 500 at most. */
            k?: number | null;
            start: components["schemas"]["Start"];
        };
        /** @description A session. */
        Session: components["schemas"]["SessionSummary"] & {
            annotators: string[];
            /** @description Whether the asking annotator has an answer to take back. */
            can_undo: boolean;
            /**
             * Format: int64
             * @description A number from 0 to 7, to tell concepts apart by.
             */
            concept_colour: number;
            method: string;
            /** Format: int64 */
            n_seen: number;
            /** Format: int64 */
            n_unseen: number;
            round_open?: components["schemas"]["Round"] | null;
            start: components["schemas"]["SessionStart"];
            strategy: string;
            /**
             * Format: int64
             * @description Events so far.
             */
            version: number;
        };
        /** @description Where a session started. */
        SessionStart: {
            /** @description In words. */
            description: string;
            /** @description Records that were given as counterexamples. */
            not_records: string[];
            /** @description Records that were given as examples. */
            records: string[];
            /** @description The records that it is about; all when not given. */
            where?: string | null;
        };
        /** @description A session in a list. */
        SessionSummary: {
            /** Format: int64 */
            changed_ms: number;
            /**
             * Format: int64
             * @description In milliseconds since 1970 (UTC).
             */
            created_ms: number;
            /** @description What it looks for, in words. */
            description: string;
            /** Format: int64 */
            n_labels: number;
            /** Format: int64 */
            n_positive: number;
            name: string;
            /**
             * Format: int32
             * @description The last round that was given out; 0 before the first.
             */
            round: number;
        };
        /** @description A record of a round. */
        ShownRecord: {
            answer?: components["schemas"]["GivenAnswer"] | null;
            /**
             * Format: int32
             * @description Further records that it was chosen from and that are nearly the same: there may be more.
             */
            n_alike: number;
            /**
             * Format: float
             * @description How likely it was to be chosen, before the draw.
             */
            odds: number;
            /**
             * Format: float
             * @description The same as a probability.
             */
            probability: number;
            reason: components["schemas"]["WhyShown"];
            /** @description Why it is shown, in words. */
            reason_words: string;
            record: components["schemas"]["Record"];
            /**
             * Format: float
             * @description What the classifier made of it when it was chosen, a logit.
             */
            score: number;
        };
        /** @description One of the two. */
        Side: {
            /** @description A session or an imported classifier. */
            name: string;
            /**
             * Format: int32
             * @description The round, where one was named.
             */
            round?: number | null;
        };
        /** @description Records that could not be read or embedded. */
        Skipped: {
            skipped: components["schemas"]["SkippedRecord"][];
        };
        /** @description A record that could not be read or embedded. */
        SkippedRecord: {
            /** @description Its id, or else the file and row where it stands. */
            id: string;
            reason: string;
        };
        /** @description A few lines that use the exported classifier. */
        Snippets: {
            milvus: string;
            pinecone: string;
            python: string;
            qdrant: string;
            rust: string;
            sql: string;
        };
        /**
         * @description Where a search or a session starts: any of these together, but a classifier only by itself or with
         *     examples.
         */
        Start: {
            /**
             * @description The name of a session or an imported classifier.
             * @default null
             */
            classifier: string | null;
            /**
             * @description What it is not, in words.
             * @default []
             */
            not_phrases: string[];
            /**
             * @description Records that are counterexamples.
             * @default []
             */
            not_records: string[];
            /**
             * @description What is looked for, in words.
             * @default []
             */
            phrases: string[];
            /**
             * @description Records that are examples of it.
             * @default []
             */
            records: string[];
            /**
             * @description Uploads that are examples of it.
             * @default []
             */
            uploads: string[];
            /**
             * @description A vector in the space of the model.
             * @default null
             */
            vector: number[] | null;
            /**
             * @description The records that are looked at, as in `split = 'train' and year > 2020`; all when not given.
             * @default null
             */
            where: string | null;
        };
        /**
         * @description How a project is.
         * @enum {string}
         */
        Status: "ready" | "empty" | "broken";
        /** @description Where a classifier lies in the plane in which it turned most. */
        Step: {
            /** Format: int32 */
            round: number;
            /** Format: double */
            x: number;
            /** Format: double */
            y: number;
        };
        /** @description What to expect of a threshold. */
        ThresholdRow: {
            /** Format: int64 */
            n_above: number;
            /** Format: double */
            precision: number;
            /** Format: double */
            recall: number;
            /** Format: float */
            score: number;
        };
        /** @description Take back my last answer. */
        Undo: {
            /** @description Whose. */
            annotator?: string | null;
            /** @description A name that the client makes: the same one again changes nothing. */
            request: string;
        };
        /** @description What was taken back. */
        UndoDone: {
            undone?: components["schemas"]["Undone"] | null;
            /**
             * Format: int64
             * @description Events so far.
             */
            version: number;
        };
        /** @description Take back the last judgement. */
        UndoJudgement: {
            /** @description A name that the client makes: the same one again changes nothing. */
            request: string;
        };
        /** @description An answer that was taken back. */
        Undone: {
            answer: components["schemas"]["GivenAnswer"];
            id: string;
            /**
             * Format: float
             * @description The label that the record has now.
             */
            label_now?: number | null;
        };
        /** @description Something that was uploaded, for an hour. */
        Upload: {
            kind: components["schemas"]["RecordKind"];
            /** @description Its name in `start.uploads`. */
            upload: string;
        };
        /**
         * @description What to do next.
         * @enum {string}
         */
        Verdict: "keep-going" | "audit-now" | "could-stop";
        /**
         * @description Why a record is shown.
         * @enum {string}
         */
        WhyShown: "top" | "explore" | "ladder" | "boundary" | "anchor" | "random";
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
