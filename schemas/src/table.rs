//! How a table is declared: a row type whose fields are the columns.
//!
//! The `table!` macro turns a struct with documented fields into the struct itself, its Arrow schema, and the
//! conversions between rows and Arrow record batches. The key `run` is no field: it is the hive partition in the
//! path of every file, so that readers find it once and never in two types.

use std::sync::Arc;

use crate::arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, RecordBatch, StringArray,
};
use crate::arrow::array::{Float64Array, Int64Array, StringDictionaryBuilder, TimestampMicrosecondArray};
use crate::arrow::datatypes::{
    DataType, Field, Float64Type, Int32Type, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
};

use crate::error::{Error, Result};
use crate::time::Timestamp;

/// Which command writes a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Written by `collect`, from logs.
    Collect,
    /// Written by `analyze`, from the tables of `collect`.
    Analyze,
    /// What a command such as `compare` answers with; in no store.
    Answer,
}

/// How a table's files lie in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `<table>/run=<run>/part=<k>/`: every row belongs to one run.
    PerRun,
    /// `<table>/`: a row pools several runs.
    Pooled,
}

/// A repeated string: the same as `String` for a reader, dictionary-encoded in the file. Copies share the text.
#[derive(Clone)]
pub struct Label(Text);

#[derive(Clone)]
enum Text {
    Fixed(&'static str),
    Shared(Arc<str>),
}

impl Label {
    /// A label that the program itself names; copies nothing.
    pub const fn fixed(text: &'static str) -> Self {
        Self(Text::Fixed(text))
    }
}

impl Default for Label {
    fn default() -> Self {
        Self::fixed("")
    }
}

impl From<&str> for Label {
    fn from(text: &str) -> Self {
        Self(Text::Shared(text.into()))
    }
}

impl From<String> for Label {
    fn from(text: String) -> Self {
        Self(Text::Shared(text.into()))
    }
}

impl std::ops::Deref for Label {
    type Target = str;
    fn deref(&self) -> &str {
        match &self.0 {
            Text::Fixed(text) => text,
            Text::Shared(text) => text,
        }
    }
}

impl PartialEq for Label {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Label {}

impl PartialOrd for Label {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Label {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (**self).cmp(&**other)
    }
}

impl std::hash::Hash for Label {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl std::fmt::Debug for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&**self, f)
    }
}

impl std::fmt::Display for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self)
    }
}

/// One column of a declared table.
#[derive(Debug, Clone)]
pub struct Column {
    /// Name; a unit is its suffix (`_ms`, `_mb`, `_s`, `_ppm`).
    pub name: &'static str,
    /// Arrow type in the file.
    pub data_type: DataType,
    /// Whether a value may be unknown.
    pub nullable: bool,
    /// What it means.
    pub doc: String,
}

impl Column {
    /// The unit of the column's values, from its name's suffix; `None` for counts, ids and texts.
    pub fn unit(&self) -> Option<&'static str> {
        if matches!(self.data_type, DataType::Timestamp(..)) {
            return Some("us since the Unix epoch, UTC");
        }
        [("_ms", "ms"), ("_mb", "MB"), ("_per_s", "1/s"), ("_s", "s"), ("_ppm", "ppm"), ("_pct", "%")]
            .into_iter()
            .find_map(|(suffix, unit)| self.name.ends_with(suffix).then_some(unit))
    }

    fn new<C: Cell>(name: &'static str, doc: &[&str]) -> Self {
        let doc = doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ").trim().to_owned();
        Self { name, data_type: C::data_type(), nullable: C::NULLABLE, doc }
    }
}

/// A declared table without its row type, for registries, documentation and generic readers.
#[derive(Debug)]
pub struct Table {
    /// Name: the folder in the store and the view in `query`.
    pub name: &'static str,
    /// One row is…
    pub doc: fn() -> String,
    /// Who writes it.
    pub stage: Stage,
    /// How its files lie.
    pub layout: Layout,
    /// Its columns in file order, without `run`.
    pub columns: fn() -> Vec<Column>,
}

impl Table {
    /// The Arrow schema of the table's files.
    pub fn schema(&self) -> SchemaRef {
        let fields = (self.columns)().into_iter().map(|c| Field::new(c.name, c.data_type, c.nullable));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}

/// A row type made by `table!`.
pub trait Row: Sized + Send + 'static {
    /// The table this is a row of.
    const TABLE: &'static Table;

    /// The Arrow schema of the table's files, without `run`.
    fn schema() -> SchemaRef {
        Self::TABLE.schema()
    }

    /// Rows as one record batch; no rows give a batch of length 0.
    ///
    /// # Errors
    /// When Arrow refuses the columns, which is a defect of the declaration.
    fn to_batch(rows: &[Self]) -> Result<RecordBatch>;

    /// A record batch as rows. Columns are found by name: other columns may stand between them.
    ///
    /// # Errors
    /// When a column is missing or of another type, or null where it may not be.
    fn from_batch(batch: &RecordBatch) -> Result<Vec<Self>>;
}

/// A type that can be a column.
pub trait Cell: Sized {
    /// Whether `None` is among its values.
    const NULLABLE: bool;
    /// Its Arrow type.
    fn data_type() -> DataType;
    /// Values as an Arrow array.
    fn to_array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef
    where
        Self: 'a;
    /// A reader of the values of an array, or `None` when the array is of another type.
    fn reader(array: &dyn Array) -> Option<Box<dyn Fn(usize) -> Option<Self> + '_>>;
}

macro_rules! primitive_cell {
    ($rust:ty, $array:ty, $arrow:ty, $data_type:expr, |$v:ident| $into:expr, |$n:ident| $from:expr) => {
        impl Cell for $rust {
            const NULLABLE: bool = false;
            fn data_type() -> DataType {
                $data_type
            }
            fn to_array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
                Arc::new(<$array>::from_iter_values(values.map(|$v| $into)).with_data_type($data_type))
            }
            fn reader(array: &dyn Array) -> Option<Box<dyn Fn(usize) -> Option<Self> + '_>> {
                let array = primitive::<$arrow>(array)?;
                Some(Box::new(move |i| {
                    array.is_valid(i).then(|| {
                        let $n = array.value(i);
                        $from
                    })
                }))
            }
        }
        impl Cell for Option<$rust> {
            const NULLABLE: bool = true;
            fn data_type() -> DataType {
                $data_type
            }
            fn to_array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
                Arc::new(values.map(|v| v.as_ref().map(|$v| $into)).collect::<$array>().with_data_type($data_type))
            }
            fn reader(array: &dyn Array) -> Option<Box<dyn Fn(usize) -> Option<Self> + '_>> {
                let read = <$rust>::reader(array)?;
                Some(Box::new(move |i| Some(read(i))))
            }
        }
    };
}

fn primitive<T: ArrowPrimitiveType>(array: &dyn Array) -> Option<&PrimitiveArray<T>> {
    array.as_primitive_opt::<T>()
}

primitive_cell!(f64, Float64Array, Float64Type, DataType::Float64, |v| *v, |n| n);
primitive_cell!(i64, Int64Array, Int64Type, DataType::Int64, |v| *v, |n| n);
primitive_cell!(
    Timestamp,
    TimestampMicrosecondArray,
    TimestampMicrosecondType,
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    |v| v.micros(),
    |n| Timestamp::from_micros(n)
);

macro_rules! optional_cell {
    ($rust:ty, |$values:ident| $to_array:expr, $data_type:expr, |$array:ident| $reader:expr) => {
        impl Cell for Option<$rust> {
            const NULLABLE: bool = true;
            fn data_type() -> DataType {
                $data_type
            }
            fn to_array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
                let $values = values.map(Option::as_ref);
                $to_array
            }
            fn reader($array: &dyn Array) -> Option<Box<dyn Fn(usize) -> Option<Self> + '_>> {
                $reader
            }
        }
        impl Cell for $rust {
            const NULLABLE: bool = false;
            fn data_type() -> DataType {
                $data_type
            }
            fn to_array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
                let $values = values.map(Some);
                $to_array
            }
            fn reader(array: &dyn Array) -> Option<Box<dyn Fn(usize) -> Option<Self> + '_>> {
                let read = <Option<$rust>>::reader(array)?;
                Some(Box::new(move |i| read(i).flatten()))
            }
        }
    };
}

optional_cell!(
    bool,
    |values| Arc::new(values.map(Option::<&bool>::copied).collect::<BooleanArray>()),
    DataType::Boolean,
    |array| {
        let array = array.as_boolean_opt()?;
        Some(Box::new(move |i| Some(array.is_valid(i).then(|| array.value(i)))))
    }
);

optional_cell!(
    String,
    |values| Arc::new(values.map(|text| text.map(String::as_str)).collect::<StringArray>()),
    DataType::Utf8,
    |array| {
        let read = text_reader(array)?;
        Some(Box::new(move |i| Some(read(i).map(str::to_owned))))
    }
);

optional_cell!(
    Label,
    |values| {
        // A label often comes several times in a row, as copies that share their text: then it is looked up once.
        let mut builder = StringDictionaryBuilder::<Int32Type>::new();
        let mut run: (Option<&str>, usize) = (None, 0);
        for value in values {
            let text = value.map(|label| &**label);
            if run.0.zip(text).map_or(run.0 == text, |(last, text)| std::ptr::eq(last, text)) {
                run.1 += 1;
            } else {
                builder.append_options(run.0, run.1);
                run = (text, 1);
            }
        }
        builder.append_options(run.0, run.1);
        Arc::new(builder.finish())
    },
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
    |array| {
        if let Some(dictionary) = array.as_dictionary_opt::<Int32Type>() {
            let values: Vec<Label> =
                dictionary.values().as_string_opt::<i32>()?.iter().map(|v| v.unwrap_or_default().into()).collect();
            return Some(Box::new(move |i| Some(dictionary.key(i).map(|key| values[key].clone()))));
        }
        let read = text_reader(array)?;
        Some(Box::new(move |i| Some(read(i).map(Label::from))))
    }
);

/// Reads texts from a plain or a dictionary-encoded array; `None` for any other type.
fn text_reader<'a>(array: &'a dyn Array) -> Option<Box<dyn Fn(usize) -> Option<&'a str> + 'a>> {
    if let Some(plain) = array.as_string_opt::<i32>() {
        return Some(Box::new(move |i| plain.is_valid(i).then(|| plain.value(i))));
    }
    let dictionary = array.as_dictionary_opt::<Int32Type>()?;
    let values = dictionary.values().as_string_opt::<i32>()?;
    Some(Box::new(move |i| dictionary.key(i).map(|key| values.value(key))))
}

/// The values of one column of a batch; used by the `table!` macro.
///
/// # Errors
/// When the column is missing or of another type, or holds a null where none is allowed.
pub fn read_column<C: Cell>(batch: &RecordBatch, table: &'static str, column: &'static str) -> Result<Vec<C>> {
    let mismatch = |found: String| Error::Column {
        path: std::path::PathBuf::new(),
        table,
        column,
        expected: format!("{}{}", C::data_type(), if C::NULLABLE { "" } else { ", never null" }),
        found,
    };
    let array = batch.column_by_name(column).ok_or_else(|| mismatch("no such column".to_owned()))?;
    let read = C::reader(array.as_ref()).ok_or_else(|| mismatch(array.data_type().to_string()))?;
    (0..batch.num_rows()).map(|i| read(i).ok_or_else(|| mismatch(format!("null in row {i}")))).collect()
}

/// Description of a column; used by the `table!` macro.
pub fn column<C: Cell>(name: &'static str, doc: &[&str]) -> Column {
    Column::new::<C>(name, doc)
}

/// Declares a table: the row struct, its [`Table`] and the conversions to and from record batches.
macro_rules! table {
    (
        $(#[doc = $doc:literal])*
        $name:ident = $table:literal, $stage:ident, $layout:ident {
            $( $(#[doc = $fdoc:literal])* $field:ident: $ty:ty, )+
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $name {
            $( $(#[doc = $fdoc])* pub $field: $ty, )+
        }

        impl $crate::table::Row for $name {
            const TABLE: &'static $crate::table::Table = &$crate::table::Table {
                name: $table,
                doc: || [$($doc),*].iter().map(|line: &&str| line.trim()).collect::<Vec<_>>().join(" "),
                stage: $crate::table::Stage::$stage,
                layout: $crate::table::Layout::$layout,
                columns: || vec![ $( $crate::table::column::<$ty>(stringify!($field), &[$($fdoc),*]), )+ ],
            };

            fn to_batch(rows: &[Self]) -> $crate::Result<$crate::arrow::array::RecordBatch> {
                use $crate::table::Cell;
                let columns = vec![ $( <$ty as Cell>::to_array(rows.iter().map(|row| &row.$field)), )+ ];
                $crate::arrow::array::RecordBatch::try_new(Self::schema(), columns)
                    .map_err(|source| $crate::Error::Arrow { table: $table, source })
            }

            fn from_batch(batch: &$crate::arrow::array::RecordBatch) -> $crate::Result<Vec<Self>> {
                $( let mut $field = $crate::table::read_column::<$ty>(batch, $table, stringify!($field))?.into_iter(); )+
                let mut row = || Some(Self { $( $field: $field.next()?, )+ });
                Ok(std::iter::from_fn(&mut row).collect())
            }
        }
    };
}
pub(crate) use table;
