//! The pickle of a state dict, read without running it.
//!
//! A pickle is a program: it names functions, and whoever unpickles it calls them. This reads the few
//! instructions with which PyTorch writes names and tensors, knows the functions that they call by
//! name, and refuses every other. Values are shared, never copied, and nest only so deep, so that a
//! hostile file costs no more than its own length.

use std::{collections::HashMap, rc::Rc};

use candle_core::DType;

/// Tuples in tuples: those of a tensor go three deep.
const MAX_DEPTH: usize = 8;

/// A tensor's place in a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    pub(super) storage: Rc<Storage>,
    /// Values before the first.
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    /// Values from one to the next, for each axis.
    pub(super) strides: Vec<usize>,
}

/// Values in a file of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Storage {
    /// The file's name.
    pub(super) key: Rc<str>,
    pub(super) dtype: DType,
    pub(super) n_values: usize,
}

/// Reads the tensors of a state dict, and their names.
pub(super) fn read(pickle: &[u8]) -> Result<Vec<(String, View)>, PickleError> {
    let mut machine = Machine { rest: pickle, ..Machine::default() };
    while machine.step()? {}
    let Some(Value::Dict(dict)) = machine.stack.pop() else { return Err(PickleError::NoStateDict) };
    let entries = machine.dicts.swap_remove(dict).into_iter();
    let tensors = entries.filter_map(|(name, value)| match (name, value) {
        (Value::Text(name), Value::Tensor(view)) => Some((name.to_string(), (*view).clone())),
        _ => None,
    });
    Ok(tensors.collect())
}

/// Why a pickle is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PickleError {
    /// It would call something.
    #[error("it would call {0}, which makes no tensor")]
    Call(String),
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
    None,
    Bool,
    Int(i64),
    Text(Rc<str>),
    Tuple(Rc<Tuple>),
    /// Its place among all dicts.
    Dict(usize),
    Function(Function),
    StorageType(DType),
    Storage(Rc<Storage>),
    Tensor(Rc<View>),
    Mark,
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
}

#[derive(Debug, Default)]
struct Machine<'a> {
    rest: &'a [u8],
    stack: Vec<Value>,
    memo: HashMap<u32, Value>,
    dicts: Vec<Vec<(Value, Value)>>,
}

impl<'a> Machine<'a> {
    /// Does one instruction, and says whether there are more to come.
    fn step(&mut self) -> Result<bool, PickleError> {
        match self.byte()? {
            b'.' => return Ok(false),
            0x80 => drop(self.byte()?),
            b'c' => self.global()?,
            b'}' => self.push_dict(),
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
            b'N' => self.stack.push(Value::None),
            0x88 | 0x89 => self.stack.push(Value::Bool),
            code @ (b'J' | b'K' | b'M' | 0x8a) => self.integer(code)?,
            b'X' => self.text()?,
            code @ (b'q' | b'r' | b'h' | b'j') => self.remember(code)?,
            b'Q' => self.storage()?,
            b'R' => self.call()?,
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

    fn push_dict(&mut self) {
        self.stack.push(Value::Dict(self.dicts.len()));
        self.dicts.push(Vec::new());
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
            ("torch", name) => match storage_type(name) {
                Some(dtype) => Value::StorageType(dtype),
                None => return Err(PickleError::Call(format!("torch.{name}"))),
            },
            (module, name) => return Err(PickleError::Call(format!("{module}.{name}"))),
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
        let [_, Value::StorageType(dtype), Value::Text(key), _, Value::Int(n_values)] =
            &tuple.values[..]
        else {
            return Err(PickleError::Damaged);
        };
        let n_values = usize::try_from(*n_values).map_err(|_negative| PickleError::Damaged)?;
        let storage = Storage { key: Rc::clone(key), dtype: *dtype, n_values };
        self.stack.push(Value::Storage(Rc::new(storage)));
        Ok(())
    }

    fn call(&mut self) -> Result<(), PickleError> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let (Value::Function(function), Value::Tuple(arguments)) = (function, arguments) else {
            return Err(PickleError::Damaged);
        };
        match (function, &arguments.values[..]) {
            (Function::OrderedDict, []) => self.push_dict(),
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

    fn set_item(&mut self) -> Result<(), PickleError> {
        let (value, key) = (self.pop()?, self.pop()?);
        self.last_dict()?.push((key, value));
        Ok(())
    }

    fn set_items(&mut self) -> Result<(), PickleError> {
        let mut values = self.pop_to_mark()?.into_iter();
        let dict = self.last_dict()?;
        while let Some(key) = values.next() {
            dict.push((key, values.next().ok_or(PickleError::Damaged)?));
        }
        Ok(())
    }

    /// Gives a dict attributes: the versions of a model's modules, which bear on nothing here.
    fn build(&mut self) -> Result<(), PickleError> {
        self.pop()?;
        self.last_dict().map(drop)
    }

    fn last_dict(&mut self) -> Result<&mut Vec<(Value, Value)>, PickleError> {
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

fn storage_type(name: &str) -> Option<DType> {
    match name {
        "FloatStorage" => Some(DType::F32),
        "DoubleStorage" => Some(DType::F64),
        "HalfStorage" => Some(DType::F16),
        "BFloat16Storage" => Some(DType::BF16),
        "LongStorage" => Some(DType::I64),
        "ByteStorage" | "BoolStorage" => Some(DType::U8),
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
        let pickle = b"\x80\x02ctorch\nload\n.";
        assert_eq!(read(pickle), Err(PickleError::Call("torch.load".to_owned())));
    }

    #[test]
    fn what_no_state_dict_needs_is_refused() {
        assert_eq!(read(b"\x80\x02]."), Err(PickleError::Instruction(b']')));
        assert_eq!(read(b"\x80\x02N."), Err(PickleError::NoStateDict));
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

    proptest! {
        #[test]
        fn nothing_makes_it_panic(pickle in prop::collection::vec(
            prop_oneof![any::<u8>(), prop::sample::select(&b".()}tNJKMXqrhjQRsub\x80\x85\x86\x87\x88\x8a"[..])],
            0..200,
        )) {
            let _refused_or_not = read(&pickle);
        }
    }
}
