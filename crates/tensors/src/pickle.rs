//! The pickle of a state dict or of a whole module, read without running it.
//!
//! A pickle is a program: it names functions and classes, and whoever unpickles it calls them. This reads the
//! few instructions with which PyTorch writes names and tensors, knows the functions that they call by
//! name, and refuses every other. An object of a class is never made: the state that it would be given is
//! read as a dict. Values are shared, never copied, and nest only so deep, so that a
//! hostile file costs no more than its own length.

use std::{collections::HashMap, rc::Rc};

use crate::Element;

/// Tuples in tuples, modules in modules: those of a tensor go three deep.
const MAX_DEPTH: usize = 8;

/// The parameters and modules within a module that are looked at. A module may stand in many places, so their number
/// is not bounded by the length of the file.
const MAX_PARTS: usize = 100_000;

/// The attributes of a module among which its parts are looked for; PyTorch gives it some twenty.
const MAX_ATTRIBUTES: usize = 100;

/// Those of PyTorch's classes that keep the numbers of a linear layer as they are, or have none. Classes of others are
/// looked into as if they were containers.
const LINEAR_CLASSES: [&str; 6] = [
    "torch.nn.modules.activation.Sigmoid",
    "torch.nn.modules.container.ModuleDict",
    "torch.nn.modules.container.Sequential",
    "torch.nn.modules.dropout.Dropout",
    "torch.nn.modules.linear.Identity",
    "torch.nn.modules.linear.Linear",
];

/// A tensor's place in a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Where its values are.
    pub storage: Rc<Storage>,
    /// Values before the first.
    pub offset: usize,
    /// The size of each axis.
    pub shape: Vec<usize>,
    /// Values from one to the next, for each axis.
    pub strides: Vec<usize>,
}

/// Values in a file of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// The file's name.
    pub key: Rc<str>,
    /// What the values are.
    pub element: Element,
    /// How many there are.
    pub n_values: usize,
}

/// Reads the tensors of a state dict, and their names; those of a module have the names that its state dict
/// would give them.
pub(super) fn read(pickle: &[u8]) -> Result<Vec<(String, View)>, PickleError> {
    let mut machine = Machine { rest: pickle, ..Machine::default() };
    while machine.step()? {}
    let Some(Value::Dict(top)) = machine.stack.pop() else { return Err(PickleError::NoStateDict) };
    let mut found = Found { dicts: &machine.dicts, tensors: Vec::new(), n_parts: 0 };
    match found.dicts.get(top).ok_or(PickleError::NoStateDict)? {
        Dict { class: None, entries, .. } => found.take("", entries),
        module => found.look_into("", module, 0)?,
    }
    Ok(found.tensors)
}

/// The tensors that were found so far.
struct Found<'a> {
    dicts: &'a [Dict],
    tensors: Vec<(String, View)>,
    n_parts: usize,
}

impl<'a> Found<'a> {
    /// Takes the tensors of a dict.
    fn take(&mut self, prefix: &str, entries: &[(Value, Value)]) {
        let tensors = entries.iter().filter_map(|(name, value)| match (name, value) {
            (Value::Text(name), Value::Tensor(view)) => {
                Some((format!("{prefix}{name}"), (**view).clone()))
            }
            _ => None,
        });
        self.tensors.extend(tensors);
    }

    /// Takes the tensors of a module and of those in it.
    fn look_into(&mut self, prefix: &str, module: &Dict, depth: usize) -> Result<(), PickleError> {
        let [parameters, buffers, modules] =
            ["_parameters", "_buffers", "_modules"].map(|name| self.part(module, name));
        self.n_parts += 1 + parameters.len() + buffers.len() + modules.len();
        if depth > MAX_DEPTH || self.n_parts > MAX_PARTS {
            return Err(PickleError::Depth);
        }
        let class = module.class.as_deref().unwrap_or_default();
        if class.starts_with("torch.") && !LINEAR_CLASSES.contains(&class) {
            return Err(PickleError::Layer(class.to_owned()));
        }
        self.take(prefix, parameters);
        self.take(prefix, buffers);
        for (name, value) in modules {
            let (Value::Text(name), Value::Dict(inner)) = (name, value) else { continue };
            let inner = self.dicts.get(*inner).ok_or(PickleError::Damaged)?;
            self.look_into(&format!("{prefix}{name}."), inner, depth + 1)?;
        }
        Ok(())
    }

    /// The dict that the state of a module has under a name; empty where it has none.
    fn part(&self, module: &Dict, name: &str) -> &'a [(Value, Value)] {
        let state = module.state.and_then(|state| self.dicts.get(state));
        let part = state.and_then(|state| {
            state.entries.iter().take(MAX_ATTRIBUTES).find_map(|(key, value)| match (key, value) {
                (Value::Text(key), Value::Dict(part)) if **key == *name => self.dicts.get(*part),
                _ => None,
            })
        });
        part.map_or(&[][..], |part| &part.entries[..])
    }
}

/// Why a pickle is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PickleError {
    /// It would call something.
    #[error("it would call {0}, which makes no tensor")]
    Call(String),
    /// It holds a module that computes something else than a linear layer does.
    #[error("it has a {0}, which is no linear layer")]
    Layer(String),
    /// It is not made of what a state dict is made of.
    #[error("it has the instruction {0:#04x}, which no state dict needs")]
    Instruction(u8),
    /// It ends early, or takes what is not there.
    #[error("it is damaged")]
    Damaged,
    /// It nests deeper than any state dict.
    #[error("it is nested too deeply")]
    Depth,
    /// It holds something else.
    #[error("it holds no state dict")]
    NoStateDict,
}

/// What the instructions work on.
#[derive(Clone, Debug)]
enum Value {
    /// Something that bears on no tensor.
    Other,
    Int(i64),
    Text(Rc<str>),
    Tuple(Rc<Tuple>),
    /// Its place among all dicts.
    Dict(usize),
    Function(Function),
    /// A class or a function, by its name.
    Named(Rc<str>),
    StorageType(Element),
    Storage(Rc<Storage>),
    Tensor(Rc<View>),
    Mark,
}

/// A dict, or an object of a class.
#[derive(Debug, Default)]
struct Dict {
    entries: Vec<(Value, Value)>,
    class: Option<Rc<str>>,
    /// The dict of an object's attributes, by its place among all.
    state: Option<usize>,
}

#[derive(Debug)]
struct Tuple {
    values: Vec<Value>,
    depth: usize,
}

/// What may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Set,
}

#[derive(Debug, Default)]
struct Machine<'a> {
    rest: &'a [u8],
    stack: Vec<Value>,
    memo: HashMap<u32, Value>,
    dicts: Vec<Dict>,
}

impl<'a> Machine<'a> {
    /// Does one instruction, and says whether there are more to come.
    fn step(&mut self) -> Result<bool, PickleError> {
        match self.byte()? {
            b'.' => return Ok(false),
            0x80 => drop(self.byte()?),
            b'c' => self.global()?,
            b'}' => self.push_dict(None),
            b'a' => drop(self.pop()?),
            b'e' => drop(self.pop_to_mark()?),
            b'(' => self.stack.push(Value::Mark),
            b')' => self.push_tuple(Vec::new())?,
            code @ 0x85..=0x87 => {
                let first = self.stack.len().checked_sub(usize::from(code - 0x84));
                let values = self.stack.split_off(first.ok_or(PickleError::Damaged)?);
                self.push_tuple(values)?;
            }
            b't' => {
                let values = self.pop_to_mark()?;
                self.push_tuple(values)?;
            }
            b'N' | b']' | 0x88 | 0x89 => self.stack.push(Value::Other),
            b'G' => {
                self.bytes(8)?;
                self.stack.push(Value::Other);
            }
            code @ (b'J' | b'K' | b'M' | 0x8a) => self.integer(code)?,
            b'X' => self.text()?,
            code @ (b'q' | b'r' | b'h' | b'j') => self.remember(code)?,
            b'Q' => self.storage()?,
            b'R' => self.call()?,
            0x81 => self.object()?,
            b's' => self.set_item()?,
            b'u' => self.set_items()?,
            b'b' => self.build()?,
            other => return Err(PickleError::Instruction(other)),
        }
        Ok(true)
    }

    fn byte(&mut self) -> Result<u8, PickleError> {
        Ok(self.bytes(1)?[0])
    }

    fn bytes(&mut self, n: usize) -> Result<&'a [u8], PickleError> {
        let (bytes, rest) = self.rest.split_at_checked(n).ok_or(PickleError::Damaged)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// A little-endian number of up to eight bytes, without a sign.
    fn number(&mut self, n_bytes: usize) -> Result<u64, PickleError> {
        let bytes = self.bytes(n_bytes)?.iter().rev();
        Ok(bytes.fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    fn index(&mut self, n_bytes: usize) -> Result<u32, PickleError> {
        u32::try_from(self.number(n_bytes)?).map_err(|_too_large| PickleError::Damaged)
    }

    fn pop(&mut self) -> Result<Value, PickleError> {
        match self.stack.pop() {
            Some(Value::Mark) | None => Err(PickleError::Damaged),
            Some(value) => Ok(value),
        }
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value>, PickleError> {
        let mark = self.stack.iter().rposition(|value| matches!(value, Value::Mark));
        let values = self.stack.split_off(mark.ok_or(PickleError::Damaged)? + 1);
        self.stack.pop();
        Ok(values)
    }

    fn push_dict(&mut self, class: Option<Rc<str>>) {
        self.stack.push(Value::Dict(self.dicts.len()));
        self.dicts.push(Dict { class, ..Dict::default() });
    }

    fn push_tuple(&mut self, values: Vec<Value>) -> Result<(), PickleError> {
        let depths = values.iter().map(|value| match value {
            Value::Tuple(tuple) => Ok(tuple.depth + 1),
            Value::Mark => Err(PickleError::Damaged),
            _ => Ok(0),
        });
        let depth = depths.into_iter().try_fold(0, |most, depth| Ok(most.max(depth?)))?;
        if depth > MAX_DEPTH {
            return Err(PickleError::Depth);
        }
        self.stack.push(Value::Tuple(Rc::new(Tuple { values, depth })));
        Ok(())
    }

    /// A name of something in Python: two lines.
    fn global(&mut self) -> Result<(), PickleError> {
        let (module, name) = (self.line()?, self.line()?);
        let value = match (module, name) {
            ("collections", "OrderedDict") => Value::Function(Function::OrderedDict),
            ("torch._utils", "_rebuild_tensor_v2") => Value::Function(Function::RebuildTensor),
            ("torch._utils", "_rebuild_parameter") => Value::Function(Function::RebuildParameter),
            ("__builtin__" | "builtins", "set") => Value::Function(Function::Set),
            (module, name) => match (module, storage_type(name)) {
                ("torch", Some(element)) => Value::StorageType(element),
                _ => Value::Named(format!("{module}.{name}").into()),
            },
        };
        self.stack.push(value);
        Ok(())
    }

    fn line(&mut self) -> Result<&'a str, PickleError> {
        let end = self.rest.iter().position(|&byte| byte == b'\n').ok_or(PickleError::Damaged)?;
        let line = self.bytes(end + 1)?;
        std::str::from_utf8(&line[..end]).map_err(|_no_text| PickleError::Damaged)
    }

    #[expect(clippy::cast_possible_wrap, reason = "the sign is in the upper bit")]
    fn integer(&mut self, code: u8) -> Result<(), PickleError> {
        let n_bytes = match code {
            b'K' => 1,
            b'M' => 2,
            b'J' => 4,
            _ => usize::from(self.byte()?),
        };
        if n_bytes > 8 {
            return Err(PickleError::Damaged);
        }
        let number = self.number(n_bytes)? as i64;
        let is_signed = matches!(code, b'J' | 0x8a) && n_bytes > 0;
        let shift = 64 - 8 * n_bytes;
        let number = if is_signed { number << shift >> shift } else { number };
        self.stack.push(Value::Int(number));
        Ok(())
    }

    fn text(&mut self) -> Result<(), PickleError> {
        let n_bytes = self.index(4)? as usize;
        let text = std::str::from_utf8(self.bytes(n_bytes)?);
        let text = text.map_err(|_no_text| PickleError::Damaged)?;
        self.stack.push(Value::Text(text.into()));
        Ok(())
    }

    fn remember(&mut self, code: u8) -> Result<(), PickleError> {
        let idx = self.index(if matches!(code, b'q' | b'h') { 1 } else { 4 })?;
        if matches!(code, b'q' | b'r') {
            let value = self.stack.last().ok_or(PickleError::Damaged)?.clone();
            self.memo.insert(idx, value);
        } else {
            self.stack.push(self.memo.get(&idx).ok_or(PickleError::Damaged)?.clone());
        }
        Ok(())
    }

    /// `("storage", type, key, device, number of values)`.
    fn storage(&mut self) -> Result<(), PickleError> {
        let Value::Tuple(tuple) = self.pop()? else { return Err(PickleError::Damaged) };
        let [_, Value::StorageType(element), Value::Text(key), _, Value::Int(n_values)] =
            &tuple.values[..]
        else {
            return Err(PickleError::Damaged);
        };
        let n_values = usize::try_from(*n_values).map_err(|_negative| PickleError::Damaged)?;
        let storage = Storage { key: Rc::clone(key), element: element.clone(), n_values };
        self.stack.push(Value::Storage(Rc::new(storage)));
        Ok(())
    }

    fn call(&mut self) -> Result<(), PickleError> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let (function, arguments) = match (function, arguments) {
            (Value::Function(function), Value::Tuple(arguments)) => (function, arguments),
            (Value::Named(name), _) => return Err(PickleError::Call(name.to_string())),
            _ => return Err(PickleError::Damaged),
        };
        match (function, &arguments.values[..]) {
            (Function::OrderedDict, []) => self.push_dict(None),
            (Function::Set, [Value::Other]) => self.stack.push(Value::Other),
            (
                Function::RebuildTensor,
                [Value::Storage(storage), Value::Int(offset), shape, strides, ..],
            ) => {
                let offset = usize::try_from(*offset).map_err(|_negative| PickleError::Damaged)?;
                let (shape, strides) = (sizes(shape)?, sizes(strides)?);
                let view = View { storage: Rc::clone(storage), offset, shape, strides };
                self.stack.push(Value::Tensor(Rc::new(view)));
            }
            (Function::RebuildParameter, [Value::Tensor(view), ..]) => {
                self.stack.push(Value::Tensor(Rc::clone(view)));
            }
            _ => return Err(PickleError::Damaged),
        }
        Ok(())
    }

    /// What would be an object of a class, made of nothing.
    fn object(&mut self) -> Result<(), PickleError> {
        match (self.pop()?, self.pop()?) {
            (Value::Tuple(arguments), Value::Named(class)) if arguments.values.is_empty() => {
                self.push_dict(Some(class));
                Ok(())
            }
            (_, Value::Named(class)) => Err(PickleError::Call(class.to_string())),
            _ => Err(PickleError::Damaged),
        }
    }

    fn set_item(&mut self) -> Result<(), PickleError> {
        let (value, key) = (self.pop()?, self.pop()?);
        self.last_dict()?.entries.push((key, value));
        Ok(())
    }

    fn set_items(&mut self) -> Result<(), PickleError> {
        let mut values = self.pop_to_mark()?.into_iter();
        let dict = self.last_dict()?;
        while let Some(key) = values.next() {
            dict.entries.push((key, values.next().ok_or(PickleError::Damaged)?));
        }
        Ok(())
    }

    /// Gives an object its attributes. Those of a dict are the versions of a model's modules, which bear on nothing
    /// here.
    fn build(&mut self) -> Result<(), PickleError> {
        let state = match self.pop()? {
            Value::Dict(state) => Some(state),
            _ => None,
        };
        self.last_dict()?.state = state;
        Ok(())
    }

    fn last_dict(&mut self) -> Result<&mut Dict, PickleError> {
        match self.stack.last() {
            Some(Value::Dict(dict)) => self.dicts.get_mut(*dict).ok_or(PickleError::Damaged),
            _ => Err(PickleError::Damaged),
        }
    }
}

fn sizes(value: &Value) -> Result<Vec<usize>, PickleError> {
    let Value::Tuple(tuple) = value else { return Err(PickleError::Damaged) };
    let size = |value: &Value| match value {
        Value::Int(size) => usize::try_from(*size).map_err(|_negative| PickleError::Damaged),
        _ => Err(PickleError::Damaged),
    };
    tuple.values.iter().map(size).collect()
}

fn storage_type(name: &str) -> Option<Element> {
    match name {
        "FloatStorage" => Some(Element::F32),
        "DoubleStorage" => Some(Element::F64),
        "HalfStorage" => Some(Element::F16),
        "BFloat16Storage" => Some(Element::Bf16),
        "LongStorage" => Some(Element::Signed(8)),
        "ByteStorage" | "BoolStorage" => Some(Element::Unsigned(1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_would_run_code_is_refused_by_name() {
        let pickle = b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.";
        assert_eq!(read(pickle), Err(PickleError::Call("posix.system".to_owned())));
        let pickle = b"\x80\x02ctorch\nload\n)R.";
        assert_eq!(read(pickle), Err(PickleError::Call("torch.load".to_owned())));
        let pickle = b"\x80\x02cos\nPath\nX\x01\x00\x00\x00.\x85\x81.";
        assert_eq!(read(pickle), Err(PickleError::Call("os.Path".to_owned())));
    }

    #[test]
    fn what_no_state_dict_needs_is_refused() {
        assert_eq!(read(b"\x80\x02i."), Err(PickleError::Instruction(b'i')));
        assert_eq!(read(b"\x80\x02N."), Err(PickleError::NoStateDict));
        assert_eq!(read(b"\x80\x02ctorch\nload\n."), Err(PickleError::NoStateDict));
        assert_eq!(read(b"\x80\x02}"), Err(PickleError::Damaged));
    }

    /// Of a million tuples in tuples a recursive reader would overflow its stack, and of thirty
    /// pairs of pairs one that copies would fill its memory.
    #[test]
    fn what_nests_or_doubles_costs_no_more_than_its_length() {
        let deep = [&b")"[..], &vec![0x85; 1 << 20], b"."].concat();
        assert_eq!(read(&deep), Err(PickleError::Depth));
        let doubling = [&b")"[..], &b"q\x00h\x00\x86".repeat(30), b"."].concat();
        assert_eq!(read(&doubling), Err(PickleError::Depth));
    }

    /// A module, pickled: a class, and dicts by their names.
    fn module(class: &str, inner: &[u8]) -> Vec<u8> {
        let (package, name) = class.rsplit_once('.').unwrap();
        let key = b"X\x08\x00\x00\x00_modules";
        let start = format!("c{package}\n{name}\n)\u{1}}}");
        let start: Vec<u8> = start.bytes().map(|b| if b == 1 { 0x81 } else { b }).collect();
        [&start[..], key, b"}X\x01\x00\x00\x00m", inner, b"ssb"].concat()
    }

    #[test]
    fn a_module_that_is_no_linear_layer_is_refused_by_name() {
        let norm = module("torch.nn.modules.normalization.LayerNorm", b"N");
        let pickle = [&module("__main__.Probe", &norm)[..], b"."].concat();
        let class = "torch.nn.modules.normalization.LayerNorm".to_owned();
        assert_eq!(read(&pickle), Err(PickleError::Layer(class)));
        let pickle = [&module("__main__.Probe", b"N")[..], b"."].concat();
        assert_eq!(read(&pickle), Ok(vec![]));
    }

    /// The module in the module is itself, or stands in it many times.
    #[test]
    fn modules_in_modules_without_end_are_refused() {
        let endless = [
            b"c__main__\nA\n)\x81q\x00}X\x08\x00\x00\x00_modules}",
            &b"X\x01\x00\x00\x00mh\x00s".repeat(20)[..],
            b"sb.",
        ]
        .concat();
        assert_eq!(read(&endless), Err(PickleError::Depth));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(pickle in prop::collection::vec(
            prop_oneof![any::<u8>(), prop::sample::select(&b".()}]aeGtNJKMXqrhjQRsub\x80\x81\x85\x86\x87\x88\x8a"[..])],
            0..200,
        )) {
            let _refused_or_not = read(&pickle);
        }
    }
}
