//! The one linear layer of a file, and the class of it that is wanted, or all of them.

use super::{
    ClassifierFile, ImportError, MAX_HEADER_BYTES, card::FileCard, classifier, head::ReadClass,
    tensor::Tensor,
};

/// How many classes a message names.
const MAX_NAMED: usize = 20;

/// What the weights and the bias of a layer are called, behind the name of the layer: by PyTorch and those who
/// follow it, and by scikit-learn.
const NAMES: [(&str, &str); 2] = [("weight", "bias"), ("coef_", "intercept_")];

/// The arrays of a file, and what else it says of them.
#[derive(Debug, Default)]
pub(super) struct Found<'a> {
    pub(super) tensors: Vec<Tensor<'a>>,
    /// The names of the classes, or none where the file has none.
    pub(super) classes: Vec<String>,
    /// The card, as JSON.
    pub(super) card: Option<String>,
}

impl Found<'_> {
    /// The classifier of a class.
    pub(super) fn pick(self, class: Option<&str>) -> Result<ClassifierFile, ImportError> {
        let (layer, card) = self.layer()?;
        let row = layer.row_of(class)?;
        layer.file(row, card.as_ref())
    }

    /// The classifiers of all classes, in the order of the rows.
    pub(super) fn every_class(self) -> Result<Vec<ReadClass>, ImportError> {
        let (layer, card) = self.layer()?;
        let classes = (0..layer.n_classes()).map(|place| {
            let file = layer.file(Row { place, sign: 1.0 }, card.as_ref())?;
            Ok(ReadClass { name: layer.name_of(place), file })
        });
        classes.collect()
    }

    /// The layer, and what the card says.
    fn layer(&self) -> Result<(Layer<'_>, Option<FileCard>), ImportError> {
        if self.card.as_ref().is_some_and(|json| json.len() as u64 > MAX_HEADER_BYTES) {
            let reason = format!("it is longer than {MAX_HEADER_BYTES} bytes");
            return Err(ImportError::Card { reason });
        }
        let card = self.card.as_ref().map(|json| FileCard::read(json)).transpose()?;
        let mut classes = self.classes.clone();
        if classes.is_empty() {
            classes = card.as_ref().map(FileCard::classes).unwrap_or_default();
        }
        Ok((Layer::of(self.tensors.clone(), classes)?, card))
    }
}

/// A row of a layer, and the side of it.
#[derive(Clone, Copy)]
struct Row {
    place: usize,
    sign: f32,
}

/// A linear layer.
struct Layer<'a> {
    /// A row for each class.
    weight: Tensor<'a>,
    /// A row, with a number for each class.
    bias: Tensor<'a>,
    classes: Vec<String>,
}

impl<'a> Layer<'a> {
    fn of(mut tensors: Vec<Tensor<'a>>, classes: Vec<String>) -> Result<Self, ImportError> {
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        let names = || tensors.iter().map(|tensor| tensor.name.as_str());
        let missing = |name: String| {
            let found = names().collect::<Vec<_>>().join(", ");
            let found = if found.is_empty() { "nothing".to_owned() } else { found };
            ImportError::NoTensor { name, found }
        };
        let Some((weight, bias)) = names().find_map(of_a_layer) else {
            return Err(missing("weight".to_owned()));
        };
        if let Some(other) = names().find(|name| *name != weight && *name != bias) {
            return Err(ImportError::ForeignTensor { name: other.to_owned() });
        }
        let place = |name: &String| names().position(|other| other == name);
        let (Some(weight), Some(bias)) = (place(&weight), place(&bias)) else {
            return Err(missing(bias));
        };
        Self::fitting(tensors[weight].clone(), tensors[bias].clone(), classes)
    }

    /// Turns the weights so that they have a row for each number of the bias.
    fn fitting(
        weight: Tensor<'a>,
        bias: Tensor<'a>,
        classes: Vec<String>,
    ) -> Result<Self, ImportError> {
        let (weight, bias) = (weight.into_rows(), bias.into_rows());
        let wrong = |tensor: &Tensor<'_>| {
            let (name, found) = (tensor.name.clone(), tensor.shape().to_vec());
            ImportError::Shape { name, found }
        };
        let &[1, n_classes] = bias.shape() else { return Err(wrong(&bias)) };
        let weight = match *weight.shape() {
            [n, _] if n == n_classes => weight,
            [_, n] if n == n_classes => weight.transposed(),
            _ => return Err(wrong(&weight)),
        };
        // Of two classes scikit-learn keeps the one row that tells them apart.
        let n_named = classes.len();
        if n_named == 0 || n_named == n_classes || (n_named, n_classes) == (2, 1) {
            return Ok(Self { weight, bias, classes });
        }
        Err(ImportError::ClassNames { n_named, n_classes })
    }

    fn n_classes(&self) -> usize {
        self.weight.shape()[0]
    }

    /// The row of the class that is wanted.
    fn row_of(&self, class: Option<&str>) -> Result<Row, ImportError> {
        let n_classes = self.n_classes();
        let chosen = class.map(|class| self.place_of(class)).transpose()?;
        match (chosen, n_classes, self.classes.len()) {
            (None, 1, _) => Ok(Row { place: 0, sign: 1.0 }),
            (None, ..) => Err(ImportError::ManyClasses { n_classes, classes: self.list() }),
            (Some(0), 1, 2) => Ok(Row { place: 0, sign: -1.0 }),
            (Some(_), 1, 2) => Ok(Row { place: 0, sign: 1.0 }),
            (Some(place), ..) => Ok(Row { place, sign: 1.0 }),
        }
    }

    fn file(
        &self,
        Row { place, sign }: Row,
        card: Option<&FileCard>,
    ) -> Result<ClassifierFile, ImportError> {
        let weights: Vec<f32> = self.weight.row(place).into_iter().map(|w| sign * w).collect();
        let classifier = classifier(weights, sign * self.bias.row(0)[place])?;
        let card = card.map(|card| card.of_class(place, &classifier)).transpose()?.flatten();
        Ok(ClassifierFile { classifier, card })
    }

    /// The name of the class of a row, else its number.
    fn name_of(&self, place: usize) -> String {
        let is_second_of_two = (self.n_classes(), self.classes.len()) == (1, 2);
        let name = self.classes.get(if is_second_of_two { 1 } else { place });
        name.cloned().unwrap_or_else(|| place.to_string())
    }

    /// The place of a class: of its name, else as a number.
    fn place_of(&self, class: &str) -> Result<usize, ImportError> {
        let n = self.classes.len().max(self.n_classes());
        let named = self.classes.iter().position(|name| name == class);
        let numbered = || class.parse().ok().filter(|place| *place < n);
        let unknown = || ImportError::NoSuchClass { class: class.to_owned(), classes: self.list() };
        named.or_else(numbered).ok_or_else(unknown)
    }

    /// The classes, for a person to choose from.
    fn list(&self) -> String {
        if self.classes.is_empty() {
            return format!("0 to {}", self.n_classes() - 1);
        }
        let named: Vec<String> =
            self.classes.iter().take(MAX_NAMED).map(|name| format!("{name:?}")).collect();
        match self.classes.len() - named.len() {
            0 => named.join(", "),
            more => format!("{} and {more} more", named.join(", ")),
        }
    }
}

/// The names of the weights and the bias of a layer, if a tensor of this name is the weights.
fn of_a_layer(name: &str) -> Option<(String, String)> {
    NAMES.iter().find_map(|(weight, bias)| {
        let layer = name.strip_suffix(weight)?;
        let is_layer = layer.is_empty() || layer.ends_with('.');
        is_layer.then(|| (name.to_owned(), format!("{layer}{bias}")))
    })
}
