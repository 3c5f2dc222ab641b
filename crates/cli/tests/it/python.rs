//! What linprobe writes is read by the tools that it is written for.

use std::{env, os::unix::fs::symlink, path::Path, process::Command};

use crate::{journey::label_rounds, support::Bench};

/// Runs a Python script in the folder of the bench, in an interpreter with NumPy, safetensors and
/// pyarrow.
fn python(bench: &Bench, script: &str) {
    run_in("LINPROBE_TEST_PYTHON", bench, script);
}

/// Runs it in the interpreter that a variable names.
pub(crate) fn run_in(variable: &str, bench: &Bench, script: &str) {
    let interpreter = env::var_os(variable).unwrap();
    let output =
        Command::new(interpreter).args(["-c", script]).current_dir(bench.folder()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with numpy, safetensors and pyarrow"]
fn safetensors_in_python_reproduces_every_score_to_1e_6() {
    let bench = Bench::new();
    python(
        &bench,
        "import numpy as np\n\
         rows = np.random.default_rng(0).normal(size=(500, 64)).astype('<f4')\n\
         np.save('vectors.npy', rows)",
    );
    bench.ok(&["init"]);
    bench.ok(&["index", "vectors.npy"]);
    let lines: Vec<_> = (0..40)
        .map(|id| serde_json::json!({ "id": id.to_string(), "label": f64::from(id) / 20.0 - 1.0 }))
        .chain([serde_json::json!({ "fit": true })])
        .collect();
    bench.script(&["--like", "7", "--session", "s"], &lines);
    bench.ok(&["classifier", "export", "s", "head.safetensors"]);
    bench.ok(&["predict", "vectors.npy", "-c", "head.safetensors", "-o", "scores.csv"]);
    python(
        &bench,
        "import csv, numpy as np\n\
         from safetensors import safe_open\n\
         head = safe_open('head.safetensors', 'np')\n\
         w, b = head.get_tensor('weight'), head.get_tensor('bias')\n\
         assert w.shape == (1, 64) and w.dtype == np.float32, (w.shape, w.dtype)\n\
         assert b.shape == (1,) and b.dtype == np.float32\n\
         assert 'precomputed' in head.metadata()['linprobe']\n\
         x = np.load('vectors.npy').astype(np.float64)\n\
         x /= np.linalg.norm(x, axis=1, keepdims=True)\n\
         ours = {int(r['id']): float(r['score']) for r in csv.DictReader(open('scores.csv'))}\n\
         theirs = (x @ w.T.astype(np.float64) + b)[:, 0]\n\
         assert len(ours) == 500\n\
         worst = max(abs(ours[i] - theirs[i]) for i in range(500))\n\
         assert worst < 1e-6, worst",
    );
}

#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with numpy, safetensors and pyarrow"]
fn pyarrow_reads_the_predictions_and_numpy_maps_the_store() {
    let bench = Bench::with_texts();
    label_rounds(&bench, "stars", 1);
    for name in ["all.parquet", "all.csv"] {
        bench.ok(&["predict", "-c", "stars", "-o", name]);
    }
    python(
        &bench,
        "import csv, numpy as np, pyarrow.parquet as pq\n\
         table = pq.read_table('all.parquet').to_pylist()\n\
         rows = list(csv.DictReader(open('all.csv')))\n\
         assert len(table) == len(rows) == 80\n\
         for ours, theirs in zip(table, rows):\n\
         \x20   assert ours['rank'] == int(theirs['rank']) and ours['id'] == theirs['id']\n\
         \x20   assert abs(ours['score'] - float(theirs['score'])) < 1e-6\n\
         \x20   assert ours['text'] == theirs['text'] and ours['label'] == theirs['label']\n\
         stored = np.load('project/store/vectors.npy', mmap_mode='r')\n\
         assert stored.dtype == np.float16 and stored.shape[0] == 80, stored.shape\n\
         norms = np.linalg.norm(stored.astype(np.float64), axis=1)\n\
         assert np.abs(norms - 1).max() < 2e-3, norms",
    );
}

#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with onnx, onnxruntime and tokenizers"]
fn onnx_runtime_scores_texts_with_an_encoder_of_weights_in_front() {
    assert_scored_alike_with_the_encoder_in_front("bert-mean");
}

#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with onnx, onnxruntime and tokenizers"]
fn onnx_runtime_scores_texts_with_an_exported_encoder_in_front() {
    assert_scored_alike_with_the_encoder_in_front("graphs/sentences");
}

fn assert_scored_alike_with_the_encoder_in_front(name: &str) {
    let bench = Bench::new();
    let environment = env::var("LINPROBE_TEST_PYTHON").unwrap();
    let environment = Path::new(&environment).ancestors().nth(2).unwrap();
    symlink(environment, bench.path(".venv")).unwrap();
    let model = format!("{}/../../fixtures/embed/{name}", env!("CARGO_MANIFEST_DIR"));
    let lines: Vec<_> = (0..40).map(|n| format!("the dog {n} in the snow")).collect();
    bench.write("texts.txt", &lines.join("\n"));
    bench.ok(&["init", "--model", &model]);
    bench.ok(&["index", "texts.txt"]);
    let labels: Vec<_> = ["1", "5", "9"]
        .into_iter()
        .map(|id| (id, 1))
        .chain([("2", -1), ("4", -1)])
        .map(|(id, label)| serde_json::json!({ "id": id, "label": label }))
        .chain([serde_json::json!({ "fit": true })])
        .collect();
    bench.script(&["--like", "1", "--session", "s"], &labels);
    let (_, refused) =
        bench.fails(&["classifier", "export", "s", "a.pt", "--with-encoder", "texts"]);
    assert!(refused.contains("name a file that ends in .onnx"), "{refused}");
    let other = ["classifier", "export", "s", "a.onnx", "--with-encoder", "pictures"];
    let (_, refused) = bench.fails(&other);
    assert!(refused.contains("cannot be written as a graph: it takes no pictures"), "{refused}");
    bench.ok(&["classifier", "export", "s", "whole.onnx", "--with-encoder", "texts"]);
    bench.ok(&["predict", "-c", "s", "-o", "scores.csv"]);
    let script = "import csv, numpy as np, onnx, onnxruntime, tokenizers, sys\n\
         onnx.checker.check_model('whole.onnx', full_check=True)\n\
         session = onnxruntime.InferenceSession('whole.onnx')\n\
         tokenizer = tokenizers.Tokenizer.from_file('MODEL/tokenizer.json')\n\
         tokenizer.enable_padding()\n\
         rows = list(csv.DictReader(open('scores.csv')))\n\
         coded = tokenizer.encode_batch([row['text'] for row in rows])\n\
         inputs = {'input_ids': np.array([c.ids for c in coded]), 'attention_mask': np.array([c.attention_mask for c in coded])}\n\
         types = {'tensor(int64)': np.int64, 'tensor(int32)': np.int32}\n\
         inputs = {port.name: inputs[port.name].astype(types[port.type]) for port in session.get_inputs()}\n\
         logit, probability = session.run(['logit', 'probability'], inputs)\n\
         ours = np.array([float(row['score']) for row in rows])\n\
         assert len(ours) == 40 and ours.std() > 0.01, ours\n\
         assert np.abs(logit[:, 0] - ours).max() < 2e-2, np.abs(logit[:, 0] - ours).max()\n\
         assert np.abs(1 / (1 + np.exp(-logit)) - probability).max() < 1e-6\n\
         assert 'NAME' in session.get_modelmeta().custom_metadata_map['linprobe']";
    python(&bench, &script.replace("MODEL", &model).replace("NAME", name));
}

/// Every form of a classifier.
const ENDINGS: [&str; 5] = ["safetensors", "json", "onnx", "npz", "pt"];

/// A session that starts from a record; ten others, from a first one on, are labelled from -1 upward.
fn teach(bench: &Bench, session: &str, (like, first): (&str, u32)) {
    let line = |n: u32| {
        let (id, label) = ((first + n).to_string(), f64::from(n) / 5.0 - 1.0);
        serde_json::json!({ "id": id, "label": label })
    };
    let lines: Vec<_> = (0..10).map(line).chain([serde_json::json!({ "fit": true })]).collect();
    bench.script(&["--like", like, "--session", session], &lines);
}

/// The classifier in every form, and ten vectors with the scores that linprobe gives them.
fn exported_in_every_form() -> Bench {
    let bench = Bench::new();
    python(
        &bench,
        "import numpy as np\n\
         rows = np.random.default_rng(1).normal(size=(50, 12)).astype('<f4')\n\
         np.save('vectors.npy', rows / np.linalg.norm(rows, axis=1, keepdims=True))",
    );
    bench.ok(&["init"]);
    bench.ok(&["index", "vectors.npy"]);
    teach(&bench, "s", ("7", 0));
    for ending in ENDINGS {
        bench.ok(&["classifier", "export", "s", &format!("head.{ending}")]);
    }
    bench.ok(&["predict", "vectors.npy", "-c", "head.safetensors", "-o", "scores.csv"]);
    bench
}

/// Loads vectors as `x`, and linprobe's scores as `ours`.
const SCORES: &str = "import csv, json, numpy as np\n\
     x = np.load('vectors.npy')\n\
     ours = {int(r['id']): float(r['score']) for r in csv.DictReader(open('scores.csv'))}\n\
     ours = np.array([ours[i] for i in range(50)])\n";

#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with numpy, onnx and onnxruntime"]
fn onnx_runtime_gives_the_scores_and_the_checker_finds_nothing_wrong() {
    let script = "import onnx, onnxruntime\n\
         model = onnx.load('head.onnx')\n\
         onnx.checker.check_model(model, full_check=True)\n\
         assert model.opset_import[0].version == 17\n\
         card = json.loads({p.key: p.value for p in model.metadata_props}['linprobe'])\n\
         assert card['dimension'] == 12, card\n\
         session = onnxruntime.InferenceSession('head.onnx')\n\
         logit, probability = session.run(['logit', 'probability'], {'embedding': x})\n\
         assert logit.shape == probability.shape == (50, 1)\n\
         assert np.abs(logit[:, 0] - ours).max() < 1e-5\n\
         assert np.abs(probability[:, 0] - 1 / (1 + np.exp(-ours))).max() < 1e-5";
    python(&exported_in_every_form(), &format!("{SCORES}{script}"));
}

#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with numpy"]
fn numpy_reads_the_arrays_of_a_classifier_without_pickle() {
    let script = "head = np.load('head.npz', allow_pickle=False)\n\
         assert head['weight'].shape == (1, 12) and head['bias'].shape == (1,)\n\
         assert head['threshold'].shape == () and head['weight'].dtype == np.float32\n\
         assert json.loads(str(head['card']))['dimension'] == 12\n\
         assert np.abs((x @ head['weight'].T + head['bias'])[:, 0] - ours).max() < 1e-5";
    python(&exported_in_every_form(), &format!("{SCORES}{script}"));
}

/// What `torch.load(path, weights_only=True)` allows and does, without its half a gigabyte.
const LOAD: &str = "import collections, pickle, zipfile\n\
     archive = zipfile.ZipFile('head.pt')\n\
     def rebuild(storage, offset, size, stride, gradient, hooks):\n\
     \x20   assert offset == 0 and not gradient and not hooks\n\
     \x20   step = [4 * n for n in stride]\n\
     \x20   return np.lib.stride_tricks.as_strided(storage, size, step)\n\
     class Reader(pickle.Unpickler):\n\
     \x20   def find_class(self, module, name):\n\
     \x20       return {('collections', 'OrderedDict'): collections.OrderedDict,\n\
     \x20           ('torch._utils', '_rebuild_tensor_v2'): rebuild,\n\
     \x20           ('torch', 'FloatStorage'): np.float32}[(module, name)]\n\
     \x20   def persistent_load(self, key):\n\
     \x20       kind, dtype, member, device, n = key\n\
     \x20       assert (kind, device) == ('storage', 'cpu')\n\
     \x20       values = np.frombuffer(archive.read(f'classifier/data/{member}'), dtype)\n\
     \x20       assert len(values) == n\n\
     \x20       return values\n\
     assert archive.read('classifier/byteorder') == b'little' and archive.testzip() is None\n";

#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with numpy"]
fn the_state_dict_for_torch_asks_for_nothing_but_tensors() {
    let script = "state = Reader(archive.open('classifier/data.pkl')).load()\n\
         assert list(state) == ['weight', 'bias'], state\n\
         assert state['weight'].shape == (1, 12) and state['bias'].shape == (1,)\n\
         assert np.abs((x @ state['weight'].T + state['bias'])[:, 0] - ours).max() < 1e-5";
    python(&exported_in_every_form(), &format!("{SCORES}{LOAD}{script}"));
}

/// The lines of Python in the docs that make a fitted model of an `.npz`.
fn loader() -> String {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/classifiers.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let blocks = docs.split("```python\n").skip(1).filter_map(|rest| rest.split("```").next());
    let loader = blocks.into_iter().find(|block| block.contains("def load_classifier")).unwrap();
    format!("{loader}\n")
}

#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with numpy and scikit-learn"]
fn scikit_learn_takes_an_exported_classifier_as_one_of_its_own() {
    let script = "model, threshold = load_classifier('head.npz')\n\
         assert np.abs(model.decision_function(x) - ours).max() < 1e-5\n\
         assert (model.predict(x) == (ours >= 0)).all() and threshold == 0\n\
         assert np.abs(model.predict_proba(x)[:, 1] - 1 / (1 + np.exp(-ours))).max() < 1e-5\n\
         from sklearn.utils.validation import check_is_fitted\n\
         check_is_fitted(model)";
    python(&exported_in_every_form(), &format!("{SCORES}{}{script}", loader()));
}

#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with numpy and scikit-learn"]
fn what_scikit_learn_has_fitted_scores_as_it_does_there() {
    let bench = exported_in_every_form();
    python(
        &bench,
        "import numpy as np\n\
         from sklearn.linear_model import LogisticRegression\n\
         x = np.load('vectors.npy')\n\
         m = LogisticRegression().fit(x, np.array(['cat', 'dog', 'elk'])[x[:, :3].argmax(axis=1)])\n\
         np.savez('animals.npz', coef_=m.coef_, intercept_=m.intercept_, classes_=m.classes_)\n\
         np.save('dogs.npy', m.decision_function(x)[:, 1])",
    );
    bench.ok(&["classifier", "import", "animals.npz", "--class", "dog", "--name", "dogs"]);
    for (classifier, name) in [("animals.npz:dog", "by-file.csv"), ("dogs", "by-name.csv")] {
        bench.ok(&["predict", "vectors.npy", "-c", classifier, "-o", name]);
    }
    python(
        &bench,
        "import csv, numpy as np\n\
         theirs = np.load('dogs.npy')\n\
         for name in ['by-file.csv', 'by-name.csv']:\n\
         \x20   ours = {int(r['id']): float(r['score']) for r in csv.DictReader(open(name))}\n\
         \x20   assert max(abs(ours[i] - theirs[i]) for i in range(50)) < 1e-5",
    );
}

/// The folder holds safetensors, too, which would be taken if nothing was asked for.
#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with onnxruntime"]
fn a_project_made_with_an_exported_graph_goes_on_with_it() {
    let bench = Bench::new();
    let interpreter = env::var("LINPROBE_TEST_PYTHON").unwrap();
    let environment = Path::new(&interpreter).ancestors().nth(2).unwrap();
    symlink(environment, bench.path(".venv")).unwrap();
    bench.write("dogs.txt", "a dog in the snow\nthe dogs stop\nspaces and lines\n");
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/embed/bert-mean");
    bench.ok(&["init", "--model", model, "--engine", "onnxruntime"]);
    bench.ok(&["index", "dogs.txt"]);
    let found = bench.json(&["search", "a dog in the snow", "-k", "1"]);
    assert_eq!(found[0]["text"], "a dog in the snow");
    assert!(found[0]["score"].as_f64().unwrap() > 0.999, "{}", found[0]);
    let shown = &bench.json(&["model", "show", model, "--engine", "onnxruntime"])[0];
    assert!(shown["engine"].as_str().unwrap().starts_with("ONNX Runtime"), "{shown}");
    let (_, refused) = bench.fails(&["search", "a dog", "--engine", "builtin"]);
    assert!(refused.starts_with("error: the project is embedded with"), "{refused}");
}

/// Two sessions as one head in every form, and the scores that linprobe gives with each.
fn head_in_every_form() -> Bench {
    let bench = exported_in_every_form();
    teach(&bench, "t", ("22", 20));
    for ending in ENDINGS {
        bench.ok(&["classifier", "head", &format!("head.{ending}"), "s", "ü=t"]);
    }
    for session in ["s", "t"] {
        let name = format!("{session}.csv");
        bench.ok(&["predict", "vectors.npy", "-c", session, "-o", &name]);
    }
    bench
}

/// Loads vectors as `x`, and linprobe's scores as `ours`, a column for each class.
const SCORES_OF_TWO: &str = "import csv, json, numpy as np\n\
     x = np.load('vectors.npy')\n\
     read = lambda name: {int(r['id']): float(r['score']) for r in csv.DictReader(open(name))}\n\
     ours = np.array([[read(n)[i] for n in ['s.csv', 't.csv']] for i in range(50)])\n\
     def agrees(card, w, b):\n\
     \x20   assert w.shape == (2, 12) and b.shape == (2,) and w.dtype == b.dtype == np.float32\n\
     \x20   assert np.abs(x @ w.T + b - ours).max() < 1e-5\n\
     \x20   if card is None: return\n\
     \x20   card = json.loads(card)\n\
     \x20   assert [c['name'] for c in card['classes']] == ['s', 'ü'], card\n\
     \x20   assert card['classes'][1]['n_labels'] == 10 and card['model']['fingerprint'], card\n";

#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with numpy, onnx, onnxruntime and safetensors"]
fn a_head_of_many_classes_is_read_by_every_tool_that_it_is_written_for() {
    let script = "import onnx, onnxruntime\n\
         model = onnx.load('head.onnx')\n\
         onnx.checker.check_model(model, full_check=True)\n\
         card = {p.key: p.value for p in model.metadata_props}['linprobe']\n\
         session = onnxruntime.InferenceSession('head.onnx')\n\
         logit, probability = session.run(['logit', 'probability'], {'embedding': x})\n\
         assert logit.shape == probability.shape == (50, 2)\n\
         assert np.abs(logit - ours).max() < 1e-5\n\
         assert np.abs(probability - 1 / (1 + np.exp(-ours))).max() < 1e-5\n\
         from safetensors import safe_open\n\
         head = safe_open('head.safetensors', 'np')\n\
         agrees(head.metadata()['linprobe'], head.get_tensor('weight'), head.get_tensor('bias'))\n\
         head = np.load('head.npz', allow_pickle=False)\n\
         assert head['classes_'].tolist() == ['s', 'ü'] and head['threshold'].shape == (2,)\n\
         agrees(str(head['card']), head['weight'], head['bias'])\n\
         head = json.load(open('head.json'))\n\
         assert [c['name'] for c in head['classes']] == ['s', 'ü']\n\
         parts = [np.array([c[part] for c in head['classes']], 'f4') for part in ['weights', 'bias']]\n\
         agrees(json.dumps(head['card']), *parts)\n\
         state = Reader(archive.open('classifier/data.pkl')).load()\n\
         agrees(None, state['weight'], state['bias'])\n";
    python(&head_in_every_form(), &format!("{SCORES_OF_TWO}{LOAD}{script}"));
}

/// PyTorch comes with gigabytes of libraries for accelerators, so it has an interpreter of its own.
mod torch {
    use super::*;

    #[test]
    #[ignore = "needs LINPROBE_TEST_TORCH, a Python with torch"]
    fn torch_loads_a_classifier_and_a_head_as_weights_only() {
        let bench = Bench::new();
        let lines: Vec<_> = (0..40).map(|n| format!("line {n} of a text")).collect();
        bench.write("texts.txt", &lines.join("\n"));
        bench.ok(&["init"]);
        bench.ok(&["index", "texts.txt"]);
        teach(&bench, "a", ("1", 1));
        teach(&bench, "b", ("20", 20));
        bench.ok(&["classifier", "export", "a", "a.pt"]);
        bench.ok(&["classifier", "export", "a", "a.json"]);
        bench.ok(&["classifier", "head", "both.pt", "a", "b"]);
        run_in(
            "LINPROBE_TEST_TORCH",
            &bench,
            "import json, torch\n\
             state = torch.load('a.pt', weights_only=True)\n\
             said = json.load(open('a.json'))\n\
             layer = torch.nn.Linear(len(said['weights']), 1)\n\
             layer.load_state_dict(state)\n\
             assert torch.equal(layer.weight[0], torch.tensor(said['weights']))\n\
             assert layer.bias.item() == torch.tensor(said['bias']).item()\n\
             head = torch.nn.Linear(len(said['weights']), 2)\n\
             head.load_state_dict(torch.load('both.pt', weights_only=True))\n\
             assert torch.equal(head.weight[0], layer.weight[0]) and head.bias[0] == layer.bias[0]\n\
             assert not torch.equal(head.weight[1], layer.weight[0])",
        );
    }
}
