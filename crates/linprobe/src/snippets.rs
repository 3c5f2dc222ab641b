//! A few lines that use an exported classifier elsewhere: in Python, in Rust, and in databases of vectors.

use linprobe_classifier::ClassifierFile;

use crate::{
    ExportForm,
    queries::{VectorDatabase, pgvector},
};

/// The same for every place where embeddings are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippets {
    /// Scores the rows of a matrix of embeddings with NumPy.
    pub python: String,
    /// Scores one embedding.
    pub rust: String,
    /// Ranks the rows of a table with a column of embeddings.
    pub sql: String,
    /// The body of a request to Qdrant.
    pub qdrant: String,
    /// The body of a request to Milvus.
    pub milvus: String,
    /// Asks Pinecone, in Python.
    pub pinecone: String,
}

impl Snippets {
    /// For a file of this name and form.
    pub fn new(file: &ClassifierFile, file_name: &str, form: ExportForm) -> Self {
        let threshold = file.card.as_ref().map_or(0.0, |card| card.threshold);
        let query = |database: VectorDatabase| {
            database.query(file).unwrap_or_else(|nothing| format!("no query: {nothing}"))
        };
        let model = file.card.as_ref().map_or("the model of the project", |card| &card.model.id);
        Self {
            python: python(file_name, form, (threshold, model)),
            rust: rust(file_name, threshold),
            sql: pgvector(&file.classifier, threshold),
            qdrant: query(VectorDatabase::Qdrant),
            milvus: query(VectorDatabase::Milvus),
            pinecone: query(VectorDatabase::Pinecone),
        }
    }
}

fn python(file_name: &str, form: ExportForm, (threshold, model): (f32, &str)) -> String {
    let load = match form {
        ExportForm::Safetensors => format!(
            "from safetensors.numpy import load_file\n\n\
             head = load_file({file_name:?})\n\
             weights, bias = head[\"weight\"][0], head[\"bias\"][0]\n"
        ),
        ExportForm::Json => format!(
            "import json\nimport numpy as np\n\n\
             head = json.load(open({file_name:?}))\n\
             weights, bias = np.array(head[\"weights\"]), head[\"bias\"]\n"
        ),
        ExportForm::Npz => format!(
            "import numpy as np\n\n\
             head = np.load({file_name:?})\n\
             weights, bias = head[\"weight\"][0], head[\"bias\"][0]\n"
        ),
        ExportForm::Torch => format!(
            "import torch\n\n\
             head = torch.load({file_name:?}, weights_only=True)\n\
             weights, bias = head[\"weight\"][0].numpy(), head[\"bias\"][0].item()\n"
        ),
        ExportForm::Onnx => {
            return format!(
                "import onnxruntime\n\n\
                 head = onnxruntime.InferenceSession({file_name:?})\n\
                 # embeddings: float32, one row each, made with {model}, of unit length\n\
                 scores = head.run([\"logit\"], {{\"embedding\": embeddings}})[0][:, 0]\n\
                 relevant = scores >= {threshold}\n"
            );
        }
    };
    format!(
        "{load}\
         # embeddings: one row each, made with {model}, of unit length\n\
         scores = embeddings @ weights + bias\n\
         relevant = scores >= {threshold}\n"
    )
}

fn rust(file_name: &str, threshold: f32) -> String {
    format!(
        "// cargo add linprobe\n\
         use linprobe::{{ClassifierFile, Embedding}};\n\n\
         let file = ClassifierFile::read(&std::fs::read({file_name:?})?, None)?;\n\
         let embedding = Embedding::normalize(values)?;\n\
         let relevant = file.classifier.score(&embedding) >= {threshold:?};\n"
    )
}

#[cfg(test)]
mod tests {
    use linprobe_classifier::LinearClassifier;

    use super::*;

    #[test]
    fn every_snippet_names_the_file_and_the_numbers() {
        let classifier = LinearClassifier::new(vec![0.5, -1.0], 0.25).unwrap();
        let file = ClassifierFile { classifier, card: None };
        for (form, loads) in [
            (ExportForm::Safetensors, "load_file"),
            (ExportForm::Json, "json.load"),
            (ExportForm::Onnx, "InferenceSession"),
            (ExportForm::Npz, "np.load"),
            (ExportForm::Torch, "weights_only=True"),
        ] {
            let Snippets { python, rust, sql, .. } = Snippets::new(&file, "my \"dogs\".x", form);
            assert!(python.contains(loads) && python.contains(r#""my \"dogs\".x""#), "{python}");
            assert!(rust.contains(r#""my \"dogs\".x""#) && rust.contains(">= 0.0"), "{rust}");
            assert!(sql.contains("'[0.5,-1]'::vector") && sql.contains("0.25 AS bias"), "{sql}");
        }
    }
}
