//! What the reader of a file takes: noted while it reads one that has every key.
//!
//! A key's name, its type, its choices are said in one place, the line that reads it: what is noted here cannot say another thing.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

/// How a value is read.
#[derive(Clone, Debug, Default)]
pub(crate) enum Form {
    /// Nothing has read it.
    #[default]
    Unread,
    /// A string.
    Text,
    /// One of these strings.
    Choice(Vec<&'static str>),
    /// `true` or `false`.
    Boolean,
    /// `true`, `false`, or a string.
    BooleanOrText,
    /// A whole number, within limits that belong to it.
    Integer {
        /// The smallest.
        least: i64,
        /// The largest.
        most: i64,
    },
    /// A string, a number or a boolean.
    Scalar,
    /// An array; each item is read in the same way.
    List(Recorder),
    /// A table with the user's own names; what each stands for is read in the same way.
    Map(Recorder),
    /// A table whose keys the reader knows.
    Table(BTreeMap<&'static str, Recorder>),
}

/// What is known of one value.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    /// How it is read.
    pub(crate) form: Form,
    /// The keys that it must have, if it is a table.
    pub(crate) required: Vec<String>,
}

/// Takes notes of how one value is read; by default it takes none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder(Option<Rc<RefCell<Shape>>>);

impl Recorder {
    /// One that takes notes.
    pub(crate) fn new() -> Self {
        Self(Some(Rc::default()))
    }

    /// What was noted; nothing by one that takes no notes.
    pub(crate) fn shape<T>(&self, look: impl FnOnce(&Shape) -> T) -> Option<T> {
        self.0.as_ref().map(|shape| look(&shape.borrow()))
    }

    /// One that knows how the value is read.
    pub(crate) fn of(form: Form) -> Self {
        let recorder = Self::new();
        recorder.note(|| form);
        recorder
    }

    pub(super) fn note(&self, form: impl FnOnce() -> Form) {
        if let Some(shape) = &self.0 {
            shape.borrow_mut().form = form();
        }
    }

    /// That this is a table of known keys, even if there is none.
    pub(super) fn table(&self) {
        if let Some(shape) = &self.0
            && !matches!(shape.borrow().form, Form::Table(_))
        {
            shape.borrow_mut().form = Form::Table(BTreeMap::new());
        }
    }

    pub(super) fn require(&self, key: &str) {
        if let Some(shape) = &self.0 {
            let required = &mut shape.borrow_mut().required;
            if !required.iter().any(|known| known == key) {
                required.push(key.to_owned());
            }
        }
    }

    /// The one for what is under a key of this table.
    pub(super) fn key(&self, key: &'static str) -> Self {
        self.part(|form| match form {
            Form::Table(keys) => keys.entry(key).or_insert_with(Self::new).clone(),
            _ => Self::default(),
        })
    }

    /// The one for the items of this array.
    pub(super) fn items(&self) -> Self {
        self.part(|form| match form {
            Form::List(items) => items.clone(),
            _ => {
                let items = Self::new();
                *form = Form::List(items.clone());
                items
            }
        })
    }

    /// The one for what the names of this table stand for.
    pub(super) fn entries(&self) -> Self {
        self.part(|form| match form {
            Form::Map(entries) => entries.clone(),
            _ => {
                let entries = Self::new();
                *form = Form::Map(entries.clone());
                entries
            }
        })
    }

    fn part(&self, of: impl FnOnce(&mut Form) -> Self) -> Self {
        match &self.0 {
            Some(shape) => of(&mut shape.borrow_mut().form),
            None => Self::default(),
        }
    }
}
