//! A table of cells: what every text format is written from.

use faaslens_schemas::arrow::array::{Array, AsArray, RecordBatch};
use faaslens_schemas::arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use faaslens_schemas::arrow::error::ArrowError;
use faaslens_schemas::time::Timestamp;

use crate::error::{Error, Result};
use crate::number;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Unknown.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole or decimal number in its exact digits.
    Digits(String),
    /// A number with a fraction.
    Float(f64),
    /// An estimate with the ends of its interval.
    Within {
        /// The estimate.
        value: f64,
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// Anything else, as it came: escape it.
    Text(String),
}

impl Cell {
    /// A text, or unknown.
    pub fn text(value: Option<&str>) -> Self {
        value.map_or(Self::Null, |text| Self::Text(text.to_owned()))
    }

    /// A count.
    pub fn count(value: i64) -> Self {
        Self::Digits(value.to_string())
    }

    /// A number, or unknown.
    pub fn float(value: Option<f64>) -> Self {
        value.map_or(Self::Null, Self::Float)
    }

    /// The full value as text; nothing for unknown.
    pub fn exact(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Digits(text) | Self::Text(text) => text.clone(),
            Self::Float(value) => number::shortest(*value),
            Self::Within { value, low, high } => {
                format!("{} [{}, {}]", number::shortest(*value), number::shortest(*low), number::shortest(*high))
            }
        }
    }

    /// The value for people: rounded, `n/a` for unknown.
    pub fn rounded(&self, decimals: usize) -> String {
        match self {
            Self::Null => "n/a".to_owned(),
            Self::Float(value) => number::fixed(*value, decimals),
            Self::Within { value, low, high } => {
                let [value, low, high] = [value, low, high].map(|end| number::fixed(*end, decimals));
                format!("{value} [{low}, {high}]")
            }
            Self::Bool(value) => if *value { "yes" } else { "no" }.to_owned(),
            Self::Digits(text) | Self::Text(text) => text.clone(),
        }
    }
}

/// One column's name and alignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// Name, with the unit as its suffix.
    pub name: String,
    /// Whether its values are numbers: those stand right-aligned.
    pub numeric: bool,
}

/// Columns and rows of cells.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sheet {
    /// One a column.
    pub headings: Vec<Heading>,
    /// Rows of as many cells as there are headings.
    pub rows: Vec<Vec<Cell>>,
}

impl Sheet {
    /// An empty table of these columns; a `#` in front of a name marks numbers.
    pub fn new(names: &[&str]) -> Self {
        let heading = |name: &&str| match name.strip_prefix('#') {
            Some(name) => Heading { name: name.to_owned(), numeric: true },
            None => Heading { name: (*name).to_owned(), numeric: false },
        };
        Self { headings: names.iter().map(heading).collect(), rows: Vec::new() }
    }

    /// The cells of a record batch, in its order.
    ///
    /// # Errors
    /// When a column's type has no text form, by name.
    pub fn from_batch(batch: &RecordBatch) -> Result<Self> {
        let schema = batch.schema();
        let headings = schema
            .fields()
            .iter()
            .map(|field| Heading { name: field.name().clone(), numeric: field.data_type().is_numeric() });
        let mut rows = vec![Vec::with_capacity(batch.num_columns()); batch.num_rows()];
        for (field, column) in schema.fields().iter().zip(batch.columns()) {
            let read =
                reader(column.as_ref()).map_err(|source| Error::ColumnType { column: field.name().clone(), source })?;
            for (i, row) in rows.iter_mut().enumerate() {
                row.push(read(i));
            }
        }
        Ok(Self { headings: headings.collect(), rows })
    }

    /// The same table with a text column of one value in front.
    #[must_use]
    pub fn with_first(mut self, name: &str, value: &str) -> Self {
        self.headings.insert(0, Heading { name: name.to_owned(), numeric: false });
        for row in &mut self.rows {
            row.insert(0, Cell::Text(value.to_owned()));
        }
        self
    }

    /// The same table for people: the columns `x_low_ms` and `x_high_ms` stand in the cells of `x_ms` (`12.3 [12.1, 12.6]`), and
    /// so for other units. Estimates without an interval stay alone.
    #[must_use]
    pub fn with_intervals(mut self) -> Self {
        let place = |headings: &[Heading], name: &str| headings.iter().position(|heading| heading.name == name);
        let names: Vec<String> = self.headings.iter().map(|heading| heading.name.clone()).collect();
        for name in names {
            let Some((stem, unit)) = name.split_once("_low_") else { continue };
            let ends = [format!("{stem}_{unit}"), name.clone(), format!("{stem}_high_{unit}")];
            let [Some(at), Some(low), Some(high)] = ends.map(|end| place(&self.headings, &end)) else { continue };
            for row in &mut self.rows {
                if let (&Cell::Float(value), &Cell::Float(low), &Cell::Float(high)) = (&row[at], &row[low], &row[high])
                {
                    row[at] = Cell::Within { value, low, high };
                }
            }
            for column in [low.max(high), low.min(high)] {
                self.headings.remove(column);
                self.rows.iter_mut().for_each(|row| drop(row.remove(column)));
            }
        }
        self
    }

    /// Decimals that people are shown, a column.
    pub fn decimals(&self) -> Vec<usize> {
        let greatest = |column: usize| {
            self.rows.iter().filter_map(move |row| match row.get(column) {
                Some(Cell::Float(value) | Cell::Within { value, .. }) if value.is_finite() => Some(value.abs()),
                _ => None,
            })
        };
        (0..self.headings.len()).map(|column| number::decimals_for(greatest(column).fold(0.0, f64::max))).collect()
    }

    /// Every cell as people are shown it, not yet escaped.
    pub fn rounded(&self) -> Vec<Vec<String>> {
        let decimals = self.decimals();
        self.rows
            .iter()
            .map(|row| row.iter().zip(&decimals).map(|(cell, &decimals)| cell.rounded(decimals)).collect())
            .collect()
    }
}

type CellReader<'a> = Box<dyn Fn(usize) -> Cell + 'a>;

fn reader(array: &dyn Array) -> std::result::Result<CellReader<'_>, ArrowError> {
    let nulls = array.logical_nulls();
    let null = move |i: usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(i));
    Ok(match array.data_type() {
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>();
            Box::new(move |i| if null(i) { Cell::Null } else { Cell::Float(values.value(i)) })
        }
        DataType::Float32 => {
            let values = array.as_primitive::<Float32Type>();
            Box::new(move |i| if null(i) { Cell::Null } else { Cell::Float(f64::from(values.value(i))) })
        }
        DataType::Boolean => {
            let values = array.as_boolean();
            Box::new(move |i| if null(i) { Cell::Null } else { Cell::Bool(values.value(i)) })
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let values = array.as_primitive::<TimestampMicrosecondType>();
            let text = move |i| Timestamp::from_micros(values.value(i)).to_string();
            Box::new(move |i| if null(i) { Cell::Null } else { Cell::Text(text(i)) })
        }
        DataType::Int64 => {
            let values = array.as_primitive::<Int64Type>();
            Box::new(move |i| if null(i) { Cell::Null } else { Cell::Digits(values.value(i).to_string()) })
        }
        DataType::Utf8 => {
            let values = array.as_string::<i32>();
            Box::new(move |i| if null(i) { Cell::Null } else { Cell::Text(values.value(i).to_owned()) })
        }
        DataType::Dictionary(..) => {
            let mismatch = || ArrowError::CastError(format!("no text in {}", array.data_type()));
            let dictionary = array.as_dictionary_opt::<Int32Type>().ok_or_else(mismatch)?;
            let values = dictionary.values().as_string_opt::<i32>().ok_or_else(mismatch)?;
            Box::new(move |i| match dictionary.key(i) {
                Some(key) if !null(i) => Cell::Text(values.value(key).to_owned()),
                _ => Cell::Null,
            })
        }
        other => return Err(ArrowError::NotYetImplemented(format!("text of {other}"))),
    })
}
